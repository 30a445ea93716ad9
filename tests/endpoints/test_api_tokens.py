"""`/api/v1/tokens`: a person's own tokens, made, read, renamed and revoked by nobody but himself."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.crypto.hashing import digest
from app.protocol.token_format import Prefix, parse_credential
from app.services import personal_tokens
from app.store import users
from tests.support.api_person import HERE, NOBODYS, Person, assert_problem, enter
from tests.support.api_tokens import TOKENS as PATH
from tests.support.api_tokens import WANTED, deeds, errors_of, made, make, rename, stored
from tests.support.api_tokens import robin as robin
from tests.support.api_tokens import sam as sam
from tests.support.api_tokens import site as site
from tests.support.service import ISSUER, Service

DAY = 86_400


@pytest.mark.spec("original", "R03")
async def test_a_token_is_told_once_with_exactly_the_scopes_asked_for(site: Service, robin: Person) -> None:
    answer = await make(robin, scopes=["event:read"])
    content = answer.json()
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["location"] == f"{ISSUER}{PATH}/{content['id']}"
    assert (content["name"], content["scopes"], content["active"]) == ("Nightly export", ["event:read"], True)
    assert not {"refresh_token", "digest"} & content.keys()
    credential = parse_credential(Prefix.PERSONAL_TOKEN, content["token"])
    assert credential is not None
    assert str(credential.id) == content["id"]
    assert content["token"].endswith(content["last_four"])
    read = await robin.browser.get(f"{PATH}/{content['id']}", headers=HERE)
    assert read.headers["etag"] == answer.headers["etag"] == '"1"'
    assert read.json() == {name: value for name, value in content.items() if name not in ("token", "expires_in")}
    assert content["token"] not in (await robin.browser.get(PATH, headers=HERE)).text


@pytest.mark.spec("original", "BUG 10")
async def test_bug_10_the_database_and_the_audit_trail_hold_no_token(site: Service, robin: Person) -> None:
    content = await made(robin)
    credential = parse_credential(Prefix.PERSONAL_TOKEN, content["token"])
    assert credential is not None
    row = await stored(site, content["id"])
    assert row.digest == digest(credential.secret)
    for known in (repr(row), repr(await deeds(site, content["id"]))):
        assert content["token"] not in known
        assert repr(credential.secret) not in known


@pytest.mark.spec("original", "R01")
async def test_each_person_lists_his_own_alone_the_newest_first(site: Service, robin: Person, sam: Person) -> None:
    await made(sam)
    first = await made(robin, name="first")
    site.clock.forward(1)
    second = await made(robin, name="second", scopes=["org:read", "team:write"])
    items = (await robin.get(PATH))["items"]
    assert [item["id"] for item in items] == [second["id"], first["id"]]
    assert items[0]["scopes"] == ["org:read", "team:write"]


async def test_ended_ones_stay_in_the_list_and_revoked_ones_do_not(site: Service, robin: Person) -> None:
    short, long = await made(robin, expires_in=60), await made(robin, expires_in=DAY)
    site.clock.forward(60)
    active = {item["id"]: item["active"] for item in (await robin.get(PATH))["items"]}
    assert active == {short["id"]: False, long["id"]: True}
    assert (await robin.delete(f"{PATH}/{short['id']}")).status_code == 204
    assert [item["id"] for item in (await robin.get(PATH))["items"]] == [long["id"]]


async def test_pages_follow_their_links_to_the_end(site: Service, robin: Person) -> None:
    names = []
    for number in range(5):
        names.append((await made(robin, name=f"token {number}"))["name"])
        site.clock.forward(1)
    path, seen = f"{PATH}?limit=2", []
    while path:
        answer = await robin.browser.get(path, headers=HERE)
        seen += [item["name"] for item in answer.json()["items"]]
        link = re.fullmatch(rf'<{ISSUER}({PATH}\?limit=2&cursor=[\w-]+)>; rel="next"', answer.headers.get("link", ""))
        path = link[1] if link else ""
    assert seen == names[::-1]


@pytest.mark.spec("original", "BUG 30")
async def test_bug_30_a_token_has_a_name_an_end_and_a_last_use(site: Service, robin: Person) -> None:
    content = await made(robin)
    assert content["name"]
    assert content["last_used_at"] is None
    ends = datetime.fromisoformat(content["expires_at"])
    assert ends - site.clock.now == site.server.policy.lifetimes.personal_token == timedelta(days=90)
    assert content["expires_in"] == 90 * DAY


@pytest.mark.spec("original", "L04")
async def test_a_token_that_never_ends_says_null_and_its_maker_said_never(robin: Person) -> None:
    content = await made(robin, never_expires=True)
    assert (content["expires_at"], content["expires_in"]) == (None, None)
    assert (await robin.get(f"{PATH}/{content['id']}"))["expires_at"] is None


@pytest.mark.spec("original", "M01")
async def test_a_token_is_over_from_its_last_moment_on_and_without_one_never(site: Service, robin: Person) -> None:
    tomorrow = (site.clock.now + timedelta(days=1)).isoformat()
    ending, endless = await made(robin, expires_at=tomorrow), await made(robin, never_expires=True)
    database, now = site.database, site.clock.now
    session = await users.find_for_sign_in(database, "robin")
    assert session is not None
    for token, last in ((ending, timedelta(days=1)), (endless, timedelta(days=36_500))):
        kept = await personal_tokens.find(database, session.id, UUID(token["id"]))
        assert kept is not None
        assert kept.is_live(session.epoch, now)
        assert kept.is_live(session.epoch, now + last - timedelta(seconds=1))
        assert kept.is_live(session.epoch, now + last) is (token is endless)


async def test_a_renamed_token_is_the_same_one(site: Service, robin: Person) -> None:
    token = await made(robin)
    answer = await rename(robin, token["id"], "Laptop", If_Match='"1"')
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    assert answer.json() == await robin.get(f"{PATH}/{token['id']}")
    assert answer.json()["name"] == "Laptop"
    assert (await stored(site, token["id"])).digest == digest(_secret(token))
    assert_problem(await rename(robin, token["id"], "Phone", If_Match='"1"'), 412, "version-changed")
    assert_problem(await robin.delete(f"{PATH}/{token['id']}", If_Match='"1"'), 412, "version-changed")
    assert (await robin.delete(f"{PATH}/{token['id']}", If_Match='"2"')).status_code == 204


async def test_giving_the_name_it_has_changes_nothing(site: Service, robin: Person) -> None:
    token = await made(robin)
    assert (await rename(robin, token["id"], token["name"])).json()["version"] == 1
    assert [event for event, _ in await deeds(site, token["id"])] == ["personal_token.created"]


@pytest.mark.spec("original", "R04")
@pytest.mark.spec("original", "BUG 29")
async def test_bug_29_a_token_is_revoked_by_its_id(site: Service, robin: Person) -> None:
    token = await made(robin)
    answer = await robin.delete(f"{PATH}/{token['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await robin.get(PATH))["items"] == []
    assert (await stored(site, token["id"])).revoked_at == site.clock.now


@pytest.mark.spec("original", "BUG 31")
async def test_bug_31_revoking_what_is_not_there_is_not_found(robin: Person, sam: Person) -> None:
    own, foreign = await made(robin), await made(sam)
    assert (await robin.delete(f"{PATH}/{own['id']}")).status_code == 204
    seen = set()
    for token in (own["id"], foreign["id"], NOBODYS, "nonsense", own["id"].upper()):
        for answer in (
            await robin.browser.get(f"{PATH}/{token}", headers=HERE),
            await robin.delete(f"{PATH}/{token}"),
            await robin.delete(f"{PATH}/{token}", If_Match='"7"'),
            await rename(robin, token, "mine now"),
        ):
            content = answer.json()
            assert content.pop("instance")
            seen.add((answer.status_code, str(content)))
    assert [status for status, _ in seen] == [404]
    assert (await sam.get(f"{PATH}/{foreign['id']}"))["name"] == WANTED["name"]


async def test_every_deed_is_written_down_with_before_and_after(site: Service, robin: Person) -> None:
    token = await made(robin, scopes=["org:read"], never_expires=True)
    await rename(robin, token["id"], "Laptop")
    await robin.delete(f"{PATH}/{token['id']}")
    kept = {"name": "Nightly export", "last_four": token["last_four"], "scopes": ["org:read"], "expires_at": None}
    assert await deeds(site, token["id"]) == [
        ("personal_token.created", {"after": kept}),
        ("personal_token.renamed", {"before": {"name": "Nightly export"}, "after": {"name": "Laptop"}}),
        ("personal_token.revoked", {"before": kept | {"name": "Laptop"}}),
    ]


async def test_disabling_the_person_kills_his_tokens_for_ever(site: Service, sam: Person) -> None:
    token = await made(sam, never_expires=True)
    account = await users.find_for_sign_in(site.database, "sam")
    assert account is not None
    async with site.database.transaction() as transaction:
        await users.disable(transaction, account.id, site.clock())
        await users.enable(transaction, account.id, site.clock())
    assert_problem(await sam.browser.get(PATH, headers=HERE), 401, "not-signed-in")
    async with site.browser() as browser:
        again = await enter(browser, "sam")
        assert [item["active"] for item in (await again.get(PATH))["items"]] == [False]
        live = await made(again)
        assert live["active"]
        assert (await again.delete(f"{PATH}/{token['id']}")).status_code == 204


async def test_a_repeated_key_makes_nothing_and_tells_the_id_alone(robin: Person) -> None:
    key = {"Idempotency-Key": f"first-{datetime.now(UTC).timestamp()}"}
    first = (await make(robin, key)).json()
    again = await make(robin, key)
    assert_problem(again, 409, "already-done")
    assert again.json()["resource_id"] == first["id"]
    assert first["token"] not in again.text
    assert_problem(await make(robin, key, name="another"), 422, "key-reused")
    assert len((await robin.get(PATH))["items"]) == 1


async def test_a_refused_request_spends_no_key(robin: Person) -> None:
    key = {"Idempotency-Key": f"refused-{datetime.now(UTC).timestamp()}"}
    assert errors_of(await make(robin, key, scopes=["nope"]))
    assert (await make(robin, key)).status_code == 201


async def test_twenty_at_once_never_exceed_the_limit(robin: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(personal_tokens, "MAX_LIVE", 5)
    await made(robin)
    await made(robin, expires_in=60)
    answers = await asyncio.gather(*(make(robin, name=f"token {number}") for number in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 17
    for refused in answers:
        if refused.status_code == 409:
            assert_problem(refused, 409, "conflict")
    assert len((await robin.get(PATH))["items"]) == 5


async def test_ended_and_revoked_tokens_leave_room(
    site: Service, robin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(personal_tokens, "MAX_LIVE", 2)
    await made(robin, expires_in=60)
    revoked = await made(robin)
    assert (await make(robin)).status_code == 409
    site.clock.forward(60)
    assert (await make(robin)).status_code == 201
    assert (await make(robin)).status_code == 409
    await robin.delete(f"{PATH}/{revoked['id']}")
    assert (await make(robin)).status_code == 201


async def test_twenty_repeats_at_once_make_one_token(robin: Person) -> None:
    key = {"Idempotency-Key": f"race-{datetime.now(UTC).timestamp()}"}
    answers = await asyncio.gather(*(make(robin, key) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    [item] = (await robin.get(PATH))["items"]
    assert {answer.json()["resource_id"] for answer in answers if answer.status_code == 409} == {item["id"]}


async def test_of_twenty_who_revoke_at_once_one_does_it(site: Service, robin: Person) -> None:
    token = await made(robin)
    answers = await asyncio.gather(*(robin.delete(f"{PATH}/{token['id']}") for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [204] + [404] * 19
    assert [event for event, _ in await deeds(site, token["id"])].count("personal_token.revoked") == 1


def _secret(token: dict[str, Any]) -> bytes:
    credential = parse_credential(Prefix.PERSONAL_TOKEN, token["token"])
    assert credential is not None
    return credential.secret
