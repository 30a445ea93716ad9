"""The product around the protocol: signing in, sessions, first start, a person's own account."""
