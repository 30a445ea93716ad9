"""Who may manage the API keys of an organization, what is refused to whom, and what the list shows."""

import asyncio

import pytest
from sqlalchemy import text

from app.services.api_keys import MAX_KEYS
from tests.support.api_keys import FILL, ROLES, Keys, keeper
from tests.support.api_person import HERE, NOBODYS, assert_problem
from tests.support.key_site import FIVE, works
from tests.support.key_site import olga as olga
from tests.support.key_site import owner as owner
from tests.support.key_site import site as site
from tests.support.service import ISSUER, Service


@pytest.mark.spec("original", "K01")
@pytest.mark.spec("original", "K02")
@pytest.mark.parametrize("role", ROLES[:3])
async def test_member_admin_and_manager_may_not_see_or_make_keys(site: Service, owner: Keys, role: str) -> None:
    key = await owner.made()
    async with site.browser() as browser:
        person = await keeper(browser, "northquay", role)
        for answer in (
            await person.get(person.path),
            await person.get(person.of(key)),
            await person.post(person.path, {}),
            await person.patch(person.of(key), {"label": "Mine"}),
            await person.post(f"{person.of(key)}/rotate"),
            await person.post(f"{person.of(key)}/retire"),
            await person.delete(person.of(key)),
        ):
            assert_problem(answer, 403, "insufficient-scope")
    assert (await owner.get(owner.of(key))).json()["version"] == 1


@pytest.mark.spec("original", "K03")
async def test_the_list_has_the_keys_of_this_organization_by_label(owner: Keys, olga: Keys) -> None:
    await olga.made(label="Alpha of others")
    for label in ("beta", "Gamma", "Alpha", "äther", "alpha", "Zeta"):
        await owner.made(label=label)
    listed = [item["label"] for item in (await owner.get(owner.path)).json()["items"]]
    assert listed == ["Alpha", "alpha", "beta", "Gamma", "Zeta", "äther"]


async def test_pages_hold_their_place_while_keys_come_go_and_are_renamed(owner: Keys) -> None:
    made = {label: await owner.made(label=label) for label in ("b", "d", "f", "h", "same", "same")}
    first = await owner.get(f"{owner.path}?limit=2")
    assert [item["label"] for item in first.json()["items"]] == ["b", "d"]
    await owner.delete(owner.of(made["d"]))
    await owner.made(label="a")
    await owner.made(label="e")
    await owner.patch(owner.of(made["h"]), {"label": "g"})
    seen: list[str] = []
    page = first
    while link := page.headers.get("link"):
        page = await owner.get(link.partition(">")[0].removeprefix(f"<{ISSUER}"))
        seen += [item["label"] for item in page.json()["items"]]
    assert seen == ["e", "f", "g", "same", "same"]


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "a" * 22, "A" * 5000, "%00", "ä", "AYkKXayWd0u8zrMCCZqAVw=="])
async def test_what_is_no_cursor_of_ours_is_refused(owner: Keys, cursor: str) -> None:
    assert_problem(await owner.get(f"{owner.path}?cursor={cursor}"), 400, "invalid-request")


@pytest.mark.spec("original", "K05")
@pytest.mark.spec("original", "BUG 31")
async def test_bug_31_an_unknown_or_foreign_key_is_not_found_whatever_is_asked(owner: Keys, olga: Keys) -> None:
    foreign = await olga.made()
    seen = set()
    for key_id in (foreign["id"], NOBODYS, "nonsense", foreign["id"].upper(), "%ff", "1" * 5000):
        path = f"{owner.path}/{key_id}"
        for answer in (
            await owner.get(path),
            await owner.patch(path, {"label": "Mine"}),
            await owner.patch(path, {"label": "Mine"}, If_Match='"1"'),
            await owner.post(f"{path}/rotate"),
            await owner.post(f"{path}/retire"),
            await owner.delete(path),
            await owner.delete(path, If_Match='"1"'),
        ):
            content = answer.json()
            assert content.pop("instance")
            seen.add((answer.status_code, str(content)))
    assert [status for status, _ in seen] == [404]
    assert (await olga.get(olga.of(foreign))).json()["version"] == 1


async def test_to_a_stranger_there_is_no_such_organization(owner: Keys, olga: Keys) -> None:
    key = await owner.made()
    seen = set()
    for slug in ("northquay", "nowhere", "%ff"):
        for path in (f"/api/v1/organizations/{slug}/api-keys", f"/api/v1/organizations/{slug}/api-keys/{key['id']}"):
            answer = await olga.get(path)
            content = answer.json()
            assert content.pop("instance")
            seen.add((answer.status_code, str(content)))
    assert len(seen) == 1
    assert seen.pop()[0] == 404


