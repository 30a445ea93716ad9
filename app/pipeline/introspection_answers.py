"""How an introspection answer leaves: as JSON, or signed, or signed and encrypted (RFC 9701)."""

from datetime import datetime

from app.pipeline.encryption import encrypted, require_key
from app.pipeline.http import NO_STORE, NOSNIFF, Response, json_response
from app.pipeline.server import Server
from app.protocol import introspection_jwt
from app.protocol.facts import ClientFact
from app.protocol.introspection import Answer

_JWT = (b"content-type", introspection_jwt.MEDIA_TYPE.encode("ascii"))


async def render(server: Server, caller: ClientFact, answer: Answer, now: datetime, *, as_jwt: bool) -> Response:
    """Return the answer in the form that was asked for; raises OAuthError when it cannot be made.

    A caller whose messages have to be signed gets a JWT, whatever it asks for (FM-3).
    """
    if not as_jwt and not (caller.policy.signs_messages and introspection_jwt.is_offered(server.features)):
        return json_response(answer)
    policy = server.policy_for(caller)
    content = introspection_jwt.claims(answer, issuer=server.issuer, audience=caller.client_id, now=now)
    algorithm = introspection_jwt.signing_alg(caller.key_material, policy)
    require_key(server, caller.policy, algorithm, "the answer")
    text = server.keyring.sign(now, algorithm, introspection_jwt.TYP, content)
    if (wanted := introspection_jwt.encryption(caller.key_material)) is not None:
        text = await encrypted(server, caller, text, *wanted)
    return Response(200, text.encode("ascii"), (_JWT, NO_STORE, NOSNIFF))
