"""The plan of FAPI-CIBA for a server, as the Foundation's suite has it for its profile `plain_fapi`."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.conformance.fapi_plans import BY_CERTIFICATE, BY_KEY
from tests.conformance.plan import Plan

POLL, PING = "poll", "ping"


@dataclass(frozen=True, slots=True)
class Calling:
    """How a module is run: how the application proves itself, and how it learns of the decision.

    Its tokens are bound to a certificate in any case.
    """

    client_auth: str = BY_KEY
    mode: str = POLL

    @property
    def by_key(self) -> bool:
        """It signs assertions; otherwise it shows its certificate."""
        return self.client_auth == BY_KEY

    @property
    def label(self) -> str:
        """Its client authentication and its mode."""
        return f"{'private_key_jwt' if self.by_key else 'mutual TLS'}, {self.mode}"

    @property
    def client_id(self) -> str:
        """The application that is registered for it; there is another one whose name begins with `other.`."""
        return f"{self.mode}.{self.client_auth}"


_PREFIX = "fapi-ciba-id1"

_ANYBODY = {
    "-discovery-end-point-verification": "the metadata says what CIBA and the profile require",
    "": "a whole flow with two applications; a request is redeemed once",
    "-user-rejects-authentication": "who denies is answered with access_denied",
    "-multiple-call-to-token-endpoint": "who asks too often is told to slow down",
    "-auth-req-id-expired": "a request ends after the time that was asked for",
    "-ensure-authorization-request-with-binding-message-succeeds": "a short binding message is taken",
    "-ensure-other-scope-order-succeeds": "openid need not be the first scope",
    "-ensure-requested-expiry-as-string-succeeds": "requested_expiry may be a string in the JWT",
    "-ensure-authorization-request-with-potentially-bad-binding-message": "a long one is shown as it is, or refused",
    "-ensure-request-object-missing-aud-fails": "a request without aud is refused",
    "-ensure-request-object-bad-aud-fails": "and one for somebody else",
    "-ensure-request-object-missing-iss-fails": "one without iss",
    "-ensure-request-object-bad-iss-fails": "one of somebody else",
    "-ensure-request-object-missing-exp-fails": "one without exp",
    "-ensure-request-object-expired-exp-fails": "one that has ended",
    "-ensure-request-object-exp-is-70-minutes-in-future-fails": "one that lives for longer than an hour",
    "-ensure-request-object-missing-iat-fails": "one without iat",
    "-ensure-request-object-missing-nbf-fails": "one without nbf",
    "-ensure-request-object-nbf-is-10-minutes-in-future-fails": "one that has not begun",
    "-ensure-request-object-nbf-is-70-minutes-in-past-fails": "one that began more than an hour ago",
    "-ensure-request-object-missing-jti-fails": "one without jti",
    "-ensure-request-object-signature-algorithm-is-none-fails": "one that nobody signed",
    "-ensure-request-object-signature-algorithm-is-bad-fails": "one whose signature is wrong",
    "-ensure-request-object-signature-algorithm-is-RS256-fails": "one signed with RS256",
    "-ensure-request-object-signed-by-other-client-fails": "one that another application signed",
    "-ensure-authorization-request-with-multiple-hints-fails": "one with two hints",
    "-ensure-wrong-auth-req-id-in-token-endpoint-request": "a request is nobody else's",
    "-ensure-unsigned-backchannel-authorization-request-fails": "one that is no JWT is refused",
    "-refresh-token": "a refresh token works, and is nobody else's",
    "-ensure-mtls-holder-of-key-required": "no token without the certificate that it is bound to",
}
_BY_KEY_ALONE = {
    "-ensure-without-client-assertion-in-token-endpoint-request": "no token without an assertion",
    "-ensure-without-client-assertion-in-backchannel-authorization-request": "and no request",
    "-ensure-client-assertion-signature-algorithm-in-backchannel-authorization-request-is-RS256-fails": (
        "no request for an assertion signed with RS256"
    ),
    "-ensure-client-assertion-signature-algorithm-in-token-endpoint-request-is-RS256-fails": "and no token",
    "-ensure-client-assertion-with-iss-aud-to-token-endpoint-succeeds": "the issuer is a good audience",
}
_BY_CERTIFICATE_ALONE = {
    "-ensure-different-client-id-and-issuer-in-backchannel-authorization-request": (
        "the application that shows its certificate is the one that signed"
    ),
    "-ensure-wrong-client-id-in-token-endpoint-request": "a certificate is that of its application, for tokens",
    "-ensure-wrong-client-id-in-backchannel-authorization-request": "and for requests",
}
_CALLED_ALONE = {
    "-ping-backchannel-notification-endpoint-response-has-body": "what the application says to a call is passed over",
    "-ping-backchannel-notification-endpoint-response-401": "whether it refuses it",
    "-ping-backchannel-notification-endpoint-response-403": "or forbids it",
    "-ping-with-mtls-ciba-notification-endpoint-response-401-and-require-server-does-not-retry": (
        "who refuses is not called again"
    ),
    "-ping-backchannel-notification-endpoint-return-redirect-request": "no call follows a redirect",
}

INTENTS = {
    f"{_PREFIX}{module}": words
    for module, words in (_ANYBODY | _BY_KEY_ALONE | _BY_CERTIFICATE_ALONE | _CALLED_ALONE).items()
}


def _runs(variant: Calling) -> Iterator[tuple[str, Calling]]:
    own = _BY_KEY_ALONE if variant.by_key else _BY_CERTIFICATE_ALONE
    called = _CALLED_ALONE if variant.mode == PING else ()
    yield from ((f"{_PREFIX}{module}", variant) for module in (*_ANYBODY, *own, *called))


PLANS: tuple[Plan, ...] = (
    Plan(
        f"{_PREFIX}-test-plan",
        "FAPI-CIBA OP",
        (*_runs(Calling()), *_runs(Calling(BY_CERTIFICATE, PING))),
        "with `private_key_jwt` and poll, and with mutual TLS and ping; tokens are bound to certificates",
    ),
)
