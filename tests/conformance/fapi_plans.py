"""The plans of FAPI 2.0 for a server: its Security Profile and Message Signing, as the Foundation's suite has them.

The names are those of the suite, for its profile `plain_fapi`; the plan of Message Signing has all modules of the
Security Profile, and its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.conformance.plan import Plan

BY_KEY, BY_CERTIFICATE = "private_key_jwt", "tls_client_auth"


@dataclass(frozen=True, slots=True)
class Demanding:
    """How a module is run: how the application proves itself, how its tokens are bound, whether messages are signed.

    By a certificate, no person is identified; by a key, OpenID Connect comes along.
    """

    client_auth: str = BY_KEY
    signs: bool = False

    @property
    def by_key(self) -> bool:
        """It signs assertions, and proves its tokens by DPoP; otherwise it shows its certificate for both."""
        return self.client_auth == BY_KEY

    @property
    def label(self) -> str:
        """Its client authentication and how its tokens are bound."""
        return "private_key_jwt, DPoP" if self.by_key else "mutual TLS"

    @property
    def client_id(self) -> str:
        """The application that is registered for it; there is another one whose name begins with `other.`."""
        return f"{'signing' if self.signs else 'plain'}.{self.client_auth}"


_PREFIX = "fapi2-security-profile-final-"

_ANYBODY = {
    "discovery-end-point-verification": "the metadata says what the profile requires",
    "happy-flow": "a whole flow, twice, with an API that takes the token",
    "user-rejects-authentication": "who denies is sent back with access_denied",
    "ensure-authorization-request-without-state-success": "a request without state is answered without one",
    "ensure-other-scope-order-succeeds": "openid need not be the first scope",
    "access-token-type-header-case-sensitivity": "the scheme before a token has no case",
    "ensure-different-state-inside-and-outside-request-object": "the state is that of the request, not of the address",
    "ensure-authorization-request-with-long-state": "a state of 128 characters comes back",
    "state-only-outside-request-object-not-used": "a state in the address alone comes not back",
    "ensure-request-object-without-redirect-uri-fails": "a request names its redirect URI",
    "plain-fapi-tolerate-unregistered-redirect-uri": "a redirect URI that is not registered is refused",
    "ensure-unsigned-authorization-request-without-using-par-fails": "a request that was not pushed is refused",
    "ensure-redirect-uri-in-authorization-request": "a pushed request names its redirect URI",
    "ensure-response-type-code-idtoken-fails": "code id_token is refused",
    "ensure-response-type-token-fails": "token is refused",
    "ensure-client-id-in-token-endpoint": "the client_id of somebody else is refused at the token endpoint",
    "ensure-holder-of-key-required": "no token without a key to bind it to",
    "ensure-authorization-code-is-bound-to-client": "a code is nobody else's",
    "attempt-reuse-authorization-code-after-one-second": "a code works once",
    "ensure-token-endpoint-fails-with-expired-auth-code": "a code lives a minute at most",
    "refresh-token": "a refresh token stays as it is, and is nobody else's",
    "par-ensure-reused-request-uri-prior-to-auth-completion-succeeds": "a request_uri may be opened again meanwhile",
    "par-attempt-reuse-request_uri": "but not when its code was issued",
    "par-attempt-to-use-expired-request_uri": "a request_uri ends after the time it was given",
    "par-attempt-to-use-request_uri-for-different-client": "a request_uri is nobody else's",
    "par-authorization-request-containing-request_uri-form-param": "a request_uri cannot be pushed",
    "par-attempt-invalid-http-method": "a request is pushed by POST alone",
    "par-ensure-pkce-required": "a request without code_challenge is refused",
    "ensure-pkce-code-verifier-required": "and a code without its verifier",
    "incorrect-pkce-code-verifier-rejected": "or with a wrong one",
    "par-plain-pkce-rejected": "plain is no method",
    "par-without-duplicate-parameters": "client_id and request_uri are enough in the address",
    "grant-management-query-and-revoke": "a grant is made, asked about, and revoked",
    "grant-management-merge": "a grant that more is merged into stays itself",
    "grant-management-replace": "and so does one that is replaced",
    "grant-management-ensure-invalid-grant-id-fails": "a grant that there is not is invalid_grant_id",
    "grant-management-ensure-query-nonexistent-grant-fails": "and is not found",
    "grant-management-ensure-wrong-client-cannot-query-grant": "nor does anybody else find it",
    "grant-management-ensure-wrong-client-cannot-revoke-grant": "or revoke it",
}
_WITH_OPENID = {
    "ensure-authorization-request-without-nonce-success": "a request without nonce gets an ID token without one",
    "ensure-authorization-request-with-64-char-nonce-success": "a nonce of 64 characters comes back",
    "test-claims-parameter-identity-claims": "claims that are asked for by name come where they are asked for",
    "ensure-different-nonce-inside-and-outside-request-object": "the nonce is that of the request, not of the address",
    "ensure-authorization-request-with-long-nonce": "a longer nonce comes back, too",
}
_BY_KEY_ALONE = {
    "check-dpop-proof-nbf-exp": "a proof may have nbf and exp",
    "ensure-dpopproof-with-iat-10seconds-before-succeeds": "a clock may be ten seconds slow",
    "ensure-dpopproof-with-iat-10seconds-after-succeeds": "or ten seconds fast",
    "ensure-mismatched-dpop-jkt-fails": "a proof and a dpop_jkt of two keys are refused",
    "ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt": "a code is for the key that was proved when pushing",
    "ensure-token-endpoint-fails-with-mismatched-dpop-jkt": "and for the one that was named",
    "ensure-dpopproof-at-par-endpoint-binding-success": "which gets it, having proved it",
    "ensure-dpop-auth-code-binding-success": "or having named it",
    "ensure-signed-client-assertion-with-RS256-fails": "an assertion signed with RS256 is refused",
    "ensure-client-assertion-in-token-endpoint": "without an assertion there is no token",
    "ensure-client-assertion-with-exp-is-5-minutes-in-past-fails": "an assertion ends",
    "ensure-client-assertion-with-wrong-aud-fails": "an assertion is for this server",
    "ensure-client-assertion-with-no-sub-fails": "an assertion names its client",
    "ensure-invalid-client-assertions-fail": "an assertion with anything wrong is refused",
    "dpop-negative-tests": "a proof with anything wrong opens no API",
    "par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted": "a clock may be fast by eight seconds",
    "par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails": "and not by more than a minute",
    "par-test-array-as-audience-fails": "an audience is one string",
    "par-test-par-endpoint-url-as-audience-fails": "namely the issuer, not the endpoint",
    "par-test-token-endpoint-url-as-audience-fails": "and no other endpoint",
}
_SIGNED_ALONE = {
    "ensure-request-object-with-multiple-aud-succeeds": "a request may be for others, too",
    "ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted": "a clock may be fast by eight seconds",
    "ensure-request-object-without-exp-fails": "a request ends",
    "ensure-request-object-without-nbf-fails": "and begins",
    "ensure-expired-request-object-fails": "a request that has ended is refused",
    "ensure-request-object-with-bad-aud-fails": "and one that is for others",
    "ensure-request-object-with-exp-over-60-fails": "a request lives an hour at most",
    "ensure-request-object-with-nbf-over-60-fails": "and has begun an hour ago at most",
    "ensure-signed-request-object-with-RS256-fails": "a request signed with RS256 is refused",
    "ensure-request-object-signature-algorithm-is-not-none": "and one that nobody signed",
    "ensure-request-object-with-invalid-signature-fails": "or whose signature is wrong",
    "ensure-matching-key-in-authorization-request": "or that somebody else signed",
    "ensure-unsigned-request-at-par-endpoint-fails": "or that is no JWT",
    "par-authorization-request-containing-request_uri": "a request does not name another one",
}

INTENTS = {
    f"{_PREFIX}{module}": words for module, words in (_ANYBODY | _WITH_OPENID | _BY_KEY_ALONE | _SIGNED_ALONE).items()
}


def _runs(variant: Demanding) -> Iterator[tuple[str, Demanding]]:
    modules = [*_ANYBODY, *((*_WITH_OPENID, *_BY_KEY_ALONE) if variant.by_key else ())]
    yield from ((f"{_PREFIX}{module}", variant) for module in (*modules, *(_SIGNED_ALONE if variant.signs else ())))


PLANS: tuple[Plan, ...] = (
    Plan(
        f"{_PREFIX}test-plan",
        "FAPI 2.0 Security Profile OP",
        (*_runs(Demanding()), *_runs(Demanding(BY_CERTIFICATE))),
        "with `private_key_jwt`, DPoP and OpenID Connect, and with mutual TLS for both and plain OAuth, with grant"
        " management",
    ),
    Plan(
        "fapi2-message-signing-final-test-plan",
        "FAPI 2.0 Message Signing OP",
        tuple(_runs(Demanding(signs=True))),
        "with signed requests and JARM, `private_key_jwt`, DPoP and OpenID Connect, with grant management",
    ),
)
