"""Sinks for what the server does: log lines, counters and request ids."""
