"""Declaring an application that had made itself known before."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from app.models import Application
from app.protocol.scopes import DEFAULT, ScopeRegistry
from app.services import data_file
from app.services.data_file import Report
from app.services.operator import Operator
from app.services.passwords import PasswordQueue
from app.store import applications
from app.store.database import Database

CLIENT_ID = "https://app.example/client.json"
DECLARED = {
    "client_id": CLIENT_ID,
    "client_name": "Scribe",
    "redirect_uris": ["https://app.example/callback"],
    "token_endpoint_auth_method": "none",
}


async def apply(database: Database) -> Report:
    queue = PasswordQueue(threads=1)
    document = data_file.parse({"applications": [DECLARED]}, ScopeRegistry(DEFAULT))
    try:
        return await data_file.apply(database, queue, document, Operator("test", datetime.now(UTC)))
    finally:
        queue.close()


@pytest.mark.spec("standards", "CI-2")
async def test_it_is_the_operators_from_then_on(database: Database) -> None:
    await apply(database)
    async with database.transaction() as transaction:
        as_before = {"self_registered": True, "verified": False, "registration_digest": b"digest"}
        await transaction.execute(update(Application).values(as_before))
    [change] = (await apply(database)).changes
    assert (change.sign, change.details) == ("~", ("made itself known: the operator's from now on",))
    async with database.transaction() as transaction:
        adopted = await applications.find(transaction, CLIENT_ID)
    assert adopted is not None
    assert (adopted.self_registered, adopted.verified, adopted.registration_digest) == (False, True, None)
    [change] = (await apply(database)).changes
    assert change.sign == "="
