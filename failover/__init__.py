"""Two cheap web servers that behave like one that does not die."""

__version__ = "0.1.0"
