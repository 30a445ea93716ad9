"""Requests to the endpoints where clients ask by themselves leave a trace, whatever comes of them."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.pipeline.http import Request
from app.pipeline.server import Server
from app.pipeline.trace import entry_of
from app.protocol.authorize.subject import Where
from app.protocol.errors import OAuthError
from app.protocol.facts import ClientFact
from app.protocol.trace import Trace


@contextmanager
def traced(
    server: Server, request: Request, client: ClientFact, *, at: Where, outcome: str, section: str
) -> Iterator[Trace]:
    """Give a trace to note the checks of a request in, and leave it under the request's id when all is judged.

    `client` has proved who it is. `outcome` is what comes of a request that is not refused. A refusal of which no check
    has told is noted as one of the request as a whole, by `section`.
    """
    trace = Trace()
    try:
        yield trace
    except OAuthError as refused:
        outcome = f"refused: {refused.code.wire}"
        if all(step.outcome != "refused" for step in trace.steps):
            trace.add("request", "refused", f"{refused.code.wire}: {refused.description}", section)
        raise
    finally:
        server.traces.add(entry_of(trace, request.request_id, client.client_id, server.clock(), at, outcome))
