"""The catalogue of spec-coverage.md: every line of the specifications that the server is measured by.

A line without a test needs a reason: `later:` and the feature it comes with, `choice:` and the number of the decision
record, or `not a server's:` and why.
"""

from tests.architecture.spec_lines import (
    access,
    answers,
    authorization,
    back_channel,
    ciba,
    client_documents,
    credentials,
    details,
    fapi,
    grant_management,
    id_tokens,
    mcp,
    mcp_clients,
    openid_request,
    other_endpoints,
    practices,
    published,
    pushed_requests,
    redirects,
    registration,
    request_objects,
    sessions,
    signing_out,
    token_endpoint,
    userinfo,
)
from tests.architecture.spec_lines.line import Line, Section

SECTIONS: tuple[Section, ...] = (
    *authorization.SECTIONS,
    *openid_request.SECTIONS,
    *redirects.SECTIONS,
    *request_objects.SECTIONS,
    *pushed_requests.SECTIONS,
    *token_endpoint.SECTIONS,
    *other_endpoints.SECTIONS,
    *ciba.SECTIONS,
    *sessions.SECTIONS,
    *signing_out.SECTIONS,
    *back_channel.SECTIONS,
    *userinfo.SECTIONS,
    *registration.SECTIONS,
    *published.SECTIONS,
    *credentials.SECTIONS,
    *id_tokens.SECTIONS,
    *access.SECTIONS,
    *answers.SECTIONS,
    *client_documents.SECTIONS,
    *mcp.SECTIONS,
    *mcp_clients.SECTIONS,
    *details.SECTIONS,
    *grant_management.SECTIONS,
    *fapi.SECTIONS,
    *practices.SECTIONS,
)
"""The lines by subject, in the order of the page."""

LINES: dict[str, Line] = {line.id: line for section in SECTIONS for line in section.lines}
"""The lines by id."""
