"""How applications are told that a session is over."""

from tests.architecture.spec_lines.line import section

SECTIONS = (
    section(
        "Back-channel logout",
        """
LB-1 | OpenID Connect Back-Channel Logout §2.2, §2.5 | MUST | a form with `logout_token` is sent to the registered address
LB-2 | OpenID Connect Back-Channel Logout §2.4 | MUST | what a logout token says, its type, and that it is signed
LB-3 | OpenID Connect Back-Channel Logout §2.1 to §2.4 | MUST | `sid` is there where it is needed; `sub` is the application's own
LB-4 | OpenID Connect Back-Channel Logout §2.5, §2.8 | SHOULD NOT | nothing is sent again that was answered, but for what may pass
LB-5 | OpenID Connect Back-Channel Logout §2.7 | SHOULD | refresh tokens end with the session, offline ones do not
LB-6 | OpenID Connect Back-Channel Logout §2.1 | MUST | the metadata say that there is such a logout, and that it names sessions
""",
    ),
)
