"""Arithmetic without policy and without I/O."""
