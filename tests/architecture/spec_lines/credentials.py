"""Client authentication, tokens, and what binds them to a key."""

from tests.architecture.spec_lines.line import section

SECTIONS = (
    section(
        "Client authentication",
        """
CA-1 | RFC 6749 §2.3, RFC 7591 §2 | recommended | seven methods, and the registered one alone counts
CA-2 | RFC 7009 §2.1, RFC 7662 §2.1, RFC 8628 §3.1 | MUST | the same at every endpoint that a client calls
CA-3 | RFC 9700 §2.5 | recommended | secrets are 256 random bits, kept as digests, sealed where they must be read again
CA-4 | RFC 7521 §4.2, RFC 7523 §2.2, §3 | MUST | an assertion names client, audience, end and id, and is signed as registered
CA-5 | RFC 7523 §3, OAuth 2.1 §2.4 | MUST | its audience is the issuer alone, or the endpoint's URL for old applications; never two values
CA-6 | RFC 7523bis | MUST | an assertion of another type is refused
CA-7 | RFC 7523 §3, OpenID Connect Core §9 | MUST | an assertion works once, for all workers together, and its end is near
CA-8 | FAPI 2.0 §5.3.2.1 | SHALL | a clock ten seconds ahead is accepted, one a minute ahead is not
CA-9 | RFC 8705 §2 | MUST | a certificate is the client's by its one registered subject and a valid chain, or by a registered key
CA-10 | RFC 6749 §5.2 | MUST | every failure is the same `invalid_client`, in the same time
CA-11 | RFC 8252 §8.6 | recommended | who cannot prove who he is gets nothing without a question
CA-12 | OAuth for Browser-Based Apps §6.3.3.1 | MUST NOT | no secret is demanded of an application in a browser, nor believed
""",
    ),
    section(
        "Access tokens",
        """
AT-1 | RFC 6749 §1.4, RFC 9068 | MAY | opaque or JWT
AT-2 | RFC 9068 §2 | MUST | a JWT has its type, a signature and the seven claims; scope where there is any
AT-3 | RFC 9068 §3 | MUST | its audience is the resource, one of them
AT-4 | RFC 9068 §2.2, §5 | MUST | its subject is the person, or the application where there is none, and they cannot be mixed up
AT-5 | RFC 9470 §6.1, RFC 9068 §2.2.1 | MUST | what it says about the login is that of the login, also after a refresh
AT-6 | RFC 7800 §3.1, RFC 8693 §4.1 | MUST | it names the key it is bound to and the chain of actors
AT-7 | RFC 9700 §2.3 | SHOULD | it lives a short while and for one audience
AT-8 | RFC 9068 §6 | SHOULD | it says no more about the person than it must
AT-9 | ASVS 9.2.4 | recommended | one key for several audiences: each token names its own
""",
    ),
    section(
        "Refresh tokens",
        """
RTK-1 | RFC 9700 §4.14.2, RFC 6749 §10.4 | MUST | opaque, digests at rest, in a family that knows its client, person, scopes, generation and both ends
RTK-2 | RFC 9700 §4.14 | recommended | record, family and token are three things
""",
    ),
    section(
        "DPoP",
        """
DP-1 | RFC 9449 §4.3, §5 | MUST | one proof in one header, for every grant; a bad one is `invalid_dpop_proof`
DP-2 | RFC 9449 §4.2 | MUST | its header has the type, a published algorithm and a public key
DP-3 | RFC 9449 §4.2 | MUST | its claims name an id, method, URI and time, and the token or nonce where there is one
DP-4 | RFC 9449 §4.3 | SHOULD | the URI is compared after normalisation, with the configured issuer and not the Host header
DP-5 | RFC 9449 §11.1 | MUST | a proof counts for a short while around its time
DP-6 | RFC 9449 §11.1 | SHOULD | a proof works once, for all workers together
DP-7 | RFC 9449 §5, §6 | MUST | the token is of type DPoP and names the thumbprint of the key
DP-8 | RFC 9449 §5.2 | MUST | an application that is registered so gets nothing without a proof
DP-9 | RFC 9449 §5 | MUST | a public client refreshes with the same key
DP-10 | RFC 9449 §8, §9 | MUST | a nonce is asked for, given, rolled over, and cannot be foretold
DP-11 | RFC 9449 §8 | MUST | asking for a nonce spends neither code nor proof
DP-12 | RFC 9449 §8 | MUST | websites may send proofs and read nonces
DP-13 | RFC 9449 §10 | MUST | a code can be bound to a key when it is asked for
DP-14 | RFC 9449 §7.1, §7.2 | MUST | a bound token without its proof opens nothing
DP-15 | RFC 9449 §6.2 | MUST | introspection names key and type
DP-16 | RFC 9449 §4.3 | MUST | a proof for one endpoint is none for another
""",
    ),
    section(
        "Mutual TLS",
        """
MT-1 | RFC 8705 §3.1, §3.2 | MUST | a bound token names the thumbprint of its certificate, in introspection too
MT-2 | RFC 8705 §4 | MAY | binding does not depend on how the client authenticates
MT-3 | RFC 8705 §5 | MAY | endpoints on the host that asks for certificates are published as aliases
MT-4 | RFC 8705 §3.4 | MUST | an application that is registered so gets nothing without a certificate
MT-5 | RFC 9440 §2, RFC 9700 §4.13 | MUST | a certificate in a header counts from a trusted proxy alone
MT-6 | RFC 8705 §3 | MUST | the type of such a token is Bearer
MT-7 | RFC 8705 appendix A | MUST | the example of the specification is computed
""",
    ),
    section(
        "JSON Web Tokens",
        """
JV-1 | RFC 8725 §3.1, §3.2 | MUST | algorithms are listed by key and kind; no `none`, no public key as a secret
JV-2 | RFC 8725 §3.10 | MUST | keys come from where they are registered, never from the token
JV-3 | RFC 8725 §3.11 | SHOULD | each kind has its type, which is checked
JV-4 | RFC 8725 §3.8, §3.9, §3.12 | MUST | issuer, audience and times are checked with a bounded skew
JV-5 | RFC 7515 §4.1.11, RFC 8725 §3.13 | MUST | unknown critical headers, duplicate members and excessive sizes are refused
JV-6 | RFC 8725 §3.4, §3.5 | MUST | keys are strong, and points are on their curve
""",
    ),
)
