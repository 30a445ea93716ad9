"""Roles: what each allows, who may give which, and what a person's own tokens can hold."""

import pytest

from app.protocol.roles import DEFAULT, OWNER, Roles
from app.protocol.scopes import BUILTIN, ScopeDefinition, ScopeRegistry
from app.protocol.scopes import DEFAULT as DEFAULT_SCOPES

REGISTRY = ScopeRegistry(DEFAULT_SCOPES)
ROLES = Roles.chosen({}, REGISTRY)
EVENT = {"event:read", "event:write", "event:admin"}
PROJECT = {"project:read", "project:write", "project:admin", "project:releases"}
TEAM = {"team:read", "team:write", "team:admin"}
MEMBER = {"member:read", "member:write", "member:admin"}
ORG = {"org:read", "org:write", "org:admin"}


@pytest.mark.parametrize(
    ("role", "scopes"),
    [
        ("member", EVENT | {"project:releases", "project:read", "org:read", "member:read", "team:read"}),
        ("admin", EVENT | {"org:read", "member:read"} | PROJECT | TEAM),
        ("manager", EVENT | MEMBER | PROJECT | TEAM | {"org:read", "org:write"}),
        ("owner", EVENT | MEMBER | PROJECT | TEAM | ORG),
    ],
)
def test_the_default_roles_allow_what_those_of_the_original_allowed(role: str, scopes: set[str]) -> None:
    assert ROLES.scopes_of(role) == scopes


@pytest.mark.spec("original", "P18")
def test_the_owner_holds_all_sixteen_scopes_and_nobody_else_does() -> None:
    assert len(ROLES.scopes_of(OWNER)) == 16
    assert [name for name in ROLES.names if len(ROLES.scopes_of(name)) == 16] == [OWNER]
    assert ROLES.top.name == OWNER


@pytest.mark.spec("original", "P18")
@pytest.mark.parametrize("role", [None, "member of the board"])
def test_no_role_and_a_role_that_has_left_the_settings_allow_nothing(role: str | None) -> None:
    assert ROLES.scopes_of(role) == frozenset()
    assert role not in ROLES


def test_the_names_stand_from_the_weakest_to_the_strongest() -> None:
    assert ROLES.names == ("member", "admin", "manager", "owner")
    assert all(name in ROLES for name in ROLES.names)


@pytest.mark.parametrize(
    ("giver", "may_give"),
    [
        ("member", ["member"]),
        ("admin", ["member", "admin"]),
        ("manager", ["member", "admin", "manager"]),
        ("owner", ["member", "admin", "manager", "owner"]),
    ],
)
def test_nobody_gives_a_role_that_allows_more_than_his_own(giver: str, may_give: list[str]) -> None:
    held = ROLES.scopes_of(giver)
    assert [role for role in ROLES.names if ROLES.may_give(held, role)] == may_give


def test_a_role_that_has_left_the_settings_can_be_taken_away_by_anybody_who_manages_members() -> None:
    assert ROLES.may_give(ROLES.scopes_of("manager"), "member of the board")


def test_configured_roles_replace_the_default_ones() -> None:
    roles = Roles.chosen({"reader": ["org:read"], "keeper": ["org:read", "org:write"]}, REGISTRY)
    assert roles.names == ("reader", "keeper")
    assert roles.top.name == "keeper"
    assert roles.governed == {"org:read", "org:write"}


def test_of_two_roles_that_allow_the_same_most_the_last_one_is_the_top() -> None:
    roles = Roles({"founder": ["org:read"], "steward": ["org:read"]})
    assert roles.top.name == "steward"


@pytest.mark.parametrize("definitions", [{"a": ["org:read"], "b": ["team:read"]}, {}], ids=["side by side", "none"])
def test_roles_of_which_none_can_give_all_the_others_are_refused(definitions: dict[str, list[str]]) -> None:
    with pytest.raises(ValueError, match="one role must hold every scope of the others"):
        Roles(definitions)


def test_default_roles_have_only_scopes_that_the_registry_knows() -> None:
    registry = ScopeRegistry([ScopeDefinition("org:read"), ScopeDefinition("plan:read")])
    roles = Roles.chosen({}, registry)
    assert {name: set(roles.scopes_of(name)) for name in roles.names} == {
        **{name: {"org:read"} for name in DEFAULT},
        OWNER: {"org:read", "plan:read"},
    }


def test_the_scopes_of_openid_connect_are_no_organizations_to_give() -> None:
    roles = Roles.chosen({}, ScopeRegistry((*DEFAULT_SCOPES, *BUILTIN)))
    assert "openid" not in roles.governed
    assert roles.may_hold("openid", [])


@pytest.mark.spec("original", "BUG 20")
def test_bug_20_a_personal_token_holds_no_scope_that_no_role_of_its_person_allows() -> None:
    assert ROLES.allowed_to([]) == frozenset()
    assert not ROLES.may_hold("project:write", [])
    assert not ROLES.may_hold("project:write", ["member"])
    assert ROLES.may_hold("project:read", ["member"])
    assert ROLES.may_hold("project:write", ["member", "admin"])
    assert ROLES.allowed_to(["member", "admin"]) == ROLES.scopes_of("member") | ROLES.scopes_of("admin")


def test_a_scope_that_no_role_governs_is_anybodys() -> None:
    assert Roles({"reader": ["org:read"]}).may_hold("plan:read", [])
