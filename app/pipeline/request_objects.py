"""Request objects on their way in: fetched where they stand elsewhere, judged, and opened (standards A1.5)."""

from datetime import datetime

from app.pipeline.client_keys import keys_of
from app.pipeline.server import Server
from app.protocol.authorize import request_object, request_reference
from app.protocol.authorize.request_object import Opened, Place
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact
from app.protocol.fetching import NotFetched
from app.protocol.params import Parameters

__all__ = ["Opened", "Place", "opened"]


async def opened(server: Server, client: ClientFact, params: Parameters, now: datetime, *, at: Place) -> Opened:
    """Return the parameters of a request that count: those in its request object, or as they came when it has none.

    Costs nothing without an object. Its form is judged before its keys are fetched, and one that counts once is noted
    when everything else about it is right (one round trip). Raises OAuthError with the codes of RO-1, RO-2, RO-4 and
    RO-9, and `temporarily_unavailable` when the keys cannot be had.
    """
    request_object.require_offered(params, server.features, at)
    text, reference = params.get("request"), params.get("request_uri")
    if reference is not None:
        text = await _fetched(server, client, reference)
    if text is None:
        return Opened(params)
    demanded = request_object.demands(client, server.policy, at)
    jwt = request_object.read(text)
    request_object.judge(jwt, client, server.issuer, demanded, now)
    request_object.verify(jwt, await keys_of(server, client, jwt.kid), demanded)
    effective = request_object.effective_params(jwt, params, client, demanded, at)
    use = request_object.use_of(jwt, client, demanded, now)
    if use is not None and not await server.database.assertions.note(use):
        raise OAuthError(
            ErrorCode.INVALID_REQUEST_OBJECT, "the request object was used before; make a new one with another jti"
        )
    return effective


async def _fetched(server: Server, client: ClientFact, uri: str) -> str:
    place = request_reference.address(uri, client)
    try:
        body = await server.request_documents.get(uri, place)
    except NotFetched as failed:
        raise request_reference.not_fetched(str(failed)) from None
    return request_reference.read(uri, body)
