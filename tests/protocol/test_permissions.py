"""The two gates of a request to an organization: what its credential holds, and what is left of it there."""

from collections.abc import Callable
from uuid import UUID

import pytest

from app.protocol import permissions
from app.protocol.callers import (
    Caller,
    KeyCaller,
    MachineCaller,
    PersonalCaller,
    PersonCaller,
    SystemCaller,
    TokenCaller,
)
from app.protocol.permissions import Permission, held_by, scopes_at
from app.protocol.roles import Roles
from app.protocol.scopes import DEFAULT, ScopeRegistry
from tests.support import facts

REGISTRY = ScopeRegistry(DEFAULT)
ROLES = Roles.chosen({}, REGISTRY)
EVERYTHING = frozenset(scope.name for scope in DEFAULT)
HERE, ELSEWHERE = facts.ORGANIZATION, facts.USER
METHODS = ("GET", "POST", "PUT", "DELETE")
READ, WRITE, ADMIN = "org:read", "org:write", "org:admin"

PERSON: Caller = PersonCaller(facts.session())
OPERATOR: Caller = PersonCaller(facts.session(operator=True))
SYSTEM: Caller = SystemCaller(tuple(sorted(EVERYTHING)))


def token(*scopes: str) -> Caller:
    """An application's access token."""
    return TokenCaller(facts.access_token(), scopes)


def personal(*scopes: str) -> Caller:
    """A person's own token."""
    return PersonalCaller(facts.personal_token(), scopes)


def key(*scopes: str) -> Caller:
    """An API key of the organization."""
    return KeyCaller(facts.api_key(), scopes)


def machine(*scopes: str) -> Caller:
    """A token that an application got for itself."""
    return MachineCaller(facts.machine_token(), scopes)


def at(caller: Caller, role: str | None = None, organization: UUID = HERE) -> frozenset[str] | None:
    """Return what somebody may do in an organization."""
    return scopes_at(caller, organization, role, roles=ROLES, registry=REGISTRY)


def opened(permission: Permission, *held: str) -> list[str]:
    """Return the methods that these scopes open."""
    return [method for method in METHODS if permission.allows(method, frozenset(held))]


@pytest.mark.parametrize(
    ("permission", "noun", "read", "write", "admin"),
    [
        (permissions.ORGANIZATION, "org", ["GET"], ["GET", "POST", "PUT"], [*METHODS]),
        (permissions.MEMBERS, "member", ["GET"], ["GET", "POST", "PUT"], [*METHODS]),
        (permissions.MEMBER, "member", ["GET", "DELETE"], [*METHODS], [*METHODS]),
        (permissions.INVITATIONS, "member", [], [*METHODS], [*METHODS]),
        (permissions.API_KEYS, "org", [], [], [*METHODS]),
        (permissions.APPLICATIONS, "org", [], [], [*METHODS]),
        (permissions.AUDIT_LOG, "org", ["GET"], ["GET"], ["GET"]),
    ],
    ids=["organization", "members", "one member", "invitations", "API keys", "applications", "audit log"],
)
def test_the_map_says_which_scope_opens_which_method(
    permission: Permission, noun: str, read: list[str], write: list[str], admin: list[str]
) -> None:
    assert opened(permission, f"{noun}:read") == read
    assert opened(permission, f"{noun}:write") == write
    assert opened(permission, f"{noun}:admin") == admin
    assert opened(permission) == []
    assert opened(permission, "team:admin", "project:admin", "event:admin") == []


@pytest.mark.spec("original", "P06")
@pytest.mark.spec("original", "P07")
def test_any_one_of_the_listed_scopes_is_enough_and_no_other_one_is() -> None:
    assert permissions.ORGANIZATION.needs("GET") == frozenset({READ, WRITE, ADMIN})
    assert permissions.ORGANIZATION.allows("GET", frozenset({WRITE}))
    assert not permissions.ORGANIZATION.allows("GET", frozenset({"team:read"}))
    assert not permissions.ORGANIZATION.allows("GET", frozenset())


def test_reading_the_head_is_reading_and_a_partial_change_is_a_change() -> None:
    assert permissions.ORGANIZATION.needs("HEAD") == permissions.ORGANIZATION.needs("GET")
    assert permissions.ORGANIZATION.needs("PATCH") == permissions.ORGANIZATION.needs("PUT")


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "get", ""])
def test_a_method_that_is_not_in_the_map_is_opened_by_nothing(method: str) -> None:
    assert not permissions.ORGANIZATION.allows(method, EVERYTHING)
    assert not permissions.AUDIT_LOG.allows("DELETE", EVERYTHING)


def test_the_first_gate_asks_every_credential_and_no_session() -> None:
    assert held_by(PERSON) is None
    assert held_by(OPERATOR) is None
    assert held_by(token(READ)) == frozenset({READ})
    assert held_by(personal(READ)) == frozenset({READ})
    assert held_by(key(READ)) == frozenset({READ})
    assert held_by(machine(READ)) == frozenset({READ})
    assert held_by(SYSTEM) == EVERYTHING


@pytest.mark.spec("original", "P01")
@pytest.mark.spec("original", "P18")
def test_whoever_does_not_belong_to_an_organization_is_told_that_there_is_none() -> None:
    for caller in (PERSON, token(*EVERYTHING), personal(*EVERYTHING)):
        assert at(caller) is None


def test_an_application_that_calls_for_itself_has_business_in_no_organization() -> None:
    assert at(machine(*EVERYTHING)) is None
    assert at(machine(*EVERYTHING), "owner") is None


@pytest.mark.spec("original", "P02")
def test_an_operator_in_his_session_may_do_everything_everywhere() -> None:
    assert at(OPERATOR) == EVERYTHING
    assert at(OPERATOR, "member") == EVERYTHING


@pytest.mark.spec("original", "P03")
@pytest.mark.spec("original", "P18")
def test_a_session_has_what_its_role_allows() -> None:
    held = at(PERSON, "member")
    assert held == ROLES.scopes_of("member")
    assert opened(permissions.ORGANIZATION, *held) == ["GET"]
    assert at(PERSON, "owner") == EVERYTHING


def test_a_member_whose_role_has_left_the_settings_is_a_member_who_may_do_nothing() -> None:
    assert at(PERSON, "member of the board") == frozenset()
    assert at(token(READ), "member of the board") == frozenset()


@pytest.mark.spec("original", "BUG 20")
@pytest.mark.parametrize("carry", [token, personal], ids=["of an application", "personal"])
def test_bug_20_a_token_is_cut_down_to_what_its_person_may_do(carry: Callable[..., Caller]) -> None:
    wide = carry(READ, WRITE, ADMIN, "project:write")
    assert at(wide, "member") == frozenset({READ})
    assert at(wide, "manager") == frozenset({READ, WRITE, "project:write"})
    assert at(wide, "owner") == frozenset({READ, WRITE, ADMIN, "project:write"})
    assert at(carry(READ), "owner") == frozenset({READ})


@pytest.mark.spec("original", "P04")
@pytest.mark.spec("original", "P05")
@pytest.mark.spec("original", "P08")
def test_a_key_has_its_scopes_in_its_own_organization_and_nothing_anywhere_else() -> None:
    assert at(key(READ)) == frozenset({READ})
    assert at(key(READ), organization=ELSEWHERE) is None
    assert opened(permissions.ORGANIZATION, READ) == ["GET"]


def test_the_system_key_may_do_everything_everywhere() -> None:
    assert at(SYSTEM) == EVERYTHING
    assert at(SYSTEM, organization=ELSEWHERE) == EVERYTHING
