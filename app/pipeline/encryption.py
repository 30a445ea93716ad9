"""How JWTs for one application leave: signed with the algorithm that it registered, and encrypted for its keys (ID-6).

Authorization answers, introspection answers, ID tokens and userinfo answers go this way.
"""

from app.crypto import jose
from app.crypto.jose import JoseError
from app.pipeline.client_keys import keys_of
from app.pipeline.server import Server
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact
from app.protocol.policy import ApplicationPolicy
from app.protocol.strict_algorithms import STRICT_ALGORITHMS


def require_key(server: Server, policy: ApplicationPolicy, alg: str, what: str) -> None:
    """Raise `invalid_request` unless the server signs with this algorithm for an application with this policy; `what`
    is what has to be signed.

    For one that is held to FAPI 2.0 it signs with none that is too weak for that, whatever is registered (F-22, FM-2).
    """
    if policy.fapi and alg not in STRICT_ALGORITHMS:
        raise OAuthError(
            ErrorCode.INVALID_REQUEST,
            f"{what} cannot be signed with {alg} for this application; it has to register one of: "
            f"{', '.join(STRICT_ALGORITHMS)}",
        )
    if alg not in server.keyring.plan.algorithms:
        raise OAuthError(
            ErrorCode.INVALID_REQUEST,
            f"{what} has to be signed with {alg}, which is none of this server: "
            f"{', '.join(server.keyring.plan.algorithms)}",
        )


async def encrypted(
    server: Server, client: ClientFact, text: str, alg: str, enc: str, what: str = "the answer", *, cty: str = "JWT"
) -> str:
    """Encrypt a signed JWT for the first registered key that is for it: signed first, so that the signature is hidden.

    Raises `invalid_request` when the application has no such key, and `temporarily_unavailable` when its keys cannot be
    had.
    """
    for key in await keys_of(server, client):
        if key.get("use") in (None, "enc") and key.get("alg") in (None, alg):
            try:
                return jose.encrypt(text, key, alg, enc, cty=cty)
            except JoseError:
                continue
    raise OAuthError(
        ErrorCode.INVALID_REQUEST,
        f"{what} has to be encrypted with {alg}, and no registered key of this application is for that",
    )
