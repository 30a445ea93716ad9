"""Attacks of RFC 9700, what OAuth 2.1 changes, and the vectors of the specifications."""

from tests.architecture.spec_lines.line import section

SECTIONS = (
    section(
        "Best current practice, by attack",
        """
BC-1 | RFC 9700 §2.1 | MUST | redirect URIs match exactly, nothing redirects openly, answers name the issuer
BC-2 | RFC 9700 §2.1.1 | MUST | PKCE is supported, enforced where it was begun, and published
BC-3 | RFC 9700 §2.1.2 | SHOULD NOT | no token in the front channel
BC-4 | RFC 9700 §2.2 | MUST | tokens can be bound to a key, and a public client's refresh token rotates or is bound
BC-5 | RFC 9700 §2.3 | SHOULD | tokens are limited in privilege and audience
BC-6 | RFC 9700 §2.4 | MUST NOT | there is no password grant
BC-7 | RFC 9700 §2.5 | SHOULD | clients authenticate, also with keys of their own
BC-8 | RFC 9700 §2.6 | SHOULD | metadata is published, a client cannot pose as a person, CORS is where it belongs
BC-9 | RFC 9700 §4.1.3 | MUST | redirect URIs are compared as strings
BC-10 | RFC 9700 §4.2.4 | MUST | pages load nothing from elsewhere and leak nothing; codes are short-lived and work once
BC-11 | RFC 9700 §4.3.2 | MUST NOT | no token in a URL's query
BC-12 | RFC 9700 §4.4.2, §4.5.3 | MUST | answers can be told from those of another issuer, and codes cannot be injected
BC-13 | RFC 9700 §4.7 | MUST | a client can find out that there is PKCE
BC-14 | RFC 9700 §4.8.2 | MUST | a downgrade of PKCE is refused, both ways
BC-15 | RFC 9700 §4.9.3, §4.10 | SHOULD | a stolen token is of little use: audience and key
BC-16 | RFC 9700 §4.11.2 | MUST | errors of clients that nobody vouches for wait for a page
BC-17 | RFC 9700 §4.12, §4.13 | MUST NOT | no 307, and headers of the proxy cannot be forged
BC-18 | RFC 9700 §4.14.2 | MUST | refresh tokens are bound, noticed when reused, and end
BC-19 | RFC 9700 §4.15 | SHOULD | a token of an application is told from a person's
BC-20 | RFC 9700 §4.16 | MUST | pages cannot be framed
BC-21 | RFC 9700 §4.17 | MUST | messages between windows name exact origins | not a server's: no answer is sent by `postMessage`
""",
        kind="test",
    ),
    section(
        "OAuth 2.1",
        """
O-1 | OAuth 2.1 §4.1.1, §7.5.1 | MUST | PKCE, with few exceptions
O-2 | OAuth 2.1 §10.1 | MUST NOT | neither implicit nor password grant
O-3 | OAuth 2.1 §2.3.1 | MUST | exact redirect URIs
O-4 | OAuth 2.1 §5.2 | MUST NOT | no token in the query of the server's own API
O-5 | OAuth 2.1 §4.3.1 | MUST | refresh tokens of public clients rotate or are bound
O-6 | OAuth 2.1 §10.2 | MUST | `redirect_uri` at the token endpoint is enforced when it is sent
O-7 | OAuth 2.1 §2.4.1 | MUST | `client_secret_post` is supported
O-8 | OAuth 2.1 §3.2.4 | MUST | repeated parameters and a verifier without challenge are `invalid_request`
O-9 | OAuth 2.1 §3.2.3 | recommended | every token answer names its scope
O-10 | OAuth 2.1 §2.4 | MUST | the audience of assertions is the issuer
O-11 | OAuth 2.1 §7.5.2 | SHOULD NOT | a replay that is not otherwise right revokes nothing
O-12 | OAuth 2.1 §7.9 | SHOULD | people see who asks, and can look through and take back
O-13 | OAuth 2.1 §3.1 | MUST NOT | no CORS at the authorization endpoint
O-14 | OAuth 2.1 §4.1.1 | MAY | a request may be named instead of sent
""",
        kind="test",
    ),
    section(
        "Vectors of the specifications",
        """
TV-1 | RFC 7636 appendix B | MUST | verifier and challenge
TV-2 | RFC 7638 §3.1 | MUST | the thumbprint of a key
TV-3 | RFC 9449 §4 | MUST | proof, thumbprint and token hash
TV-4 | OpenID Connect Core appendix A | MUST | `at_hash`
TV-5 | OpenID Connect Core appendix A | MUST | `c_hash`
TV-6 | OpenID Connect Core §3.1.3.6 | MUST | `at_hash` by algorithm
TV-7 | RFC 6749 §2.3.1 | MUST | Basic headers
TV-8 | RFC 8705 appendix A | MUST | the thumbprint of a certificate
TV-9 | RFC 9126 §2.2 | MUST | the answer to a pushed request
TV-10 | RFC 9449 §8 | MUST | the exchange of a nonce
TV-11 | RFC 8628 §3.2 | MUST | the answer to a device
TV-12 | RFC 8414 §3.1 | MUST | addresses of the metadata
TV-13 | Grant Management §6.4 | MUST | a grant
TV-14 | OpenID Connect Back-Channel Logout §2.4 | MUST | a logout token
""",
        kind="test",
    ),
)
