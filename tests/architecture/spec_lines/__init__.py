"""The catalogue of spec-coverage.md: every line of the specifications that the server is measured by.

A line without a test needs a reason: `later:` and the feature it comes with, `choice:` and the number of the decision
record, or `not a server's:` and why.
"""

from tests.architecture.spec_lines import (
    access,
    authorization,
    credentials,
    other_endpoints,
    practices,
    published,
    token_endpoint,
)
from tests.architecture.spec_lines.line import Line, Section

SECTIONS: tuple[Section, ...] = (
    *authorization.SECTIONS,
    *token_endpoint.SECTIONS,
    *other_endpoints.SECTIONS,
    *published.SECTIONS,
    *credentials.SECTIONS,
    *access.SECTIONS,
    *practices.SECTIONS,
)
"""The lines by subject, in the order of the page."""

LINES: dict[str, Line] = {line.id: line for section in SECTIONS for line in section.lines}
"""The lines by id."""
