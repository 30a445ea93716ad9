"""Every test of a service begins with a database without rows."""

import pytest

from app.store.database import Database
from tests.support.database import FreshDatabase
from tests.support.emptied import empty


@pytest.fixture
async def database(database: Database, fresh_database: FreshDatabase) -> Database:
    """The module's database, emptied."""
    await empty(fresh_database)
    return database
