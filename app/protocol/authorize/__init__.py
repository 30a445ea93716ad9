"""The authorization request, stage by stage (RFC 6749 §4.1.1, OAuth 2.1 §4.1.1)."""
