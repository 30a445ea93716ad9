"""Requests that clients push ahead of the browser."""

from tests.architecture.spec_lines.line import section

SECTIONS = (
    section(
        "Pushed authorization request endpoint",
        """
PAR-1 | RFC 9126 §2.3 | MUST | a form by POST over https; another method is 405, too large 413, too many 429
PAR-2 | RFC 9126 §2 | MUST | clients authenticate as at the token endpoint; public ones name themselves, but never under FAPI
PAR-3 | RFC 9126 §2, rfc7523bis | MUST | an assertion names the issuer, the token endpoint or this one, under a strict profile the issuer alone, and nobody else
PAR-4 | RFC 9126 §2.1 | MUST | the client is named, and a `request_uri` is refused
PAR-5 | RFC 9126 §2.3 | MUST | all that the authorization endpoint judges is judged, with its codes in the form of the token endpoint, and no person is missed
PAR-6 | RFC 9126 §3 | MUST | a request object has all of the request inside, signed, and names the client that pushes it
PAR-7 | RFC 9126 §2.2 | MUST | 201 with `request_uri` and `expires_in`, never stored
PAR-8 | RFC 9126 §2.2, §4 | MUST | the reference has the registered form, cannot be guessed, and is for its client alone
PAR-9 | RFC 9126 §2.2, FAPI 2.0 §5.3.2.2 | MUST | it lives for less than ten minutes
PAR-10 | RFC 9126 §4 | SHOULD | it works once: what is granted or denied uses it up, loading a page does not; expired ones are refused
PAR-11 | RFC 9126 §4, RFC 9101 §6.3 | MUST | beside `client_id` and `request_uri` nothing in the query counts
PAR-12 | RFC 9126 §4 | MUST | what may have changed since is judged again when the browser comes
PAR-13 | RFC 9126 §4, §5, §6 | MUST | where server or client demand it, a request that was not pushed is `invalid_request`
PAR-14 | RFC 9126 §2.4 | MAY | redirect URIs that are not registered are refused in a push too
PAR-15 | RFC 9449 §10.1 | MUST | a code is bound to the key of the `DPoP` header or of `dpop_jkt`; two keys are refused
PAR-16 | RFC 9126 §5 | MUST | it works whether or not request objects by reference are supported
""",
    ),
)
