"""The server's own JSON API under /api/v1."""
