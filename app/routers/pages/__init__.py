"""The pages for people at large: home, signing in and out, consent, and the first operator's start."""
