"""Redirect URIs: which are registered and which match, and what native applications may have."""

from tests.architecture.spec_lines.line import section

SECTIONS = (
    section(
        "Redirect URIs",
        """
RU-1 | RFC 9700 §2.1, §4.1.3, OpenID Connect Core §3.1.2.1 | MUST | one matches a registered one as a string, and in no other way
RU-2 | RFC 8252 §7.3 | MUST | but on `127.0.0.1` and `[::1]` the port does not count, and everything else does
RU-3 | RFC 8252 §8.3, RFC 9700 §4.1.3 | recommended | `localhost` is treated like these, and is neither of them
RU-4 | RFC 9700 §2.6 | MUST | https has no such exception, and plain http no other host
RU-5 | RFC 8252 §7.1 | SHOULD | a private scheme has the form of a domain, and a single slash behind it
RU-6 | RFC 8252 §7.2, §8.4 | MUST | an https address that a program has claimed is like any other; what kind of client it is, is registered
RU-7 | RFC 6749 §3.1.2 | MUST | it has no fragment, and keeps its query
RU-8 | RFC 6749 §3.1.2.3, OpenID Connect Core §3.1.2.1 | MUST | only where one alone is registered may it be left out, and not in an OpenID request
RU-9 | RFC 9700 §4.1.3 | recommended | it is parsed strictly and goes out as it was registered
RU-10 | RFC 9700 §4.1.3 | recommended | what may not be registered is not redirected to either
""",
    ),
    section(
        "Native applications",
        """
NA-1 | RFC 8252 §6, §8.1, §8.2, §8.5 | MUST | PKCE, no implicit grant, and no secret that all its copies share
NA-2 | RFC 8252 §8.4, §8.6 | SHOULD NOT | it is registered as what it is, and nobody passes for it without a question
NA-3 | RFC 8252 §7 | MUST | private schemes, claimed https addresses and loopback are there for it
""",
    ),
)
