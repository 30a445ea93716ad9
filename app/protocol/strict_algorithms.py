"""What is strong enough for strict applications."""

STRICT_ALGORITHMS = ("PS256", "ES256", "EdDSA", "Ed25519")
"""What they may sign with, and be answered in (FAPI 2.0 §5.4, F-22); the last two are one algorithm (RFC 9864)."""
