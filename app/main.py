"""Where everything is wired: a configuration and the running database become one ASGI application."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from app.crypto.derivation import derive_key
from app.crypto.envelope import Vault
from app.jobs.call import Calls
from app.jobs.deliver import Deliveries
from app.jobs.loop import run_jobs
from app.jobs.work import Work
from app.outbound.client import Outbound
from app.outbound.client_documents import ClientDocuments
from app.outbound.jwks import KeySets
from app.outbound.logos import Logos
from app.outbound.request_documents import RequestDocuments
from app.pipeline.guesses import SecretGuesses
from app.pipeline.http import Endpoint
from app.pipeline.issued import IssuedTokens
from app.pipeline.keyring import Keyring
from app.pipeline.last_use import LastUses
from app.pipeline.published import publish
from app.pipeline.resources import KnownResources
from app.pipeline.server import Server
from app.pipeline.trace import Traces
from app.protocol import ciba_calls, details, logout_delivery, metadata, openid_tokens, resource_metadata
from app.protocol.claims import ClaimsRegistry
from app.protocol.configuration import Configuration
from app.protocol.resources import introspecting
from app.protocol.tokens.refresh_chain import ServerKeys
from app.routers.api.problems import Kind, Refused, problem_response
from app.routers.endpoints import ALL, ANY, WELL_KNOWN, hot_paths, page_routers
from app.routers.head import answer_head
from app.routers.pages.answers import PageRefused, SeeInstead, reference, send_elsewhere, show, show_refusal
from app.services import limits
from app.services.passwords import PasswordQueue
from app.store import audit, last_use, resources, signing_keys, traces
from app.store.database import Database, StoreUnavailable
from app.telemetry.requests import Requests
from app.views.pages.error import ErrorPage
from app.views.render import Views

_log = structlog.get_logger(__name__)
_API = "/api/"


@dataclass(frozen=True, slots=True)
class Runtime:
    """What the parent hands to each worker besides the configuration; one worker runs the jobs, as the owner."""

    database_url: str = field(repr=False)
    keys: ServerKeys = field(repr=False)
    vault: Vault
    owner_url: str | None = field(default=None, repr=False)
    run_jobs: bool = True
    hot_connections: int = 8


def create_app(configuration: Configuration, runtime: Runtime) -> ASGIApp:
    """Return the ASGI application of a worker; the database is opened when it starts and closed when it stops."""
    return assemble(configuration, pages_of(configuration, partial(_lifespan, configuration, runtime)))


def pages_of(configuration: Configuration, lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """Return the pages; before the first request `furnish` must have been called on them."""
    pages = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False, lifespan=lifespan)
    pages.state.passwords = PasswordQueue()
    for router in page_routers(configuration.features):
        # As they are: `include_router` would build each a second time, at the first request, for what it could change.
        pages.router.routes.extend(router.routes)
    pages.add_exception_handler(PageRefused, show_refusal)
    pages.add_exception_handler(SeeInstead, send_elsewhere)
    pages.add_exception_handler(StoreUnavailable, _show_unavailable)
    pages.add_exception_handler(HTTPException, _show_http_error)
    pages.add_exception_handler(Exception, _show_broken)
    return pages


def assemble(configuration: Configuration, pages: FastAPI) -> ASGIApp:
    """Put the hot endpoints in front of the pages, and both under request ids and the request log."""
    hot = hot_paths(configuration.policy.issuer, configuration.features)
    return Requests(FrontDoor(hot, pages), trusted_proxies=configuration.trusted_proxies)


def furnish(
    pages: FastAPI,
    configuration: Configuration,
    database: Database,
    keys: ServerKeys,
    clock: Callable[[], datetime],
    vault: Vault,
) -> Server:
    """Give the pages what requests need, on an open database; `clock` returns the aware UTC now."""
    admit = partial(limits.admit_fetch, database, clock, configuration.outbound.fetches_per_minute)
    outbound = Outbound(configuration.outbound, admit)
    claims = ClaimsRegistry(configuration.claims)
    server = Server(
        policy=configuration.policy,
        scopes=configuration.scopes,
        features=configuration.features,
        database=database,
        views=Views(
            configuration.service_name,
            configuration.policy.issuer,
            asks_elsewhere=ciba_calls.are_offered(configuration.features),
        ),
        clock=clock,
        traces=Traces(write=partial(traces.save, database)),
        issued=IssuedTokens(write=partial(audit.save, database)),
        last_uses=LastUses(write=partial(last_use.save, database)),
        keys=keys,
        vault=vault,
        keyring=Keyring(partial(signing_keys.read, database), vault, configuration.signing),
        roles=configuration.roles,
        resources=KnownResources(
            configuration.resources,
            partial(resources.read_all, database),
            configuration.features,
            resource_metadata.own_identifiers(configuration.policy.issuer),
        ),
        outbound=outbound,
        key_sets=KeySets(outbound, clock),
        key_sets_of_strangers=KeySets(Outbound(configuration.outbound, admit), clock, for_visitors=True),
        request_documents=RequestDocuments(outbound, clock),
        client_documents=ClientDocuments(
            Outbound(configuration.outbound, admit),
            configuration.documents,
            configuration.scopes,
            clock,
            configuration.policy.algorithms,
        ),
        logos=Logos(outbound, clock),
        discovery=publish(metadata.of(configuration)),
        guesses=SecretGuesses(
            database.guesses.count,
            configuration.secret_limits,
            derive_key(keys.by_version[keys.current], "secret-guesses"),
        ),
        calls=configuration.calls,
        asking_limits=configuration.asking_limits,
        dpop=configuration.dpop,
        mtls=configuration.mtls,
        push_limits=configuration.push_limits,
        registration=configuration.registration,
        registration_limits=configuration.registration_limits,
        trusted_issuers={trusted.issuer: trusted for trusted in configuration.trusted_issuers},
        exchange_rules=configuration.exchange_rules,
        claims=claims,
        details=details.offered(configuration.details, configuration.features),
        id_tokens=openid_tokens.rules(
            configuration.features, configuration.policy.issuer, configuration.policy.lifetimes.id_token, claims
        ),
        system_key=configuration.system_key,
        own_documents=resource_metadata.own_documents(configuration.policy.issuer, configuration.features),
        everyone_founds=configuration.everyone_founds,
    )
    pages.state.server = server
    pages.state.sign_in_limits = configuration.limits
    pages.state.registration_limits = configuration.registration_limits
    return server


@dataclass(frozen=True, slots=True)
class FrontDoor:
    """Sends the hot paths straight to their endpoints and everything else to the pages.

    A path that ends in `ANY` stands for each with something else in its place, one that ends in `ALL` for all below it.
    """

    hot: dict[str, Endpoint]
    pages: FastAPI

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Dispatch by exact path, or by all but the last part of it."""
        endpoint = self._endpoint(scope["path"]) if scope["type"] == "http" else None
        if endpoint is None and scope["type"] == "http" and scope["method"] == "HEAD":
            await answer_head(self.pages, scope, receive, send)
        elif endpoint is None:
            await self.pages(scope, receive, send)
        else:
            scope["endpoint"] = endpoint.handler  # as Starlette's router does: the path is one of a closed set
            await endpoint.serve(self.pages.state.server, scope, receive, send)

    def _endpoint(self, path: str) -> Endpoint | None:
        return self.hot.get(path) or self.hot.get(f"{path.rpartition('/')[0]}/{ANY}") or self._well_known(path)

    def _well_known(self, path: str) -> Endpoint | None:
        """Return the endpoint of a well-known name with all below it (RFC 8615), or else that of what is not known."""
        above, known, below = path.partition(WELL_KNOWN)
        name = below.partition("/")[0]
        return (self.hot.get(f"{above}{known}{name}/{ALL}") or self.hot.get(WELL_KNOWN + ALL)) if known else None


