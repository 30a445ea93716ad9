"""Client authentication methods (RFC 6749 §2.3): one file each, listed here in the order they are looked for."""

from dataclasses import dataclass, field

from app.crypto.hashing import Digest, digest, matches
from app.protocol.client_auth import client_secret_basic, client_secret_post, none
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact
from app.protocol.params import Parameters


@dataclass(frozen=True, slots=True)
class Presented:
    """What a request shows of its client: the method, the client it claims to be, and the secret if any."""

    method: str
    client_id: str
    secret: str = field(default="", repr=False)

    @property
    def digest(self) -> Digest:
        """The digest of the secret: of the client's secrets it has proved to know the one with this digest."""
        return digest(self.secret.encode("utf-8"))


METHODS: tuple[str, ...] = (client_secret_basic.NAME, client_secret_post.NAME, none.NAME)
"""Values of `token_endpoint_auth_method` that this server accepts, for registration and metadata."""

SECRET_METHODS = frozenset({client_secret_basic.NAME, client_secret_post.NAME})

_DECOY_DIGESTS = (digest(b"no application has this secret"),)


def identify(authorization: str | None, params: Parameters) -> Presented:
    """Find the one method that the request uses (T-4: two are `invalid_request`, none at all is `invalid_client`)."""
    basic = client_secret_basic.find(authorization, params)
    posted = client_secret_post.find(authorization, params)
    if basic is not None and posted is not None:
        raise OAuthError(
            ErrorCode.INVALID_REQUEST,
            "the client authenticated twice; use the Authorization header or client_secret in the body, not both",
        )
    if basic is not None:
        client_id, secret = basic
        if params.get("client_id") not in (None, client_id):
            raise OAuthError(
                ErrorCode.INVALID_REQUEST, "client_id in the body differs from the one in the Authorization header"
            )
        return Presented(client_secret_basic.NAME, client_id, secret)
    if posted is not None:
        return Presented(client_secret_post.NAME, *posted)
    alone = none.find(authorization, params)
    if alone is None:
        raise OAuthError(
            ErrorCode.INVALID_CLIENT,
            "the client did not say who it is; send client_id, with the Authorization header if it has a secret",
        )
    return Presented(none.NAME, *alone)


def authenticate(presented: Presented, client: ClientFact | None) -> ClientFact:
    """Return the client when the registered method was used and its secret is right; else raise `invalid_client`.

    The answer and the work are the same for an unknown client, an inactive one, another method and a wrong secret
    (CA-10): nobody learns here which client_id exists.
    """
    digests = client.secret_digests if client is not None and client.secret_digests else _DECOY_DIGESTS
    shown = presented.digest
    secret_matches = sum(matches(shown, known) for known in digests) > 0
    if client is not None and client.auth_method == presented.method and not client.unmet:
        if presented.method == none.NAME:
            return client
        if client.secret_digests and secret_matches:
            return client
    raise OAuthError(
        ErrorCode.INVALID_CLIENT,
        "client authentication failed: unknown client, wrong secret, or another method than the registered one",
        detail=_why(presented, client, secret_matches=secret_matches),
        challenge="Basic" if presented.method == client_secret_basic.NAME else "",
    )


def _why(presented: Presented, client: ClientFact | None, *, secret_matches: bool) -> str:
    if client is None:
        return "no active application has this client_id"
    if client.auth_method != presented.method:
        return f"registered for {client.auth_method}, used {presented.method}"
    if client.unmet:
        return f"the application demands what this version does not have: {', '.join(client.unmet)}"
    return "" if secret_matches else "no valid secret matches"
