"""What applications learn of people: the userinfo endpoint."""

from tests.architecture.spec_lines.line import section

SECTIONS = (
    section(
        "Userinfo endpoint",
        """
UI-1 | OpenID Connect Core §5.3.1, RFC 6750 §2 | MUST | GET and POST, the token in the header or a form, never in the URL; every website may call
UI-2 | OpenID Connect Core §5.3.3, RFC 6750 §3 | MUST | a token of a login with `openid`, else 403; an invalid one 401, and none at all a bare challenge
UI-3 | OpenID Connect Core §5.3.2 | MUST | always the `sub` of the ID token, and nothing null or empty
UI-4 | OpenID Connect Core §5.1, §5.4 | MUST | the standard claims by scope, a number for `updated_at`, an object for `address`
UI-5 | OpenID Connect Core §5.4 | MUST | what scopes stand for is told here, and in ID tokens only where there is no access token
UI-6 | OpenID Connect Core §5.2, §5.5 | MAY | claims that were asked for by name, also in a language
UI-7 | OpenID Connect Core §5.3.2 | MUST | signed with issuer and audience, or encrypted, or both, as it was registered
UI-8 | RFC 9449 §7.2, RFC 8705 §3 | MUST | a bound token counts with its key alone
UI-9 | RFC 9068 §4, RFC 8707 §2 | SHOULD | a token for other APIs alone does not open it
UI-10 | OpenID Connect Core §5.3.3 | MUST | what was revoked, or belongs to somebody who was disabled, is 401
""",
    ),
)
