"""Attacks by whoever registers where he wants to be called (CIBA §10.2)."""

import pytest

from app.store.database import Database
from tests.support.approvals import ask, asking_application
from tests.support.call_desk import Desk, a_desk
from tests.support.database import FreshDatabase
from tests.support.elsewhere import NOTIFICATION_TOKEN

INSIDE = (
    "https://127.0.0.1/x",
    "https://169.254.169.254/latest/meta-data",
    "https://[::1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://0x7f.1/",
    "https://localhost/x",
    "http://client.example/x",
)
"""Where no client may send the server: its own host and network, however they are written, and the open network."""


async def asked_by_all(desk: Desk) -> None:
    for number, endpoint in enumerate(INSIDE):
        await asking_application(desk.site, f"inside-{number}", endpoint=endpoint)
        async with desk.site.browser() as till:
            await ask(till, f"inside-{number}", "Robin", client_notification_token=NOTIFICATION_TOKEN)


@pytest.mark.spec("standards", "CB-8")
async def test_no_client_makes_the_server_call_its_own_network(
    database: Database, fresh_database: FreshDatabase, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nor does anybody have to decide for it: whoever decides himself is named as he is, however that is cased."""
    async with a_desk(database, fresh_database.superuser_url, danger_auto_approve=["ROBIN"], told=False) as desk:
        await desk.site.user("robin")
        await asked_by_all(desk)
        async with desk.worker():
            await desk.settled()
        untold = await desk.untold()
        assert [(one["whom"], one["outcome"], one["attempts"]) for one in untold] == [("client", "refused", 1)] * 7
        assert {row["status"] for row in await desk.rows()} == {"approved"}
        assert desk.client.heard == []
    assert NOTIFICATION_TOKEN not in "".join(capfd.readouterr())
