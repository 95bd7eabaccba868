"""The words shared by all: frozen, without a clock, a process, a network or a disk."""
