"""One look at the pair, judged into findings, and shown: text, JSON, Nagios."""
