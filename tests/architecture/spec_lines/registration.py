"""Applications that register themselves, and manage what they registered."""

from tests.architecture.spec_lines.line import section

SECTIONS = (
    section(
        "Registration endpoint",
        """
DR-1 | RFC 7591 §2, §3.1 | MUST | a JSON object by POST, 415 for another media type; members that nobody knows are passed over
DR-2 | RFC 7591 §3, OpenID Connect Registration §3 | MAY | by everybody, so many of an address and no more, or with an initial access token; a bad one is 401
DR-3 | RFC 7591 §3.2.1, OpenID Connect Registration §3.2 | MUST | 201 and never stored: `client_id`, the secret if there is one with when it expires, and all of the metadata as it is kept
DR-4 | RFC 7591 §3.2.1, OpenID Connect Registration §3.2 | MAY | what is put in the place of what was asked for is told; redirect URIs are never replaced
DR-5 | RFC 7591 §2, OpenID Connect Registration §2 | MUST | what is left out has the default of its specification
DR-6 | RFC 7591 §2.1, OpenID Connect Registration §2 | MUST | response types and grant types fit together; refresh tokens are asked for by name
DR-7 | RFC 7591 §2, §5 | MUST | whoever redirects says where to; each address is judged, and a bad one is `invalid_redirect_uri`
DR-8 | OpenID Connect Registration §2 | MUST | the addresses fit the kind of application; plain http on loopback is let pass, for that is how programs are developed
DR-9 | RFC 7591 §2, RFC 8705 §2.1.2 | MUST | keys are public, in one place, and there where the method needs them; a certificate has one subject
DR-10 | OpenID Connect Registration §5, OpenID Connect Core §8.1 | MUST | a `sector_identifier_uri` is fetched and lists every redirect URI; several hosts need one
DR-11 | RFC 7591 §2.3, §3.2.2 | MAY | a software statement of a known issuer stands above the plain members; others are refused with the codes for that
DR-12 | RFC 7591 §3.2.2 | MUST | refusals are 400 in JSON with the codes of registration
DR-13 | RFC 7591 §5, RFC 9700 §4.15 | SHOULD | nobody answers for it: marked, asked for each time, within the scopes of the operator, under no known name, gone when it is not used
DR-14 | RFC 9700 §4.15, Client ID Metadata Document §6.9 | MUST | a `client_id` is new, random, nobody's choice, and no address
DR-15 | RFC 7591 §2, OpenID Connect Registration §2 | MUST | every member of the specifications is kept, also in other languages
""",
    ),
    section(
        "Client configuration endpoint",
        """
DM-1 | OpenID Connect Registration §3.2, RFC 7592 §3 | MUST | address and token of the registration come together
DM-2 | RFC 7592 §2.1, OpenID Connect Registration §4.2 | MUST | who shows the token reads all of the registration, as often as he likes
DM-3 | RFC 7592 §2.1, OpenID Connect Registration §4.4 | MUST | a bad token is 401, whatever there is at the address; one whose application was switched off is 403; nothing is 404
DM-4 | RFC 7592 §2.2 | MUST | a PUT replaces all of it, names its client, says nothing that is for the server to say, and chooses no secret
DM-5 | RFC 7592 §2.3 | MUST | DELETE ends client, secrets, token, grants and tokens, at once
DM-6 | RFC 7592 §2.1, §2.2, §5 | MAY | the `client_id` never changes, the token lives as long as the client; a new secret comes with the answer that made it
""",
    ),
)
