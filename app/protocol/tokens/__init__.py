"""Orders become strings."""
