"""The pages of operators, under /admin."""
