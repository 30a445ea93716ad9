"""The token endpoint and its grant types."""

from tests.architecture.spec_lines.line import section

SECTIONS = (
    section(
        "Token endpoint: requests",
        """
T-1 | RFC 6749 §3.2 | MUST | POST with a form, in UTF-8; another method is 405, another media type `invalid_request`
T-2 | OAuth 2.1 §2.4.1 | MUST NOT | nothing is read from the query of the URL
T-3 | RFC 6749 §3.2.1 | MUST | confidential clients authenticate, and whoever shows credentials is judged by them
T-4 | RFC 6749 §2.3, OAuth 2.1 §2.4 | MUST NOT | two methods in one request are `invalid_request`; the own `client_id` beside Basic is none, a foreign one is refused
T-5 | RFC 6749 §3.2.1 | MUST | public clients name themselves, and a secret from one is refused
T-6 | RFC 6749 §5.2 | MUST | grant type missing, unknown, and not for this client are three errors
T-7 | RFC 6749 §2.3.1, OAuth 2.1 §2.4.1 | MUST | websites may call; guessing secrets is slowed down
T-8 | RFC 6749 §2.3.1, appendix B | MUST | Basic holds form-encoded id and secret
T-9 | OAuth 2.1 §2.4.1, RFC 6749 §2.3.1 | MUST | secrets are accepted in the header and in the body, as registered
""",
    ),
    section(
        "Token endpoint: success",
        """
TR-1 | RFC 6749 §5.1 | MUST | 200, JSON, never stored, `expires_in` a number
TR-2 | RFC 6749 §5.1, OAuth 2.1 §3.2.3 | MUST | `access_token`, `token_type` and `expires_in`; `scope` whenever there is any
TR-3 | OpenID Connect Core §3.1.3.3, RFC 9396 §7 | MUST | ID token, authorization details and grant id where the request led to them
TR-4 | RFC 9700 §4.14.2 | MUST | a refresh token is bound to its client and to what was approved
TR-5 | OAuth 2.1 §3.2.3 | SHOULD | whether there is a refresh token is a policy: the application's grant types
""",
    ),
    section(
        "Token endpoint: errors",
        """
TE-1 | RFC 6749 §5.2 | MUST | 400 with `error` and a description in JSON, never stored
TE-2 | RFC 6749 §5.2 | MUST | failed client authentication is 401, with a challenge when the header was used, alike for every cause
TE-3 | RFC 6749 §5.2 | MUST | each cause has the code of its specification
TE-4 | RFC 6749 §5.2, RFC 7636 §4.6 | MUST | `invalid_grant` is for what is unknown, expired, used, revoked, somebody else's, or does not match
TE-5 | RFC 6749 §5.2 | recommended | nothing that a client sends is a 500, and a dead refresh token is `invalid_grant`
""",
    ),
    section(
        "Authorization code grant",
        """
AC-1 | RFC 6749 §4.1.3, RFC 7636 §4.5 | MUST | `code`, `redirect_uri`, `client_id` and `code_verifier` are read
AC-2 | RFC 6749 §4.1.3, OAuth 2.1 §10.2 | MUST | a redirect URI that is sent equals the stored one; it may be absent only with PKCE
AC-3 | RFC 6749 §4.1.3 | MUST | a code works for its own client
AC-4 | RFC 7636 §4.1, §4.6 | MUST | a malformed or wrong verifier is refused
AC-5 | RFC 9700 §4.8.2, OAuth 2.1 §4.1.3 | MUST | a verifier needs a challenge, and a challenge its verifier
AC-6 | RFC 6749 §4.1.2, OAuth 2.1 §7.5.2 | MUST | a code used again is refused, and what it bought ends if the request is otherwise right
AC-7 | RFC 6749 §4.1.2 | MUST | of many redemptions at once one succeeds
AC-8 | OAuth 2.1 §7.5.2 | recommended | a wrong verifier or redirect URI does not spend the code; many do
AC-9 | RFC 6749 §3.3 | MUST | the token has the scopes of this request, not those of the record
AC-10 | OpenID Connect Core §3.1.3.3 | MUST | the ID token carries the nonce
""",
    ),
    section(
        "Refresh token grant",
        """
RF-1 | RFC 6749 §6, RFC 8707 §2.2 | MUST | a refresh may narrow scopes and resources, never widen them
RF-2 | RFC 6749 §6, OAuth 2.1 §4.3.3 | MUST | a narrowed refresh narrows the access token alone
RF-3 | RFC 9700 §2.2.2, OAuth 2.1 §4.3.1 | MUST | a refresh token works for its own client; that of a public one rotates or is bound to a key
RF-4 | RFC 9700 §4.14.2, OAuth 2.1 §4.3.1 | MUST | an old refresh token that comes again ends its family
RF-5 | OAuth 2.1 §4.3.1 | recommended | the token just before the current one gets the same successor again for a short while
RF-6 | FAPI 2.0 §5.3.2.1 | SHALL NOT | whether a refresh token rotates is decided by application; bound ones need not
RF-7 | RFC 9700 §4.14.2 | SHOULD | refresh tokens end without use, and at a time that rotation does not move
RF-8 | OAuth 2.1 §4.3.1 | MUST | record, person and application are judged again at each refresh
RF-9 | RFC 9700 §4.14.2, OpenID Connect Back-Channel Logout §2.7 | SHOULD | offline refresh tokens survive the logout
RF-10 | RFC 9449 §5 | MUST | a refresh token that a public client got with a DPoP proof is bound to that key
RF-11 | RFC 8705 §4 | MUST | a refresh token that a public client got with a certificate is bound to it
RF-12 | OpenID Connect Core §12.2 | MUST | an ID token at refresh keeps who, for whom and when
RF-13 | RFC 6749 §6 | MAY | a refresh token that stays the same is left out of the answer
""",
    ),
    section(
        "Client credentials grant",
        """
CC-1 | RFC 6749 §4.4 | MUST | for confidential clients alone
CC-2 | RFC 6749 §4.4.3 | SHOULD NOT | no refresh token
CC-3 | RFC 9068 §2.2, RFC 9700 §4.15 | SHOULD | such a token says nothing about a person and cannot be taken for his
CC-4 | RFC 6749 §4.4.2 | recommended | the application gets what it asks for, of what it may ask for
""",
    ),
    section(
        "Device authorization grant",
        """
DC-1 | RFC 8628 §3.4 | MUST | `device_code` and the client, authenticated as registered
DC-2 | RFC 8628 §3.5 | MUST | pending, too fast (five seconds more each time), denied, expired and foreign are five errors
DC-3 | RFC 8628 §3.5 | MUST | the interval is kept by the server, and a device code buys tokens once
""",
    ),
    section(
        "JWT bearer grant",
        """
JB-1 | RFC 7523 §2.1, RFC 7521 §4.1 | MUST | one JWT as `assertion`; scope and client authentication may be left out as policy allows
JB-2 | RFC 7523 §3 | MUST | issuer, subject, audience and end are there, the signature is the issuer's, times are reasonable
JB-3 | RFC 7523 §3 | MUST | the audience is this issuer or its token endpoint
JB-4 | RFC 7523 §3.1 | MUST | an assertion that does not count is `invalid_grant`
JB-5 | RFC 7521 §4.1 | SHOULD NOT | no refresh token
JB-6 | RFC 7523 §3 | recommended | only issuers that were named, with their keys, and for the applications that were named
JB-7 | Identity Assertion JWT Authorization Grant | MUST | the rules of ID-JAG | later: with ID-JAG
""",
    ),
    section(
        "Token exchange grant",
        """
TX-1 | RFC 8693 §2.1 | MUST | a subject token with its type; an actor token comes with its type or not at all
TX-2 | RFC 8693 §3 | MUST | the types are known by their URNs
TX-3 | RFC 8693 §2.2.1 | MUST | the answer names what was issued, and `N_A` where that is no access token
TX-4 | RFC 8693 §2.2.2 | MUST | a token that does not count is `invalid_request`, a target that is refused `invalid_target`
TX-5 | RFC 8693 §4.1, §4.4 | MUST | delegation names the chain of actors, and the subject token may limit who acts
TX-6 | RFC 8693 §2.1, §5 | recommended | the issued token neither outlives nor exceeds the subject token, and foreign tokens need a policy
TX-7 | RFC 9449 §6, RFC 8705 §3 | recommended | a bound token never becomes a bearer token in silence
TX-8 | RFC 8693 §2.1 | recommended | nobody exchanges without authentication
""",
    ),
)
