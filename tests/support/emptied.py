"""A database without rows, for tests that count from nothing."""

import asyncpg

from tests.support.database import FreshDatabase

_TABLES = "failure, one_time_link, browser_session, interaction, grant_code, authorization_scope, token_family"

_FURTHER = "api_key, personal_token, organization_invitation, organization_member, organization, spent_key"
_AND = "legacy_credential, legacy_import, legacy_token, access_token, audit, application_secret, application"


async def empty(fresh: FreshDatabase) -> None:
    """Delete everything that people and tests leave behind."""
    connection = await asyncpg.connect(fresh.superuser_url)
    try:
        await connection.execute(f"truncate {_TABLES}, {_FURTHER}, {_AND}, user_account cascade")
    finally:
        await connection.close()
