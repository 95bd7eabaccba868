"""The outside world behind small Protocols. Only here: subprocess, time, signals."""
