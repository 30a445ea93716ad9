"""`/api/v1/applications`: registered, listed, read and changed by nobody but their owner."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from pydantic import BaseModel

from app.routers.api.application_models import (
    ApplicationChanges,
    MadeApplication,
    MadeSecretAnswer,
    NewApplication,
    OwnApplicationAnswer,
    OwnApplicationList,
    SecretAnswer,
    SecretList,
)
from app.store.database import Database
from tests.support import membership
from tests.support.api_person import assert_problem
from tests.support.database import FreshDatabase
from tests.support.own_applications import CALLBACK, PATH, Developer, developer, exchange, of
from tests.support.service import ISSUER, REDIRECT_URI, Service, authorize_url, obtain_code, service

FULL: dict[str, Any] = {
    "client_name": "Deploy Diary",
    "application_type": "web",
    "token_endpoint_auth_method": "client_secret_post",
    "redirect_uris": [CALLBACK, "http://localhost:8001/callback"],
    "grant_types": ["authorization_code"],
    "scopes": ["project:read", "event:read"],
    "optional_scopes": ["event:read"],
    "client_uri": "https://diary.example",
    "policy_uri": "https://diary.example/privacy",
    "tos_uri": "https://diary.example/terms",
    "allowed_origins": ["https://diary.example", "*.diary.example"],
}


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """The application; robin owns northquay and saltbarn, sam belongs to northquay as a manager."""
    async with service(database) as running:
        people = {name: await running.user(name) for name in ("robin", "sam")}
        for slug in ("northquay", "saltbarn"):
            organization = await membership.found(database, slug, running.clock())
            await membership.join(database, organization, people["robin"], "owner", running.clock())
            if slug == "northquay":
                await membership.join(database, organization, people["sam"], "manager", running.clock())
        await running.application("web")
        yield running


@pytest.fixture
async def robin(site: Service) -> AsyncIterator[Developer]:
    """Robin, signed in just now."""
    async with site.browser() as browser:
        yield await developer(browser, "robin")


@pytest.fixture
async def sam(site: Service) -> AsyncIterator[Developer]:
    """Sam, signed in just now."""
    async with site.browser() as browser:
        yield await developer(browser, "sam")


@pytest.mark.spec("original", "R08")
async def test_a_post_without_a_body_makes_an_application_with_all_defaults(robin: Developer) -> None:
    answer = await robin.send("POST", PATH)
    made = answer.json()
    assert answer.status_code == 201, answer.text
    assert re.fullmatch(r"[A-Z][a-z]+ [A-Z][a-z]+", made["client_name"])
    assert (made["kind"], made["token_endpoint_auth_method"]) == ("web", "client_secret_basic")
    assert (made["status"], made["organization"], made["redirect_uris"]) == ("active", None, [])
    assert answer.headers["location"] == f"{ISSUER}{of(made)}"
    assert answer.headers["etag"] == f'"{made["version"]}"'
    assert (await robin.read(made))["client_id"] == made["client_id"]


async def test_everything_that_is_given_is_kept(robin: Developer) -> None:
    made = await robin.made(**FULL)
    read = await robin.read(made)
    assert {name: read[name] for name in FULL} == FULL
    assert (read["response_types"], read["kind"]) == (["code"], "web")


@pytest.mark.spec("original", "N21")
async def test_a_day_later_the_secret_is_what_it_was_on_the_first_day_four_characters(
    site: Service, robin: Developer
) -> None:
    made = await robin.made()
    at_once = await robin.read(made)
    site.clock.forward(90_000)
    async with site.browser() as browser:
        later = await (await developer(browser, "robin")).read(made)
    assert later == at_once
    assert [secret["last_four"] for secret in later["secrets"]] == [made["client_secret"][-4:]]
    assert made["client_secret"] not in str(later)


@pytest.mark.spec("original", "R09")
@pytest.mark.spec("original", "N22")
@pytest.mark.spec("original", "BUG 14")
async def test_bug_14_the_secret_is_told_once_and_never_to_who_reads_or_has_consented(
    site: Service, robin: Developer, sam: Developer
) -> None:
    made = await robin.made(client_name="Deploy Diary", redirect_uris=[REDIRECT_URI])
    secret = made["client_secret"]
    code = await obtain_code(sam.browser, made["client_id"], "sam")
    assert (await exchange(sam.browser, made, code)).status_code == 200
    consents = await sam.get("/api/v1/authorizations")
    [consent] = [one for one in consents.json()["items"] if one["application"]["client_id"] == made["client_id"]]
    told = [consents, await sam.get(f"/api/v1/authorizations/{consent['id']}")]
    told += [await robin.get(path) for path in (PATH, of(made), of(made, "/secrets"))]
    told.append(await robin.send("PATCH", of(made), {"client_name": "Other"}))
    for answer in told:
        assert answer.status_code == 200
        assert secret not in answer.text
        assert 'client_secret":' not in answer.text.replace(" ", "")
    [kept] = (await robin.get(of(made, "/secrets"))).json()["items"]
    assert kept["last_four"] == secret[-4:]
    assert kept["created_by"] == "robin"


@pytest.mark.spec("original", "BUG 10")
async def test_bug_10_a_read_of_the_database_yields_no_secret(robin: Developer, fresh_database: FreshDatabase) -> None:
    made = await robin.made()
    added = (await robin.send("POST", of(made, "/secrets"))).json()
    dump = await every_row(fresh_database)
    for secret in (made["client_secret"], added["client_secret"]):
        assert secret not in dump
        assert secret[5:60] not in dump


@pytest.mark.spec("original", "R07")
async def test_the_list_has_the_own_ones_by_name_and_nobody_elses(robin: Developer, sam: Developer) -> None:
    names = ["zebra", "Apple", "apple", "Äpfel", "banana"]
    mine = {name: (await sam.made(client_name=name))["client_id"] for name in names}
    await robin.made(client_name="Blueberry")
    listed = (await sam.get(f"{PATH}?limit=100")).json()["items"]
    found = [one["client_name"] for one in listed if one["client_id"] in mine.values()]
    assert sorted(found[:2]) == ["Apple", "apple"]
    assert found[2:] == ["banana", "zebra", "Äpfel"]
    assert "Blueberry" not in [one["client_name"] for one in listed]


async def test_pages_follow_their_links_to_the_end_without_gap_or_repetition(robin: Developer) -> None:
    for name in ("Same", "Same", "Same", "other"):
        await robin.made(client_name=name, organization="saltbarn")
    whole = [one["client_id"] for one in (await robin.get(f"{PATH}?owner=saltbarn&limit=100")).json()["items"]]
    path, seen = f"{PATH}?owner=saltbarn&limit=1", []
    while path:
        answer = await robin.get(path)
        seen += [one["client_id"] for one in answer.json()["items"]]
        link = re.fullmatch(rf'<{ISSUER}(.+)>; rel="next"', answer.headers.get("link", ""))
        path = link[1] if link else ""
    assert seen == whole
    assert len(seen) >= 4


async def test_a_page_after_an_application_that_is_not_in_the_list_is_refused(robin: Developer, sam: Developer) -> None:
    await robin.made(client_name="A")
    await robin.made(client_name="B")
    link = (await robin.get(f"{PATH}?limit=1")).headers["link"]
    cursor = re.search(r"cursor=([\w-]+)", link)
    assert cursor is not None
    answer = await sam.get(f"{PATH}?cursor={cursor[1]}")
    assert_problem(answer, 400, "invalid-request")
    assert answer.json()["errors"][0]["field"] == "cursor"


@pytest.mark.spec("original", "BUG 18")
@pytest.mark.parametrize("query", ["limit=101", "limit=x", "limit=0", "cursor=x", "cursor=%00"])
async def test_bug_18_an_unchecked_page_is_a_problem_and_no_fault(robin: Developer, query: str) -> None:
    assert_problem(await robin.get(f"{PATH}?{query}"), 400, "invalid-request")


async def test_the_owner_filter_tells_own_ones_from_those_of_each_organization(
    robin: Developer, sam: Developer
) -> None:
    made = {owner: await robin.made(client_name="Filtered", organization=owner) for owner in (None, "northquay")}
    seen = {
        owner: [one["client_id"] for one in (await robin.get(f"{PATH}?limit=100&owner={owner}")).json()["items"]]
        for owner in ("me", "northquay", "saltbarn")
    }
    assert made[None]["client_id"] in seen["me"]
    assert made["northquay"]["client_id"] in seen["northquay"]
    assert not {one["client_id"] for one in made.values()} & {*seen["saltbarn"]}
    assert made["northquay"]["client_id"] not in seen["me"]
    assert (await robin.get(f"{PATH}?owner=nobody")).json() == (await sam.get(f"{PATH}?owner=northquay")).json()


@pytest.mark.spec("original", "R10")
async def test_a_change_keeps_what_it_does_not_name(robin: Developer) -> None:
    made = await robin.made(**FULL)
    answer = await robin.send("PATCH", of(made), {"client_name": "Ship’s Log"})
    assert answer.status_code == 200, answer.text
    assert {name: answer.json()[name] for name in FULL} == FULL | {"client_name": "Ship’s Log"}
    assert answer.json()["version"] == made["version"] + 1
    cleared = await robin.send("PATCH", of(made), {"client_uri": None, "scopes": None, "allowed_origins": []})
    assert (cleared.json()["client_uri"], cleared.json()["scopes"]) == (None, None)
    assert cleared.json()["allowed_origins"] == []


async def test_what_is_so_already_is_no_change(robin: Developer) -> None:
    made = await robin.made(**FULL)
    answer = await robin.send("PATCH", of(made), FULL)
    assert answer.json()["version"] == made["version"]


@pytest.mark.spec("original", "N23")
async def test_without_redirect_uris_it_can_be_stored_and_nobody_is_sent_anywhere(robin: Developer) -> None:
    made = await robin.made(**FULL)
    answer = await robin.send("PATCH", of(made), {"redirect_uris": []})
    assert answer.json()["redirect_uris"] == []
    for redirect_uri in (CALLBACK, None, ""):
        refused = await robin.browser.get(authorize_url(made["client_id"], redirect_uri=redirect_uri))
        assert refused.status_code == 400
        assert "location" not in refused.headers


@pytest.mark.spec("original", "BUG 19")
@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"client_name": ""}, "client_name"),
        ({"client_name": "x" * 65}, "client_name"),
        ({"client_name": None}, "client_name"),
        ({"client_name": "a\nb"}, "client_name"),
        ({"redirect_uris": ["/relative"]}, "redirect_uris.0"),
        ({"redirect_uris": [CALLBACK, "https://diary.example/#x"]}, "redirect_uris.1"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "redirect_uris.0"),
        ({"redirect_uris": ["https://diary.example/" + "x" * 2000]}, "redirect_uris.0"),
        ({"redirect_uris": [f"https://diary.example/{number}" for number in range(101)]}, "redirect_uris"),
        ({"redirect_uris": None}, "redirect_uris"),
        ({"client_uri": "https://diary.example/" + "x" * 2000}, "client_uri"),
        ({"client_uri": "javascript:alert(1)"}, "client_uri"),
        ({"policy_uri": "diary"}, "policy_uri"),
        ({"tos_uri": "https://user@diary.example"}, "tos_uri"),
        ({"allowed_origins": ["http://example.com:80"]}, "allowed_origins.0"),
        ({"allowed_origins": ["*", "https://diary.example/path"]}, "allowed_origins.1"),
        ({"allowed_origins": ["x" * 256]}, "allowed_origins.0"),
        ({"scopes": ["project:read", "nonsense"]}, "scopes"),
        ({"scopes": ["project:read"], "optional_scopes": ["event:read"]}, "optional_scopes"),
        ({"grant_types": ["password"]}, "grant_types.0"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "token_endpoint_auth_method"),
        ({"token_endpoint_auth_method": "none"}, "token_endpoint_auth_method"),
        ({"application_type": "web", "redirect_uris": ["com.example.app:/cb"]}, "redirect_uris"),
        ({"organization": "nobody"}, "organization"),
        ({"client_secret": "chosen"}, "client_secret"),
        ({"owner": "sam"}, "owner"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_bug_19_every_limit_is_checked_at_the_edge_and_the_member_is_named(
    robin: Developer, members: dict[str, Any], field: str
) -> None:
    made = await robin.made(redirect_uris=[CALLBACK])
    answer = await robin.send("PATCH", of(made), members)
    assert_problem(answer, 400, "invalid-request")
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert (await robin.read(made))["version"] == made["version"]


async def test_the_longest_addresses_are_stored_and_told_as_they_are(robin: Developer) -> None:
    long = "https://diary.example/" + "x" * (2000 - len("https://diary.example/"))
    members = {"redirect_uris": [long], **dict.fromkeys(("client_uri", "policy_uri", "tos_uri"), long)}
    made = await robin.made(**members)
    assert {name: (await robin.read(made))[name] for name in members} == members


async def test_the_kind_follows_from_the_settings(robin: Developer) -> None:
    settings: dict[str, dict[str, Any]] = {
        "web": {},
        "browser": {"token_endpoint_auth_method": "none"},
        "native": {"token_endpoint_auth_method": "none", "application_type": "native"},
        "machine": {"grant_types": ["client_credentials"]},
    }
    assert {kind: (await robin.made(**members))["kind"] for kind, members in settings.items()} == {
        kind: kind for kind in settings
    }


async def test_a_change_meant_for_another_version_is_refused(robin: Developer) -> None:
    made = await robin.made()
    read = f'"{made["version"]}"'
    assert (await robin.send("PATCH", of(made), {"client_name": "A"}, If_Match=read)).status_code == 200
    assert_problem(await robin.send("PATCH", of(made), {"client_name": "B"}, If_Match=read), 412, "version-changed")
    assert_problem(await robin.send("DELETE", of(made), If_Match=read), 412, "version-changed")
    assert (await robin.read(made))["client_name"] == "A"


async def test_of_twenty_changes_for_one_version_one_wins(robin: Developer) -> None:
    made = await robin.made()
    read = f'"{made["version"]}"'
    answers = await asyncio.gather(
        *(robin.send("PATCH", of(made), {"client_name": f"Name {number}"}, If_Match=read) for number in range(20))
    )
    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 19]
    [winner] = [answer.json() for answer in answers if answer.status_code == 200]
    assert await robin.read(made) == winner


async def test_of_twenty_posts_with_one_key_one_makes_an_application(robin: Developer) -> None:
    body = {"client_name": "Once"}
    answers = await asyncio.gather(*(robin.send("POST", PATH, body, Idempotency_Key="once") for _ in range(20)))
    [made] = [answer.json() for answer in answers if answer.status_code == 201]
    for answer in answers:
        if answer.status_code != 201:
            assert_problem(answer, 409, "already-done")
            assert answer.json()["resource_id"] == made["client_id"]
            assert made["client_secret"] not in answer.text
    listed = (await robin.get(f"{PATH}?limit=100")).json()["items"]
    assert [one["client_name"] for one in listed].count("Once") == 1
    other = await robin.send("POST", PATH, {"client_name": "Twice"}, Idempotency_Key="once")
    assert_problem(other, 422, "key-reused")


async def every_row(fresh_database: FreshDatabase) -> str:
    """Return everything that the tables hold, as text."""
    connection = await asyncpg.connect(fresh_database.superuser_url)
    try:
        tables = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
        rows = [await connection.fetch(f'select t::text from "{row[0]}" t') for row in tables]
        return "\n".join(str(row[0]) for table in rows for row in table)
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "model",
    [
        *(OwnApplicationAnswer, ApplicationChanges, OwnApplicationList, MadeApplication, MadeSecretAnswer),
        *(NewApplication, SecretAnswer, SecretList),
    ],
    ids=lambda model: str(model.__name__),
)
async def test_the_examples_of_the_document_fit(robin: Developer, model: type[BaseModel]) -> None:
    schema = (await robin.get("/openapi.json")).json()["components"]["schemas"][model.__name__]
    for example in schema["examples"]:
        model.model_validate(example, extra="forbid")
