"""What a worker serves: the factory that its order names. Only workers import the whole application."""

from starlette.types import ASGIApp

from app.crypto.envelope import Vault
from app.main import Runtime, create_app
from app.protocol.configuration import Configuration
from app.protocol.tokens.refresh_chain import ServerKeys


def application(
    configuration: Configuration,
    database_url: str,
    owner_url: str | None,
    keys: ServerKeys,
    vault: Vault,
    run_jobs: bool,
    workers: int,
) -> ASGIApp:
    """Return the server's application over a database that the parent has prepared."""
    runtime = Runtime(
        database_url=database_url,
        keys=keys,
        vault=vault,
        owner_url=owner_url,
        run_jobs=run_jobs,
        hot_connections=hot_connections(workers),
    )
    return create_app(configuration, runtime)


def hot_connections(workers: int) -> int:
    """Return how many connections a worker holds for the hot path.

    The statements that come in crowds share six of them (`store.hot_pool`); the rest is for the others. With many
    workers all of them, five more each for pages and for the listener, and a few for commands, stay within the 60
    that the embedded database allows.
    """
    return max(2, min(8, 54 // workers - 5))
