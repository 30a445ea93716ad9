"""Store tests run on every PostgreSQL that is installed: the wheel's, and the system's."""

from collections.abc import AsyncIterator, Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from app.store import embedded
from app.store.database import Database
from app.store.embedded import Cluster
from tests.store import embedded_owner
from tests.store import scene as scenes
from tests.store.scene import Scene
from tests.support.database import FreshDatabase, engines

WORKERS = 5


@pytest.fixture(scope="session", params=engines(pytest.mark.slow))
def engine(request: pytest.FixtureRequest) -> str:
    """Each PostgreSQL in turn; `make test` has the first one alone, but where a file asks for `each_engine`."""
    name: str = request.param
    return name


@pytest.fixture(scope="session", params=engines())
def each_engine(request: pytest.FixtureRequest) -> str:
    """Each PostgreSQL in turn, in `make test` too."""
    name: str = request.param
    return name


@pytest.fixture
async def scene(database: Database) -> Scene:
    """One user and one application."""
    return await scenes.begin(database)


@pytest.fixture(scope="module")
async def crowd(fresh_database: FreshDatabase) -> AsyncIterator[Iterator[Database]]:
    """The same database as several workers have it open, in turn."""
    opened = [await Database.open(fresh_database.runtime_url) for _ in range(WORKERS)]
    yield cycle(opened)
    for database in opened:
        await database.close()


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory for data directories."""
    with embedded_owner.folder() as path:
        yield path


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A data directory whose database has run and been stopped."""
    with embedded_owner.stopped() as path:
        yield path


@pytest.fixture
def data(place: Path, made: Path) -> Path:
    """A copy of that data directory."""
    return embedded_owner.copy(made, place / "data")


@pytest.fixture
def start() -> Iterator[Callable[..., Cluster]]:
    """Start databases without fsync, and stop those that still run at the end."""
    started: list[Cluster] = []

    def begin(data_dir: Path, **options: Any) -> Cluster:
        started.append(embedded.start(data_dir, **{"durable": False, **options}))
        return started[-1]

    yield begin
    for cluster in started:
        cluster.stop()
