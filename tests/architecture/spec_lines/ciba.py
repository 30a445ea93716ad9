"""Asking people who are elsewhere."""

from tests.architecture.spec_lines.line import section

SECTIONS = (
    section(
        "Backchannel authentication (CIBA)",
        """
CB-1 | CIBA §7.1 | MUST | a form by POST; the client authenticates as at the token endpoint, and public ones may not ask
CB-2 | CIBA §7.1 | MUST | an assertion may name the issuer, the token endpoint or this one
CB-3 | CIBA §7.1 | MUST | `openid`, exactly one hint, a notification token of 128 bits for ping, and a positive `requested_expiry`
CB-4 | CIBA §7.1.1 | MUST | a signed request has everything inside, with `iss`, `aud`, `exp`, `iat`, `nbf` and `jti`, and an asymmetric signature
CB-5 | CIBA §7.3 | MUST | `auth_req_id` of 128 bits or more, `expires_in`, `interval`
CB-6 | CIBA §13 | MUST | the errors of the specification, with their statuses
CB-7 | CIBA §10.1, §11 | MUST | pending, too fast (five seconds more each time), expired, denied and foreign are five errors; a request buys tokens once
CB-8 | CIBA §10.2 | MUST | the ping says the `auth_req_id` alone, with the client's own token, follows nobody and is not repeated without end
CB-9 | CIBA §10.3, §12 | MAY | tokens are pushed to no client: it cannot register so, nor ask
CB-10 | CIBA §4 | MUST | what a client registers fits together, and the metadata say what there is
CB-11 | CIBA §7.1, ASVS 6.6.4 | MUST | a message that can be compared on both devices; nobody is bombed with questions; nobody learns who has an account
CB-12 | Grant Management draft -03 §5.2 | MAY | a request may name its grant
""",
    ),
)
