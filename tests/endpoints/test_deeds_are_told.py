"""Real deeds through the API, and how the audit trail tells them: what the writers write is what the readers read."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from app.crypto.secrets import new_id
from app.protocol.roles import DEFAULT
from app.store import members
from tests.support.api_person import HERE, Person
from tests.support.barn import enter, id_of
from tests.support.service import REDIRECT_URI, Service

MAY_INVITE = sorted({"member:admin", *DEFAULT["member"]})
"""Who gives a role holds its scopes himself."""


@pytest.fixture
async def robin(site: Service, browser: httpx.AsyncClient) -> Person:
    return await enter(browser, "robin")


def fresh_slug(site: Service) -> str:
    """Return a slug that nobody has."""
    return f"barn-{new_id(site.clock()).hex[-20:]}"


async def call(robin: Person, method: str, path: str, **content: Any) -> Any:
    """Call the API as a page of ours does; returns the content of the answer."""
    answer = await robin.browser.request(method, f"/api/v1/{path}", headers=robin.headers, json=content or None)
    assert answer.status_code in (200, 201, 204), answer.text
    return answer.json() if answer.content else None


async def summaries(robin: Person, path: str, count: int) -> list[str]:
    """Return the sentences of the newest deeds, the oldest of them first."""
    items = (await robin.get(f"/api/v1/{path}"))["items"][:count]
    return [item["summary"] for item in items[::-1]]


async def test_the_deeds_of_a_person_are_told_with_the_names_of_things(site: Service, robin: Person) -> None:
    await call(robin, "POST", "organizations", slug=fresh_slug(site), name="Saltbarn")
    token = await call(robin, "POST", "tokens", name="Nightly export", scopes=["org:read"], expires_in=3600)
    await call(robin, "PATCH", f"tokens/{token['id']}", name="Weekly export")
    await call(robin, "DELETE", f"tokens/{token['id']}")
    application = await call(robin, "POST", "applications", client_name="Pager Bridge", redirect_uris=[REDIRECT_URI])
    path = f"applications/{application['client_id']}"
    await call(robin, "PATCH", path, client_name="Pager Bridge 2")
    await call(robin, "DELETE", path)
    await call(robin, "POST", f"{path}/restore")
    last_four = token["token"][-4:]
    assert await summaries(robin, "audit", 7) == [
        f"Made personal token “Nightly export” …{last_four}",
        "Renamed personal token “Nightly export” to “Weekly export”",
        f"Ended personal token “Weekly export” …{last_four}",
        "Registered Pager Bridge 2",
        "Changed Pager Bridge 2",
        "Deleted Pager Bridge 2, which can be undone for a while",
        "Restored Pager Bridge 2",
    ]


@pytest.mark.spec("original", "BUG 16")
@pytest.mark.spec("original", "BUG 17")
async def test_the_deeds_in_an_organization_and_of_its_keys_outlive_the_keys(site: Service, robin: Person) -> None:
    slug = fresh_slug(site)
    founded = await call(robin, "POST", "organizations", slug=slug, name="Saltbarn")
    here = f"organizations/{slug}"
    await call(robin, "PATCH", here, name="Saltbarn Works")
    key = await call(robin, "POST", f"{here}/api-keys", label="Runner", scopes=[*MAY_INVITE])
    bearer = {"Authorization": f"Bearer {key['key']}"}
    invited = await robin.browser.post(
        f"/api/v1/{here}/invitations", headers=bearer, json={"role": "member", "note": "Jun"}
    )
    assert invited.status_code == 201, invited.text
    sam = await id_of(site, "sam")
    async with site.database.transaction() as transaction:
        await members.insert_member(transaction, UUID(founded["id"]), sam, "member", site.clock())
    await call(robin, "PATCH", f"{here}/members/{sam}", role="manager")
    await call(robin, "DELETE", f"{here}/members/{sam}")
    await call(robin, "PATCH", f"{here}/api-keys/{key['id']}", label="Old runner")
    rotated = await call(robin, "POST", f"{here}/api-keys/{key['id']}/rotate")
    await call(robin, "POST", f"{here}/api-keys/{key['id']}/retire")
    await call(robin, "DELETE", f"{here}/api-keys/{key['id']}")
    items = (await robin.get(f"/api/v1/{here}/audit"))["items"][::-1]
    assert [item["summary"] for item in items] == [
        "Founded Saltbarn",
        "Became a member with the role owner: robin",
        "Renamed organization “Saltbarn” to “Saltbarn Works”",
        f"Made API key “Runner” …{key['last_four']}",
        "Invited somebody with the role member",
        "Changed the role of sam from member to manager",
        "Ended the membership of sam",
        f"Changed API key “Old runner” …{key['last_four']}",
        f"Gave API key “Old runner” …{rotated['last_four']} a new secret; the old one works until it is retired",
        f"Retired the old secret of API key “Old runner” …{rotated['last_four']}",
        f"Removed API key “Old runner” …{rotated['last_four']}",
    ]
    by_key = next(item for item in items if item["event"] == "invitation.created")
    assert by_key["actor"] == {"kind": "api_key", "id": key["id"], "label": f"Runner …{key['last_four']}"}
    assert (items[-1]["target"], items[-1]["actor"]["label"]) == (key["id"], "robin")
    assert not [item for item in items if key["key"] in str(item) or rotated["key"] in str(item)]
    only_keys = (await robin.get(f"/api/v1/{here}/audit?target={key['id']}"))["items"]
    assert len(only_keys) == 5
    page = await robin.browser.get(f"/organizations/{slug}/audit", headers=HERE)
    assert page.text.count("API key Runner …") == 1


async def test_what_became_of_an_application_is_told_with_before_and_after(site: Service, robin: Person) -> None:
    made = await call(robin, "POST", "applications", client_name="Tide Table", redirect_uris=[REDIRECT_URI])
    path = f"applications/{made['client_id']}"
    added = await call(robin, "POST", f"{path}/secrets")
    first = next(secret for secret in made["secrets"])
    await call(robin, "DELETE", f"{path}/secrets/{first['id']}")
    await call(robin, "POST", f"{path}/disable")
    await call(robin, "POST", f"{path}/enable")
    await call(robin, "DELETE", path)
    items = (await robin.get("/api/v1/audit"))["items"][:6][::-1]
    changes = {item["event"]: (item["before"], item["after"]) for item in items}
    grace = site.server.policy.lifetimes.deletion_grace
    at = (site.clock() + grace).isoformat()
    assert changes["application.created"][1]["client_name"] == "Tide Table"
    assert changes["application.secret_added"] == (None, {"id": added["id"], "last_four": added["last_four"]})
    assert changes["application.secret_removed"] == ({"id": first["id"], "last_four": first["last_four"]}, None)
    on, off = {"status": "active", "switched_off_by": None}, {"status": "inactive", "switched_off_by": "owner"}
    assert changes["application.disabled"] == (on, off)
    assert changes["application.enabled"] == (off, on)
    gone = {"status": "pending_deletion", "deletes_at": at}
    assert changes["application.deletion_asked"] == ({"status": "active", "deletes_at": None}, gone)
    summaries_told = [item["summary"] for item in items]
    assert f"Added secret …{added['last_four']} to Tide Table" in summaries_told
    assert f"Removed secret …{first['last_four']} from Tide Table" in summaries_told
