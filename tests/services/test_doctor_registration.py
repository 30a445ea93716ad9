"""The self-check about applications that introduce themselves: each rule has a case that is fine and one that is
not."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from app.crypto.secrets import new_id
from app.protocol.configuration import DocumentRules, RegistrationRules, StatementIssuer
from app.protocol.resources import Resource
from app.services import initial_tokens
from app.services.doctor import Finding, Level
from app.services.doctor_registration import check_documents, check_registration, check_running_registration
from app.services.initial_tokens import Wanted
from app.services.occasion import Occasion
from app.store import condition, resources
from app.store.condition import IntroducedApplications
from app.store.database import Database
from tests.store import scene as scenes
from tests.store.scene import NOW
from tests.support.database import FreshDatabase
from tests.support.emptied import empty
from tests.support.self_registered import OLD, UNUSED_AFTER, known_by_document, registered

NARROW = RegistrationRules(scopes=("event:read",))
KNOWN = IntroducedApplications(registered=3, by_document=2, unused=1, permissions=4)


def warnings(findings: Iterable[Finding]) -> list[str]:
    return [finding.seen for finding in findings if finding.level is not Level.OK]


def seen(rules: RegistrationRules, *, on: bool = True, **known: Any) -> list[Finding]:
    return list(check_registration(rules, replace(KNOWN, **known), on=on))


@pytest.mark.parametrize(
    ("rules", "on", "told"),
    [
        (RegistrationRules(by_token=False), False, "closed"),
        (NARROW, True, "with one of 4 registration tokens"),
        (
            replace(NARROW, by_token=False, needs_statement=True, issuers=(StatementIssuer("https://vendor.example"),)),
            True,
            "with a software statement of https://vendor.example",
        ),
    ],
    ids=["closed", "token", "statement"],
)
def test_where_not_everybody_may_register_it_is_told_who_may(rules: RegistrationRules, on: bool, told: str) -> None:
    first, last = seen(rules, on=on)
    assert (first.level, first.seen) == (Level.OK, told)
    assert (last.level, last.seen) == (Level.OK, "3 registered themselves, 2 known by a document; 1 not used yet")


@pytest.mark.spec("standards", "DR-13")
def test_what_makes_registration_wide_open_is_warned_of() -> None:
    everybody, imitations, scopes = warnings(seen(RegistrationRules(by_token=False, imitations="mark")))
    assert everybody.startswith("open: everybody")
    assert "look like" in imitations
    assert "every scope" in scopes


@pytest.mark.parametrize(("count", "noun"), [(1, "1 application that"), (2, "2 applications that")], ids=["one", "two"])
def test_dead_ones_that_are_still_there_are_counted(count: int, noun: str) -> None:
    [overdue] = warnings(seen(NARROW, overdue=count))
    assert overdue.startswith(noun)


def test_whose_documents_count_is_told_and_whose_names_are_answered_for_is_warned_of() -> None:
    assert [finding.seen for finding in check_documents(DocumentRules(), on=False)] == ["off"]
    assert [finding.seen for finding in check_documents(DocumentRules(), on=True)] == ["of every host"]
    rules = DocumentRules(allowed=("b.example", "a.example"), vouched=("a.example",))
    hosts, vouched = check_documents(rules, on=True)
    assert (hosts.level, hosts.seen) == (Level.OK, "of a.example, b.example")
    assert (vouched.level, "a.example" in vouched.seen) == (Level.WARN, True)


async def test_applications_and_tokens_are_counted_as_they_are(
    database: Database, fresh_database: FreshDatabase
) -> None:
    await empty(fresh_database)
    await scenes.begin(database)
    used = await registered(database, created_at=OLD)
    assert await database.hot.settle_authorization(scenes.consent(used, "a"))
    await registered(database, created_at=OLD)
    await registered(database, created_at=NOW)
    await registered(database, created_at=OLD, verified=True)
    await registered(database, created_at=OLD, status="inactive")
    api = await registered(database, created_at=OLD)
    await known_by_document(database, created_at=NOW)
    occasion = Occasion(NOW, "req_test", "203.0.113.7")
    for ends in (None, NOW + timedelta(days=1), NOW):
        await initial_tokens.make(database, Wanted("x", None, ends), occasion)
    gone = await initial_tokens.make(database, Wanted("x", 1, None), occasion)
    assert await initial_tokens.revoke(database, gone.token.id, occasion)
    assert await initial_tokens.revoke(database, new_id(NOW), occasion) is None
    old, counted = NOW - UNUSED_AFTER, partial(condition.introduced_applications, fresh_database.runtime_url)
    found = await counted(old, NOW, (api.client_id,))
    assert found == IntroducedApplications(registered=5, by_document=1, unused=5, overdue=1, permissions=2)
    assert (await counted(old, NOW)).overdue == 2
    declared = Resource("https://mcp.example", introspection_clients=frozenset({api.client_id}))
    async with database.transaction() as transaction:
        assert await resources.insert_new(transaction, declared, NOW)
    assert (await counted(old, NOW)).overdue == 1


def test_that_there_is_no_token_to_register_with_is_told() -> None:
    assert seen(NARROW, permissions=0)[0].seen == "with a registration token, of which there is none"


@pytest.mark.parametrize(
    ("on", "published", "told"),
    [(False, True, 1), (True, True, 0), (True, False, 0), (False, False, 0)],
    ids=["demo", "both", "settings-alone", "neither"],
)
def test_a_running_server_that_lets_more_in_than_the_settings_is_told(on: bool, published: bool, told: int) -> None:
    found = list(check_running_registration(on=on, published=published))
    assert len(warnings(found)) == len(found) == told
