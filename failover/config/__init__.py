"""The configuration: one YAML file, the same on both nodes and on an operator's host."""
