"""A database without rows, for tests that count from nothing."""

import asyncpg

from tests.support.database import FreshDatabase

_TABLES = "failure, one_time_link, browser_session, interaction, grant_code, authorization_scope, token_family"


async def empty(fresh: FreshDatabase) -> None:
    """Delete everything that people and tests leave behind."""
    connection = await asyncpg.connect(fresh.superuser_url)
    try:
        await connection.execute(f"truncate {_TABLES}, access_token, audit, application, user_account cascade")
    finally:
        await connection.close()