@contextlib.asynccontextmanager
async def _lifespan(configuration: Configuration, runtime: Runtime, pages: FastAPI) -> AsyncIterator[None]:
    database = await Database.open(
        runtime.database_url, owner_url=runtime.owner_url, hot_connections=runtime.hot_connections
    )
    server = furnish(pages, configuration, database, runtime.keys, partial(datetime.now, UTC), runtime.vault)
    await server.resources.refresh()
    await server.keyring.refresh()
    background = [
        asyncio.create_task(server.traces.run()),
        asyncio.create_task(server.last_uses.run()),
        asyncio.create_task(server.issued.run()),
        asyncio.create_task(server.resources.run()),
        asyncio.create_task(server.keyring.run()),
        asyncio.create_task(database.follow_applications({resources.CHANNEL: server.resources.changed})),
    ]
    if logout_delivery.is_offered(configuration.features):
        background.append(asyncio.create_task(Deliveries(server, configuration.logout, runtime.run_jobs).run()))
    if ciba_calls.are_offered(configuration.features):
        background.append(asyncio.create_task(Calls(server).run()))
    if runtime.run_jobs:
        work = Work(
            database,
            server.policy.lifetimes,
            server.clock,
            runtime.vault,
            configuration.signing,
            configuration.registration.unused_after,
            introspecting(configuration.resources),
        )
        background.append(asyncio.create_task(run_jobs(work)))
    try:
        yield
    finally:
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        await server.key_sets.close()
        await server.key_sets_of_strangers.close()
        await server.client_documents.close()
        await server.logos.close()
        await database.close()


async def _show_http_error(request: Request, error: Exception) -> Response:
    """Starlette's own refusals: 404, 405 and the like, as pages, and as problems where scripts ask."""
    if not isinstance(error, HTTPException):
        raise error
    if request.scope["path"].startswith(_API):
        return problem_response(request, Refused(Kind.NOT_FOUND, "nothing is served at this path"))
    if error.status_code == 405:
        response = show(request, ErrorPage.method_not_allowed(reference(request)))
        response.headers.update(error.headers or {})
        return response
    return show(request, ErrorPage.not_found(reference(request)))


async def _show_unavailable(request: Request, error: Exception) -> Response:
    """The database is away: nothing was changed."""
    return show(request, ErrorPage.unavailable(reference(request)))


async def _show_broken(request: Request, error: Exception) -> Response:
    """A fault of ours: the log has its cause under the request id, the page has the id alone."""
    response = show(request, ErrorPage.broken(reference(request)))
    response.headers["Connection"] = "close"  # the server closes it after an exception, and clients shall know
    return response
