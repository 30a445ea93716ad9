"""What clients of the Model Context Protocol send and look at, and clients that live in a browser."""

from tests.architecture.spec_lines.line import section

SECTIONS = (
    section(
        "What MCP clients do",
        """
MB-1 | MCP authorization | MUST | they look for metadata with a header of their own, from websites too
MB-2 | MCP authorization | MUST | they go on to the next address after a 404, and read JSON alone
MB-3 | MCP authorization, OpenID Connect Core §11 | MUST | they ask for all scopes that a challenge or the metadata lists, for a resource, and demand the page with `offline_access`
MB-4 | MCP authorization, RFC 6749 §2.3.1 | MUST | they redeem a code for the resource, without a secret or with a quoted one
MB-5 | MCP authorization | MUST | they refresh for the resource without naming scopes, and take any refusal for the end
MB-6 | MCP authorization, RFC 7591 §3.1 | MUST | they register what they need at first, and keep to the way to authenticate that they asked for
MB-7 | Client ID Metadata Document | SHOULD | their client ID is the address of a document, and they have no secret
MB-8 | MCP authorization, RFC 6750 §3.1 | MUST | a 403 makes them ask for more with the same client ID
MB-9 | RFC 9207 §2.4 | MUST | they compare the issuer of an answer letter by letter
MB-10 | RFC 8707 §2 | SHOULD | they write the origin of a server with a slash, or without
MB-11 | MCP conformance suite | MUST | they find in metadata, answers and token responses all that the suite looks for
MB-12 | MCP authorization, client credentials extension | MAY | those without a person authenticate by a secret or a key, by methods that the metadata lists
""",
        kind="test",
    ),
    section(
        "Clients in a browser",
        """
BB-1 | OAuth 2.0 for Browser-Based Applications §6.3.2 | MUST | they prove by PKCE that a code is theirs, and no token comes through an address unless the operator wants it so
BB-2 | OAuth 2.0 for Browser-Based Applications §6.3.4 | MUST NOT | nobody asks them for a secret
BB-3 | OAuth 2.0 for Browser-Based Applications §6.3.2.3 | MUST | their refresh tokens change each time, end as the first one would have, and end with the session
BB-4 | OAuth 2.0 for Browser-Based Applications §6.3.2.4 | MUST | their scripts may call what they need
BB-5 | OAuth 2.0 for Browser-Based Applications §6.3.4.1 | MAY | an https address that is theirs alone tells who they are
BB-6 | OAuth 2.0 for Browser-Based Applications §8 | SHOULD NOT | ID tokens say nothing that was not asked for
""",
    ),
)
