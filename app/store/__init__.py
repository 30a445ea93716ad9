"""Every SQL statement of the product, and the PostgreSQL that it speaks to."""
