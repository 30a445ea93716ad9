"""What every test may ask for: the event loop that the product runs on, and how much work a volume test is to do."""

from collections.abc import Callable

import pytest

pytest_plugins = ["tests.support.database"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --volume: the share of its full work that a volume test does."""
    parser.addoption("--volume", type=float, default=0.05, help="share of the full volume, 1 for all of it")


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Coroutine tests run on uvloop, as the server does."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def volume(request: pytest.FixtureRequest) -> Callable[[int], int]:
    """Return a function from the full count of something to the count for this run, at least 1."""
    share: float = request.config.getoption("--volume")
    return lambda full: max(1, round(full * share))
