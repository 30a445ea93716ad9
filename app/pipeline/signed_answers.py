"""Authorization answers as their application wants to read them: as one JWT, signed and perhaps encrypted (JARM)."""

from datetime import datetime
from functools import partial

from app.pipeline.encryption import encrypted, require_key
from app.pipeline.server import Server
from app.protocol import response_types
from app.protocol.authorize.answer import ClientAnswer
from app.protocol.facts import ClientFact
from app.protocol.tokens import answer_jwt

_WHAT = "the answer"


async def require_possible(server: Server, client: ClientFact, mode: str) -> None:
    """Return when answers to this application can be made in this mode; raises OAuthError as `sealed`.

    Asked before anything is granted: a code that nobody can be told is no use.
    """
    if response_types.is_signed(mode):
        require_key(server, client.policy, client.requests.answer_alg, _WHAT)
        if client.requests.answer_encryption is not None:
            await encrypted(server, client, "", *client.requests.answer_encryption, _WHAT)


async def sealed(server: Server, client: ClientFact, answer: ClientAnswer, now: datetime) -> ClientAnswer:
    """Return the answer as it may be sent: as it is, or, in a mode of JARM, with its members in a JWT (RT-7, RT-8).

    Raises OAuthError when no JWT can be made as the application registered it. It cannot be told that, for whatever is
    told it would have to be such a JWT.
    """
    if not response_types.is_signed(answer.mode):
        return answer
    alg, encryption = client.requests.answer_alg, client.requests.answer_encryption
    require_key(server, client.policy, alg, _WHAT)
    sign = partial(server.keyring.sign, now)
    text = answer_jwt.write(answer.members, client.client_id, server.issuer, alg, now, sign)
    return answer.as_jwt(text if encryption is None else await encrypted(server, client, text, *encryption, _WHAT))
