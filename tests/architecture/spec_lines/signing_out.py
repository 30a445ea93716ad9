"""Sign-out through the browser: by an application's request, in frames of applications, and as their pages see it."""

from tests.architecture.spec_lines.line import section

SECTIONS = (
    section(
        "RP-initiated logout",
        """
LO-1 | OpenID Connect RP-Initiated Logout §2 | MUST | GET and POST, with a hint, a client, an address to return to, state and languages
LO-2 | OpenID Connect RP-Initiated Logout §2 | MUST | an ID token of this server counts, also after its end, and for its own application; that of another session proves nothing
LO-3 | OpenID Connect RP-Initiated Logout §2, ASVS 10.6.2 | MUST | the person is asked where the ID token is not that of this very session
LO-4 | OpenID Connect RP-Initiated Logout §2, §3 | MUST | the session ends, applications are told, and then only does the browser go on
LO-5 | OpenID Connect RP-Initiated Logout §3 | MUST NOT | the browser goes nowhere but to a registered address, with the state, and not without an ID token or the person's yes
LO-6 | OpenID Connect RP-Initiated Logout §4 | MUST NOT | a mistake leads nowhere; where nobody is signed in there is none
LO-7 | OpenID Connect RP-Initiated Logout §3.1 | SHOULD | addresses to return to are https, loopback, or the scheme of an app
""",
    ),
    section(
        "Front-channel logout",
        """
LF-1 | OpenID Connect Front-Channel Logout §2, §3 | MUST | a frame for each application of the session, at an origin of its own, with `iss` and `sid` both
LF-2 | OpenID Connect Front-Channel Logout §3, §6 | MUST | it is published, and the page may frame exactly those applications
""",
    ),
    section(
        "Session management",
        """
LS-1 | OpenID Connect Session Management §2 | MUST | answers have a `session_state` for the origin that they go to, errors too
LS-2 | OpenID Connect Session Management §3.2 | MUST | a frame compares it with a cookie that scripts read, for the origin that asks
LS-3 | OpenID Connect Session Management §2, §3.2 | recommended | the state changes with who is signed in, and failed logins vary
""",
    ),
)
