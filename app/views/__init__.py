"""What a person sees: pages as plain values, templates, stylesheet, static files, and the headers of the pages."""
