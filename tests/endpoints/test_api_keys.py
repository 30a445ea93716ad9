"""The JSON API over an organization's API keys: made, changed, given another secret, removed; each secret told once."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from app.crypto.hashing import digest
from app.protocol.token_format import Prefix, parse_credential
from app.store import organizations, trail, users
from app.store.trail import Place, Selection, TrailEntry
from tests.support.api_keys import Keys
from tests.support.api_person import NOBODYS, assert_problem
from tests.support.key_site import FIVE, works
from tests.support.key_site import owner as owner
from tests.support.key_site import site as site
from tests.support.service import ISSUER, Service


async def history(site: Service, key: dict[str, Any]) -> list[TrailEntry]:
    """Return what the audit trail of the organization has about a key, the oldest first."""
    found = await organizations.find_with_role(site.database, "northquay", None)
    assert found is not None
    selection = Selection(organization_id=found[0].id, subject=key["id"])
    return [*reversed((await trail.page(site.database, selection, Place(), 100)).entries)]


@pytest.mark.spec("original", "K04")
async def test_a_new_key_is_called_default_and_may_do_the_usual_five_things(site: Service, owner: Keys) -> None:
    answer = await owner.post(owner.path, {})
    content = answer.json()
    assert answer.status_code == 201
    assert (content["label"], content["status"], content["allowed_origins"]) == ("Default", "active", [])
    assert content["scopes"] == FIVE
    assert answer.headers["location"] == f"{ISSUER}{owner.of(content)}"
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["cache-control"] == "no-store"
    assert await works(site, content["key"]) == FIVE


@pytest.mark.parametrize("label", ["", "   ", None])
async def test_a_blank_label_is_default(owner: Keys, label: str | None) -> None:
    assert (await owner.made(label=label))["label"] == "Default"


async def test_a_key_has_the_label_scopes_and_origins_that_were_asked_for_each_once(owner: Keys) -> None:
    made = await owner.made(
        label=" Nightly build ", scopes=["org:read", "team:read", "org:read"], allowed_origins=["*.example.com"] * 2
    )
    assert (made["label"], made["scopes"]) == ("Nightly build", ["org:read", "team:read"])
    assert made["allowed_origins"] == ["*.example.com"]
    assert (await owner.made(scopes=[]))["scopes"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"label": "x" * 65}, "label"),
        ({"label": "two\nlines"}, "label"),
        ({"label": "\u202eerased"}, "label"),
        ({"label": 7}, "label"),
        ({"scopes": ["org:rule"]}, "scopes"),
        ({"scopes": ["org:read "]}, "scopes"),
        ({"scopes": "org:read"}, "scopes"),
        ({"scopes": ["x" * 201]}, "scopes.0"),
        ({"allowed_origins": ["https://example.com/path"]}, "allowed_origins"),
        ({"allowed_origins": [f"h{number}.example" for number in range(51)]}, "allowed_origins"),
        ({"allowed_origins": ["x" * 256]}, "allowed_origins.0"),
        ({"key": "my-own"}, "key"),
        ({"status": "inactive"}, "status"),
        ({"organization_id": NOBODYS}, "organization_id"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else value,
)
async def test_what_a_key_cannot_be_is_refused_field_by_field(owner: Keys, body: dict[str, Any], field: str) -> None:
    answer = await owner.post(owner.path, body)
    assert_problem(answer, 400, "invalid-request")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert (await owner.get(owner.path)).json()["items"] == []


@pytest.mark.spec("original", "K06")
@pytest.mark.parametrize("origin", ["*", "*.example.com", "example.com", "localhost", "https://example.com"])
async def test_an_origin_is_accepted(owner: Keys, origin: str) -> None:
    made = await owner.made(allowed_origins=[f" {origin} ", ""])
    assert made["allowed_origins"] == [origin]


@pytest.mark.spec("original", "K06")
@pytest.mark.parametrize("origin", ["http://example.com:80", "example.com:80", "*.example.com:80"])
async def test_an_origin_with_a_port_is_refused(owner: Keys, origin: str) -> None:
    key = await owner.made()
    for answer in (
        await owner.post(owner.path, {"allowed_origins": [origin]}),
        await owner.patch(owner.of(key), {"allowed_origins": ["example.com", origin]}),
    ):
        assert_problem(answer, 400, "invalid-request")
        [error] = answer.json()["errors"]
        assert (error["field"], error["detail"].partition(";")[0]) == ("allowed_origins", f"{origin} must have no port")


@pytest.mark.spec("original", "BUG 15")
async def test_bug_15_what_is_edited_is_what_is_enforced_from_the_next_request_on(site: Service, owner: Keys) -> None:
    key = await owner.made()
    path = owner.of(key)
    assert await works(site, key["key"]) == FIVE
    changed = await owner.patch(path, {"scopes": ["team:read"]})
    assert (changed.status_code, changed.json()["scopes"]) == (200, ["team:read"])
    assert changed.headers["etag"] == '"2"'
    assert await works(site, key["key"]) == ["team:read"]
    assert (await owner.get(path)).json() == changed.json()
    await owner.patch(path, {"status": "inactive"})
    assert await works(site, key["key"]) is None
    await owner.patch(path, {"status": "active", "scopes": ["org:write"]})
    assert await works(site, key["key"]) == ["org:write"]


async def test_what_is_left_out_or_so_already_stays_and_makes_no_new_version(site: Service, owner: Keys) -> None:
    key = await owner.made(label="Build", scopes=["org:read"], allowed_origins=["example.com"])
    path = owner.of(key)
    for body in ({}, {"label": "Build"}, {"scopes": ["org:read"], "allowed_origins": None}, {"status": "active"}):
        answer = await owner.patch(path, body)
        assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
    renamed = (await owner.patch(path, {"label": "Nightly build"})).json()
    assert renamed == {name: value for name, value in key.items() if name != "key"} | {
        "label": "Nightly build",
        "version": 2,
    }
    assert [entry.event for entry in await history(site, key)] == ["api_key.created", "api_key.changed"]


async def test_a_change_meant_for_another_version_is_refused(owner: Keys) -> None:
    key = await owner.made()
    path = owner.of(key)
    assert (await owner.patch(path, {"label": "One"}, If_Match='"1"')).status_code == 200
    for stale in ('"1"', "", "x", 'W/"2"', '"0", "999"'):
        assert_problem(await owner.patch(path, {"label": "Two"}, If_Match=stale), 412, "version-changed")
        assert_problem(await owner.delete(path, If_Match=stale), 412, "version-changed")
    assert (await owner.patch(path, {"label": "Two"}, If_Match='"0", "2"')).status_code == 200
    assert (await owner.delete(path, If_Match="*")).status_code == 204


async def test_of_changes_at_once_meant_for_one_version_one_is_made(owner: Keys) -> None:
    key = await owner.made()
    changes = [owner.patch(owner.of(key), {"label": f"Writer {number}"}, If_Match='"1"') for number in range(20)]
    answers = await asyncio.gather(*changes)
    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 19]


async def test_a_rotation_leaves_the_secret_before_good_until_it_is_retired(site: Service, owner: Keys) -> None:
    key = await owner.made()
    rotated = await owner.post(f"{owner.of(key)}/rotate")
    new = rotated.json()
    assert (rotated.status_code, rotated.headers["etag"]) == (200, '"2"')
    assert (new["id"], new["last_four"], new["retiring_last_four"]) == (key["id"], new["key"][-4:], key["key"][-4:])
    assert [await works(site, secret) for secret in (key["key"], new["key"])] == [FIVE, FIVE]
    assert_problem(await owner.post(f"{owner.of(key)}/rotate"), 409, "conflict")
    retired = await owner.post(f"{owner.of(key)}/retire")
    assert (retired.status_code, retired.json()["retiring_last_four"]) == (200, None)
    assert "key" not in retired.json()
    assert [await works(site, secret) for secret in (key["key"], new["key"])] == [None, FIVE]
    assert_problem(await owner.post(f"{owner.of(key)}/retire"), 409, "conflict")
    assert (await owner.post(f"{owner.of(key)}/rotate")).status_code == 200


async def test_a_removed_key_is_dead_with_both_its_secrets(site: Service, owner: Keys) -> None:
    key = await owner.made()
    new = (await owner.post(f"{owner.of(key)}/rotate")).json()
    answer = await owner.delete(owner.of(key))
    assert (answer.status_code, answer.content) == (204, b"")
    assert [await works(site, secret) for secret in (key["key"], new["key"])] == [None, None]
    assert_problem(await owner.get(owner.of(key)), 404, "not-found")
    assert_problem(await owner.delete(owner.of(key)), 404, "not-found")


async def test_a_repeated_creation_makes_one_key_and_does_not_tell_its_secret_again(owner: Keys) -> None:
    first = await owner.post(owner.path, {"label": "Once"}, Idempotency_Key="k1")
    again = await owner.post(owner.path, {"label": "Once"}, Idempotency_Key="k1")
    assert_problem(again, 409, "already-done")
    assert again.json()["resource_id"] == first.json()["id"]
    assert first.json()["key"] not in again.text
    assert_problem(await owner.post(owner.path, {"label": "Other"}, Idempotency_Key="k1"), 422, "key-reused")
    assert len((await owner.get(owner.path)).json()["items"]) == 1


async def test_a_repeated_rotation_makes_one_secret(owner: Keys) -> None:
    key = await owner.made()
    path = f"{owner.of(key)}/rotate"
    first = await owner.post(path, Idempotency_Key="r1")
    again = await owner.post(path, Idempotency_Key="r1")
    assert (first.status_code, again.status_code) == (200, 409)
    assert again.json()["resource_id"] == key["id"]
    assert (await owner.get(owner.of(key))).json()["version"] == 2


async def test_a_refused_creation_does_not_spend_the_idempotency_key(owner: Keys) -> None:
    assert (await owner.post(owner.path, {"scopes": ["org:rule"]}, Idempotency_Key="k2")).status_code == 400
    assert (await owner.post(owner.path, {"scopes": ["org:read"]}, Idempotency_Key="k2")).status_code == 201


@pytest.mark.spec("original", "BUG 10")
@pytest.mark.spec("original", "BUG 16")
async def test_bug_16_neither_the_database_nor_the_audit_trail_holds_a_key(site: Service, owner: Keys) -> None:
    key = await owner.made(label="Nightly build")
    await owner.patch(owner.of(key), {"scopes": ["org:read"], "status": "inactive"})
    new = (await owner.post(f"{owner.of(key)}/rotate")).json()
    await owner.post(f"{owner.of(key)}/retire")
    secrets = []
    for shown in (key["key"], new["key"]):
        credential = parse_credential(Prefix.API_KEY, shown)
        assert credential is not None
        assert str(credential.id) == key["id"]
        secrets.append(credential.secret)
    async with site.database.transaction() as transaction:
        found = text("select api_key::text, digest from api_key where id = :id")
        row = (await transaction.execute(found, {"id": key["id"]})).one()
        stored = [row[0], *(await transaction.scalars(text("select audit::text from audit")))]
    assert row.digest == digest(secrets[-1])
    spelled = [key["key"][5:], new["key"][5:], *(secret.hex() for secret in secrets)]
    assert not [secret for secret in spelled for row_text in stored if secret in row_text]


async def test_each_deed_is_written_down_with_who_what_before_and_after(site: Service, owner: Keys) -> None:
    key = await owner.made(label="Build", scopes=["org:read"], allowed_origins=["example.com"])
    changed = await owner.patch(owner.of(key), {"label": "Nightly", "status": "inactive"})
    new = (await owner.post(f"{owner.of(key)}/rotate")).json()
    await owner.post(f"{owner.of(key)}/retire")
    made, edited, rotated, retired = await history(site, key)
    first = {
        "label": "Build",
        "scopes": ["org:read"],
        "allowed_origins": ["example.com"],
        "status": "active",
        "last_four": key["last_four"],
        "retiring_last_four": None,
    }
    assert (made.event, made.data) == ("api_key.created", {"after": first})
    second = first | {"label": "Nightly", "status": "inactive"}
    assert (edited.event, edited.data) == ("api_key.changed", {"before": first, "after": second})
    third = second | {"last_four": new["last_four"], "retiring_last_four": key["last_four"]}
    assert (rotated.event, rotated.data) == ("api_key.rotated", {"before": second, "after": third})
    assert (retired.event, retired.data["after"]) == ("api_key.retired", third | {"retiring_last_four": None})
    assert edited.request_id == changed.headers["x-request-id"]
    person = await users.find_for_sign_in(site.database, "owner")
    assert person is not None
    assert (edited.actor_kind, edited.actor_id) == ("user", str(person.id))


@pytest.mark.spec("original", "BUG 17")
async def test_bug_17_the_history_of_a_key_survives_it_and_names_it_by_its_id(site: Service, owner: Keys) -> None:
    key = await owner.made(label="Build")
    assert (await owner.delete(owner.of(key))).status_code == 204
    made, removed = await history(site, key)
    assert (made.event, removed.event) == ("api_key.created", "api_key.removed")
    assert (removed.subject_id, removed.organization_id) == (key["id"], made.organization_id)
    assert (removed.data["before"]["label"], removed.data["before"]["last_four"]) == ("Build", key["last_four"])
    assert "after" not in removed.data
