"""Assent: an OAuth 2.1 authorization server with consent that remembers."""

__version__ = "0.1.0"
