"""Introspection, revocation, and the device's side of its grant."""

from tests.architecture.spec_lines.line import section

SECTIONS = (
    section(
        "Introspection endpoint",
        """
IN-1 | RFC 7662 §2.1 | MUST | a form with `token`; a wrong hint misleads nobody
IN-2 | RFC 7662 §2.1, §2.3 | MUST | the caller is authenticated, else 401
IN-3 | RFC 7662 §2.2 | MUST | whatever is not active for the caller is `active: false` and no more, with status 200
IN-4 | RFC 7662 §2.2, RFC 8705 §3.2, RFC 9449 §6.2 | MAY | an active token is described, with its bound key and its chain of actors
IN-5 | RFC 7662 §4 | MUST | active is what was issued here, is in its time, not revoked, backed by record, person and application, and for this caller
IN-6 | RFC 7662 §2.2, §5 | MAY | a resource server sees the scopes of its own audience
IN-7 | RFC 7662 §4 | recommended | a refresh token is described to its own application alone, under its own type
IN-8 | RFC 7662 §4 | recommended | answers are not stored
IN-9 | RFC 9701 §4, §5 | MUST | asked for by media type, the answer is a JWT with its own type, issuer and audience
IN-10 | RFC 9701 §5 | MUST | asking for a JWT without authentication is refused with 400
IN-11 | RFC 9701 §6, §7 | MUST | signing is registered by application and published by the server
IN-12 | RFC 9701 §8.1 | MUST NOT | such a JWT is signed by a private key and is no access token
""",
    ),
    section(
        "Revocation endpoint",
        """
RV-1 | RFC 7009 §2.1 | MUST | a form with `token`; unknown hints are ignored
RV-2 | RFC 7009 §2.1 | MUST | the client is authenticated first; a foreign token is not revoked, and the sender is told
RV-3 | RFC 7009 §2.2 | MUST | 200 without a body for revoked, unknown, expired and garbage alike
RV-4 | RFC 7009 §2.1 | SHOULD | a refresh token takes the access tokens of its grant along
RV-5 | RFC 7009 §2.2.1 | MUST | the errors are those of the token endpoint, and overload is 503 with Retry-After
RV-6 | RFC 7009 §2 | MUST | it counts at once: introspection says inactive
RV-7 | Grant Management §6.5 | MAY | the record of the person stays
RV-8 | RFC 8414 §2 | MAY | endpoint and methods are published, and websites may call
RV-9 | RFC 7009 §2.1 | recommended | a rotated refresh token ends its family as well
""",
    ),
    section(
        "Global token revocation",
        """
GT-1 | Global Token Revocation draft -04 §3.2 | MUST | a subject identifier in JSON: email, opaque, issuer and subject
GT-2 | Global Token Revocation draft -04 §3.1 | MUST | the caller is authenticated, with a scope of its own and over its own people
GT-3 | Global Token Revocation draft -04 §3.3 | MUST | refresh tokens, access tokens and sessions of the person end
GT-4 | Global Token Revocation draft -04 §3.4 | MUST | 204, 400, 401, 403, 404 and 422 each for its cause
GT-5 | Global Token Revocation draft -04 §3.3, §4 | MUST | offline refresh tokens end too, and the endpoint is published
""",
    ),
    section(
        "Device authorization endpoint",
        """
DV-1 | RFC 8628 §3.1 | MUST | a form with the client, scope and resource
DV-2 | RFC 8628 §3.2 | MUST | device code, user code, address and lifetime, with the interval, never stored
DV-3 | RFC 8628 §3.2 | MUST | errors as at the token endpoint
DV-4 | RFC 8628 §6.1 | SHOULD | a short user code without vowels, read without case and separators
DV-5 | RFC 8628 §5.1 | MUST | guessing user codes is hopeless: sign-in, CSRF token, and limits
DV-6 | RFC 8628 §5.2 | MUST | a device code cannot be guessed, is bound to its client and works once
DV-7 | RFC 8628 §3.3.1, §5.4 | MUST | the person confirms the code and sees who asks for what, with the complete address too
DV-8 | RFC 8628 §3.5 | MUST | denial and expiry reach the device as such
DV-9 | RFC 8628 §3.3, §6.1 | SHOULD | the address is short, https, and its page cannot be framed
DV-10 | RFC 8628 §3.5 | recommended | an unknown device code is `invalid_grant`, whatever the reason
""",
    ),
)
