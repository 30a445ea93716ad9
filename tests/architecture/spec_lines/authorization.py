"""What holds everywhere, and the authorization endpoint."""

from tests.architecture.spec_lines.line import section

SECTIONS = (
    section(
        "Everywhere",
        """
G1 | RFC 8414 §2, RFC 9207 §2 | MUST | the issuer is one string, and wherever it is named it is that string
G2 | RFC 3986 §6.2.1 | MUST | identifiers are compared character by character; only the port of a loopback redirect URI is free
G3 | RFC 6749 §5.1, OAuth 2.1 §3.2.3 | MUST | no answer with a token, code, secret or claim may be stored
G4 | RFC 6749 §3.1, §3.2 | MUST | an empty parameter is absent, an unknown one is ignored, a repeated one is `invalid_request` unless it may repeat
G5 | RFC 6749 §10.10, OAuth 2.1 §7.7 | MUST | credentials have 256 random bits, and only their digest is kept
G6 | RFC 9700 §4.12, OAuth 2.1 §7.5.3 | MUST NOT | no 307 or 308 after a form that held credentials; 303
G7 | RFC 9700 §2.6, OAuth 2.1 §1.5 | MUST | the server is reached by https, and so is every redirect URI but loopback and private schemes
G8 | RFC 6749 §5.2 | MUST | error texts keep to printable ASCII without quote and backslash
""",
    ),
    section(
        "Authorization endpoint: transport",
        """
A1-1 | RFC 6749 §3.1, OpenID Connect Core §3.1.2.1 | MUST | GET is served, and POST with a form too
A1-2 | RFC 6749 §3.1 | MUST | the address of the endpoint has no fragment
A1-3 | RFC 9700 §2.6, OAuth 2.1 §3.1 | MUST NOT | no CORS, and no answer to a preflight
A1-4 | RFC 6749 §10.12, §10.13 | MUST | a person signs in before anything is granted; forms are proof against CSRF and framing
A1-5 | RFC 9700 §4.2.4, §4.16 | MUST | pages cannot be framed, leak no address, and load nothing from elsewhere
""",
    ),
    section(
        "Authorization endpoint: the order of checks",
        """
A1.2 (1) | RFC 6749 §4.1.2.1 | MUST | a missing, unknown or disabled client is a page with status 400, never a redirect
A1.2 (2) | OpenID Connect Core §3.1.2.6 | MUST | request objects and pushed requests are resolved before what they may carry
A1.2 (3) | RFC 6749 §3.1.2.4, OAuth 2.1 §2.3 | MUST NOT | a redirect URI that is not registered, or missing where several are, is a page and no redirect
A1.2 (4) | OpenID Connect Core §3.1.2.6 | MUST | an unknown response mode is a page with status 400
A1.2 (5) | RFC 6749 §4.1.2.1, RFC 9207 §2 | MUST | every later error goes to the redirect URI, with `state` and `iss`
A1.2 (6) | RFC 6749 §4.1.2.1 | MUST | response type missing, unknown, and not for this client are three errors
A1.2 (7) | RFC 6749 §4.1.1 | MUST | then come PKCE, scope, resource and the extensions, in one order
A1.2 (8) | RFC 9700 §4.11.2, OAuth 2.1 §7.13.2 | MUST | a self-registered client cannot use errors as an open redirector: its errors wait for a page
""",
    ),
    section(
        "Authorization endpoint: parameters",
        """
A1.3 response_type | RFC 6749 §3.1.1 | MUST | required; its words have no order
A1.3 client_id | RFC 6749 §4.1.1 | MUST | required in every request
A1.3 scope | RFC 6749 §3.3, OpenID Connect Core §3.1.2.1 | MAY | may be left out; an unknown one is `invalid_scope`, and ignored in an OpenID request
A1.3 state | RFC 6749 §4.1.2 | MUST | comes back byte for byte in success and error, with 2048 characters and more
A1.3 nonce | OpenID Connect Core §3.1.2.1 | MUST | comes back unchanged in the ID token
A1.3 registration | OpenID Connect Core §7.2.1 | MUST | is `registration_not_supported`
""",
    ),
    section(
        "Authorization endpoint: PKCE",
        """
P-1 | RFC 7636 §4.2, RFC 9700 §2.1.1 | MUST | PKCE with S256 is supported
P-2 | RFC 7636 §4.4.1, OAuth 2.1 §7.5.1 | MUST | a request without challenge is refused; only a confidential application can be exempted
P-3 | RFC 7636 §4.3, RFC 9700 §2.1.1 | recommended | `plain` is not supported, and an absent method means `plain`
P-4 | RFC 7636 §4.4.1 | MUST | an unknown method is `invalid_request`
P-5 | RFC 7636 §4.2 | MUST | an S256 challenge is 43 base64url characters without padding
P-6 | RFC 7636 §4.3 | recommended | a method without challenge is `invalid_request`
P-7 | RFC 7636 §4.4 | MUST | the challenge is kept with the code and cannot be read from it
P-8 | RFC 9700 §2.1.1, RFC 8414 §2 | MUST | the supported methods are published
P-9 | RFC 9700 §2.1.1 | recommended | challenges and nonces that repeat across transactions are noticed | choice: 0026
""",
    ),
    section(
        "Authorization endpoint: success",
        """
SR-1 | RFC 6749 §4.1.2 | MUST | `code`, the `state` that was sent and `iss` are appended to the redirect URI, whose query stays
SR-2 | RFC 9207 §2 | MUST | every answer names the issuer, errors too, when the metadata says so
SR-3 | RFC 6749 §4.1.2, RFC 9700 §4.2.4 | MUST | a code works once and lives for 60 seconds
SR-4 | RFC 6749 §4.1.3, OAuth 2.1 §4.1.3 | MUST | a code is bound to client, redirect URI, challenge, person, approved scopes, nonce and login
SR-5 | RFC 6749 §10.10 | recommended | the answer cannot be stored, and no code reaches a log
SR-6 | OpenID Connect Session Management §2 | MUST | `session_state` comes with session management
A1.10 | RFC 6749 §4.1.2.1, RFC 9207 §2 | MUST NOT | an error has its code, its description, `state` and `iss`, and nothing that a specification does not name
SR-7 | Grant Management §5.3 | SHOULD NOT | `grant_id` does not stand in the authorization answer
""",
    ),
    section(
        "Authorization endpoint: response types and modes",
        """
RT-1 | OAuth 2.0 Multiple Response Types §2.1, §5 | MUST NOT | a code is answered in the query, a token or ID token in the fragment and never in a query
RT-2 | OAuth 2.0 Multiple Response Types §4 | SHOULD | `none` answers without code and token
RT-3 | OpenID Connect Core §3.3.2.6 | MUST | an error is answered in the mode that success would have
RT-4 | RFC 9700 §2.1.2, OAuth 2.1 §10.1 | SHOULD NOT | no token through the browser, unless the operator names an old application
RT-5 | OpenID Connect Core §3.3.2.11 | MUST | hybrid answers bind code and ID token; an ID token through the browser needs a nonce
RT-6 | OAuth 2.0 Form Post Response Mode §2 | MUST | `form_post` is a page that posts to the redirect URI by itself, kept nowhere, with every value escaped
RT-7 | JARM §2.3 | MUST | answers as one JWT in four modes, of which `jwt` is short for another
RT-8 | JARM §2.1, §2.2, §3 | MUST | such a JWT is signed, says who answers whom until when, holds every member or the error, and an ID token in a query only when it is encrypted
RT-9 | FAPI 2.0 Message Signing §5.3.3 | recommended | an application can be held to certain modes
RT-10 | RFC 9700 §4.17 | MUST | messages between windows name exact origins: no answer is one
""",
    ),
)
