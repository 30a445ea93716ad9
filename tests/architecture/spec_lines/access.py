"""Scopes, resources, the authorization record, and how the server is reached and reaches others."""

from tests.architecture.spec_lines.line import section

SECTIONS = (
    section(
        "Scopes",
        """
SC-1 | RFC 6749 §3.3 | MUST | printable ASCII without quote and backslash, case counts, order and repeats do not; else `invalid_scope`
SC-2 | RFC 6749 §3.3 | MUST | what differs from the request is told; no scope asked is none granted
SC-3 | RFC 6749 §3.3 | MAY | an application asks within its list; an unknown scope is `invalid_scope`, and ignored in an OpenID request and beside a resource
SC-4 | OAuth 2.1 §1.4.1 | SHOULD | the names of OpenID Connect are taken
""",
    ),
    section(
        "Resource indicators",
        """
RI-1 | RFC 8707 §2 | MUST | an absolute URI without fragment, repeatable; else `invalid_target`
RI-2 | RFC 8707 §2.2 | MUST | the token endpoint selects among what was granted
RI-3 | RFC 8707 §2, §2.2 | SHOULD | scopes and resources belong together, and a token is for what was asked
RI-4 | RFC 8707 §2, MCP authorization | MUST | an unknown resource is refused in a sentence, and capitals in scheme and host are tolerated
RI-5 | RFC 3986 §6.2.1 | recommended | resources are compared as strings, with one slash forgiven behind a bare origin
RI-6 | RFC 8707 §2 | MUST | a request object may hold one or several
""",
    ),
    section(
        "The authorization record",
        """
AR-1 | Grant Management §3 | recommended | one record for a person and an application
AR-2 | RFC 8707 §2.2 | recommended | it holds pairs of scope and resource, never two lists
AR-3 | Grant Management §5.2 | recommended | what was approved is merged, atomically, and nothing is lost
AR-4 | RFC 6749 §3.3 | MUST | a token has the scopes of its own request
AR-5 | RFC 6749 §6 | MUST | a refresh token does not grow with the record
AR-6 | Grant Management §10 | recommended | what the record loses, its tokens lose
AR-7 | RFC 6749 §10.2 | recommended | nobody is asked only when every pair was given before and the client is who it says
AR-8 | OpenID Connect Core §12.2, RFC 9470 §6.1 | MUST | the login belongs to the family, not to the record
AR-9 | RFC 7009 §2.1, RFC 9700 §4.14.2 | SHOULD | token, family, record, person and application can each be ended, with all below
AR-10 | RFC 9700 §4.14.2 | SHOULD | a reused refresh token ends its family, not the record
AR-11 | Grant Management §6.4 | recommended | a record may end, and no token outlives it | later: with records that have an end of their own
AR-12 | Client ID Metadata Document §6.3 | MAY | an application that changed is asked about anew
AR-13 | OpenID Connect Core §2 | MUST | no client id and no subject is ever given out again
AR-14 | OAuth 2.1 §7.9 | SHOULD | people see each record with what it allows and when it was last used
AR-15 | RFC 9700 §4.14 | recommended | every change is written down with who, what and in which request
AR-16 | RFC 9700 §4.15 | recommended | machine grants leave the records of people alone
""",
    ),
    section(
        "The authorization record: cases",
        """
AR-17 (a) | Grant Management §5.2 | recommended | two consents at once
AR-17 (b) | RFC 6749 §3.3 | recommended | a narrow request after a wide consent
AR-17 (c) | RFC 6749 §3.3 | recommended | one of two new scopes is denied
AR-17 (d) | Grant Management §5.2 | recommended | the record is replaced while a token refreshes
AR-17 (e) | OAuth 2.1 §4.1.3 | recommended | the record is revoked while a code is on its way
AR-17 (f) | OpenID Connect Core §3.1.2.1 | recommended | another person at the same browser
AR-17 (g) | Grant Management §5.4 | recommended | the grant of somebody else
AR-17 (h) | RFC 8707 §2.2 | recommended | one scope at one resource and another at another yield no third pair
""",
        kind="test",
    ),
    section(
        "The server's own API",
        """
BR-1 | RFC 6750 §2.1 | MUST | `Authorization: Bearer`, without case, and never a token in a URL
BR-2 | RFC 6750 §2, §3.1 | MUST | two credentials in a request are 400
BR-3 | RFC 6750 §3 | MUST | 401 comes with a challenge; without credentials it names no error
BR-4 | RFC 6750 §3.1 | MUST | a token that does not count is 401, too little scope 403 with the scope, a malformed request 400
BR-5 | RFC 6750 §2.3 | recommended | what a token opened is not stored
""",
    ),
    section(
        "Websites",
        """
CO-1 | Fetch Standard §3.2 | MUST | errors carry the headers too, and a preflight may be remembered
CO-2 | Fetch Standard §3.2 | recommended | a preflight is answered for all, and what is echoed varies
CO-3 | RFC 9700 §2.6 | MUST NOT | cookies open nothing that other websites may call
""",
    ),
    section(
        "The network",
        """
NS-1 | RFC 9700 §4.13 | MUST | headers count from a trusted proxy alone, and addresses come from the configuration
NS-2 | RFC 9325 | MUST | TLS 1.2 or newer
NS-3 | RFC 9700 §4.12 | SHOULD | redirects are 303
NS-4 | Client ID Metadata Document §6.5, RFC 6890 | MUST | what is fetched is https, pinned to a public address, and bounded
NS-5 | RFC 9700 §4.2.4, RFC 9449 §11 | MUST NOT | no log holds a code, token, secret, assertion, proof or password
""",
    ),
)