async def test_tokens_and_keys_manage_no_keys(site: Service, owner: Keys) -> None:
    key = await owner.made(scopes=["org:admin"])
    async with site.browser() as machine:
        for headers in ({"Authorization": f"Bearer {key['key']}"}, HERE | {"Authorization": f"Bearer {key['key']}"}):
            for answer in (
                await machine.get(owner.path, headers=headers),
                await machine.post(owner.path, json={}, headers=headers),
                await machine.post(f"{owner.of(key)}/rotate", headers=headers),
                await machine.delete(owner.of(key), headers=headers),
            ):
                assert_problem(answer, 403, "session-only")


async def test_making_and_changing_keys_needs_a_recent_sign_in_and_removing_does_not(
    site: Service, owner: Keys
) -> None:
    key = await owner.made()
    now = site.clock.now
    site.clock.forward(3600)
    try:
        for answer in (
            await owner.post(owner.path, {}),
            await owner.patch(owner.of(key), {"scopes": FIVE}),
            await owner.post(f"{owner.of(key)}/rotate"),
            await owner.post(f"{owner.of(key)}/retire"),
        ):
            assert_problem(answer, 403, "login-too-old")
        assert (await owner.get(owner.path)).status_code == 200
        assert (await owner.delete(owner.of(key))).status_code == 204
    finally:
        site.clock.now = now


async def test_a_change_without_the_token_of_the_browser_is_refused(owner: Keys) -> None:
    key = await owner.made()
    browser = owner.person.browser
    for headers, kind in (
        (HERE, "csrf-token"),
        (owner.person.headers | {"Sec-Fetch-Site": "cross-site"}, "other-site"),
        (owner.person.headers | {"Origin": "https://attacker.example"}, "other-site"),
    ):
        for answer in (
            await browser.post(owner.path, json={}, headers=headers),
            await browser.patch(owner.of(key), json={}, headers=headers),
            await browser.post(f"{owner.of(key)}/rotate", headers=headers),
            await browser.delete(owner.of(key), headers=headers),
        ):
            assert_problem(answer, 403, kind)


async def test_a_key_gets_no_scope_that_its_maker_lacks(site: Service, owner: Keys) -> None:
    strong = await owner.made(scopes=["org:read", "project:write"])
    async with site.browser() as browser:
        smith = await keeper(browser, "northquay", "keysmith")
        assert (await smith.made())["scopes"] == ["org:read"]
        own = await smith.made(scopes=["org:admin"])
        for answer in (
            await smith.post(smith.path, {"scopes": ["project:write"]}),
            await smith.patch(smith.of(own), {"scopes": ["org:admin", "project:write"]}),
        ):
            assert_problem(answer, 400, "invalid-request")
            [error] = answer.json()["errors"]
            assert error == {"field": "scopes", "detail": "project:write is more than your role here allows"}
        assert_problem(await smith.post(f"{smith.of(strong)}/rotate"), 403, "not-allowed")
        kept = await smith.patch(smith.of(strong), {"label": "Kept", "scopes": ["project:write"]})
        assert (kept.status_code, kept.json()["scopes"]) == (200, ["project:write"])
        assert (await smith.patch(smith.of(strong), {"scopes": []})).status_code == 200
        assert (await smith.patch(smith.of(strong), {"scopes": ["project:write"]})).status_code == 400
        assert (await smith.post(f"{smith.of(strong)}/rotate")).status_code == 200


async def test_nobody_switches_a_key_on_that_can_do_more_than_he_can(site: Service, owner: Keys) -> None:
    """He may have made it when his role was another one, and still have its secret."""
    strong = await owner.made(scopes=["org:read", "project:write"])
    assert (await owner.patch(owner.of(strong), {"status": "inactive"})).status_code == 200
    async with site.browser() as browser:
        smith = await keeper(browser, "northquay", "keysmith")
        for body in ({"status": "active"}, {"status": "active", "scopes": ["project:write"], "label": "Mine"}):
            answer = await smith.patch(smith.of(strong), body)
            assert_problem(answer, 400, "invalid-request")
            [error] = answer.json()["errors"]
            assert error == {"field": "scopes", "detail": "project:write is more than your role here allows"}
        assert await works(site, strong["key"]) is None
        assert (await smith.patch(smith.of(strong), {"status": "active", "scopes": ["org:read"]})).status_code == 200
    assert await works(site, strong["key"]) == ["org:read"]


async def test_no_more_keys_than_the_limit_however_many_ask_at_once(site: Service, owner: Keys) -> None:
    async with site.database.transaction() as transaction:
        await transaction.execute(text(FILL % (MAX_KEYS - 1)))
    answers = await asyncio.gather(*(owner.post(owner.path, {"label": f"Last {n}"}) for n in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 19]
    assert_problem(next(answer for answer in answers if answer.status_code == 409), 409, "conflict")
    async with site.database.transaction() as transaction:
        count = (await transaction.execute(text("select count(*) from api_key where label like 'Last%'"))).scalar_one()
    assert count == 1
