"""The Jinja2 templates, installed as package data."""
