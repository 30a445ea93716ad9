"""Store tests run on every PostgreSQL that is installed: the wheel's, and the system's."""

import pytest

from tests.support.database import engines


@pytest.fixture(scope="session", params=engines())
def engine(request: pytest.FixtureRequest) -> str:
    """Each PostgreSQL in turn."""
    name: str = request.param
    return name
