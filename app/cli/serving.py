"""What a worker serves: the factory that its order names. Only workers import the whole application."""

from starlette.types import ASGIApp

from app.main import Runtime, create_app
from app.protocol.tokens.refresh_chain import ServerKeys
from app.settings import Settings


def application(
    settings: Settings, database_url: str, owner_url: str | None, keys: ServerKeys, run_jobs: bool
) -> ASGIApp:
    """Return the server's application over a database that the parent has prepared."""
    return create_app(settings, Runtime(database_url=database_url, owner_url=owner_url, keys=keys, run_jobs=run_jobs))
