"""What clients of the Model Context Protocol count on, and what they send."""

from tests.architecture.spec_lines.line import section

SECTIONS = (
    section(
        "MCP authorization",
        """
MC-1 | MCP authorization | MUST | OAuth 2.1, with and without secrets, all of it on https; answers go to https or to the person's own computer
MC-2 | MCP authorization | MUST | metadata under either of its names
MC-3 | MCP authorization | MUST | PKCE is announced, in both documents
MC-4 | MCP authorization | SHOULD | documents and registration are announced where they count, and a client that is registered by hand needs neither
MC-5 | MCP authorization, RFC 9207 | SHOULD | every answer names the issuer, errors too, and the metadata announces it
MC-6 | MCP authorization | MUST | an answer goes to a registered address alone, whose host the person sees
MC-7 | MCP authorization | MUST | access tokens are short-lived, and refresh tokens of public clients rotate
MC-8 | MCP authorization, RFC 8707 | MUST | a token is for the resource that was named
MC-9 | MCP authorization | MAY | refresh tokens come as the server decides, and no API lists `offline_access`
MC-10 | MCP authorization | MUST | the issuer is one string that stays, whatever address it is asked at
""",
    ),
)
