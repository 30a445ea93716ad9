"""A person's own desk: what is connected, what it can do, and how to take it back."""
