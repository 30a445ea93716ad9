"""Profiles that demand more (FAPI 2.0), and APIs that demand another sign-in (RFC 9470)."""

from tests.architecture.spec_lines.line import section

SECTIONS = (
    section(
        "FAPI 2.0 Security Profile",
        """
F-1 | FAPI 2.0 §5.3.2.1 | MUST | metadata is published, under both names
F-2 | FAPI 2.0 §5.3.2.1 | MUST | there is no password grant
F-3 | FAPI 2.0 §5.3.2.1 | MUST | clients are confidential
F-4 | FAPI 2.0 §5.3.2.1 | MUST | access tokens are bound to a key of their client
F-5 | FAPI 2.0 §5.3.2.1 | MUST | by its certificate or by DPoP
F-6 | FAPI 2.0 §5.3.2.1 | MUST | clients prove themselves with a certificate or `private_key_jwt`
F-8 | FAPI 2.0 §5.3.2.1 | MUST | an assertion names the issuer, as a string
F-9 | FAPI 2.0 §5.3.2.1 | MUST NOT | refresh tokens do not rotate
F-10 | FAPI 2.0 §5.3.2.1 | MAY | proofs carry a nonce of the server
F-11 | FAPI 2.0 §5.3.2.1 | MUST | a code lives for a minute at most
F-12 | FAPI 2.0 §5.3.2.1 | MUST | a code can be bound to the key of a later proof
F-13 | FAPI 2.0 §5.3.2.1 | MUST | clocks may be ten seconds ahead, and not more than sixty
F-14 | FAPI 2.0 §5.3.2.1 | SHOULD | tokens can do what is needed and no more
F-20 | FAPI 2.0 §5.3.2.2 | MUST | codes alone, of requests that were pushed with proof of their client, with S256, an address and `iss`
F-22 | FAPI 2.0 §5.4 | MUST | PS256, ES256 or Ed25519 for all that is signed, by clients and for them
F-23 | FAPI 2.0 conformance | SHOULD | a long `state` comes back whole
F-24 | FAPI 2.0 §5.3.4 | MUST | the server's own APIs take tokens from headers alone, and judge binding, life and scope
""",
    ),
    section(
        "FAPI 2.0 Security Profile, as a whole",
        """
F-7 | FAPI 2.0 §5.3.2.1 | MUST NOT | nothing redirects openly
F-21 | FAPI 2.0 §5.3.2.3 | MUST | whoever wants to know the person uses OpenID Connect
""",
        kind="test",
    ),
    section(
        "FAPI 2.0 Message Signing",
        """
FM-1 | FAPI 2.0 Message Signing §5.3.1 | MUST | requests are pushed as signed objects, for this server, that begin and end within the hour
FM-2 | FAPI 2.0 Message Signing §5.4.1 | MUST | authorization answers are signed JWTs, errors too
FM-3 | FAPI 2.0 Message Signing §5.5.1 | MUST | introspection answers are signed JWTs
FM-4 | FAPI 2.0 Message Signing §5.6.1 | MUST | ID tokens are signed, and clients can register response modes
""",
    ),
    section(
        "Step-up authentication",
        """
UA-1 | RFC 9470 §3 | MUST | an API that a sign-in is not enough for answers 401 `insufficient_user_authentication`, with `acr_values` and `max_age`
UA-2 | RFC 9470 §5 | SHOULD | the levels that a request asks for are reached by signing in again, or refused as `unmet_authentication_requirements`
UA-3 | RFC 9470 §6 | SHOULD | tokens and introspection answers tell of the sign-in, which no refresh makes younger
UA-4 | RFC 9470 §7 | MAY | the levels are published
""",
    ),
)
