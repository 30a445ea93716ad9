"""What an owner may say about his application, and what follows from it."""

from typing import Any
from uuid import UUID

import pytest

from app.protocol.client_metadata import read
from app.protocol.policy import ApplicationPolicy
from app.protocol.scopes import ScopeDefinition, ScopeRegistry
from app.services import application_settings, applications
from app.services.application_history import difference
from app.services.application_settings import Unacceptable, describe, describe_anew, read_settings
from app.services.applications import Owner
from app.store.applications import Description
from tests.support.own_applications import CALLBACK, SCOPES


def changed(existing: Description, **members: Any) -> Description:
    """Change members of an application."""
    return describe_anew(existing, read_settings(members), SCOPES)


def declared(policy: ApplicationPolicy | None = None, **members: Any) -> Description:
    """Return an application as a data file describes it."""
    document = {"redirect_uris": [CALLBACK], "client_name": "Diary", **members}
    return applications.describe(
        read(document, SCOPES), policy or ApplicationPolicy(), further={"profile": "legacy"}, allowed_origins=("*",)
    )


def problems(*attempt: Any, **members: Any) -> dict[str, str]:
    """Return what is wrong with a change, by member."""
    with pytest.raises(Unacceptable) as refused:
        changed(*attempt, **members)
    return {problem.field: problem.detail for problem in refused.value.problems}


def test_a_new_application_has_defaults_that_can_be_finished_later() -> None:
    made = describe(read_settings({"client_name": "Diary"}), SCOPES, Owner())
    assert (made.kind, made.redirect_uris, made.grant_types) == ("web", (), ("authorization_code", "refresh_token"))
    assert (made.scopes, made.response_types, made.auth_method) == (None, ("code",), "client_secret_basic")
    finished = changed(made, redirect_uris=[CALLBACK])
    assert (finished.redirect_uris, finished.kind) == ((CALLBACK,), "web")


def test_every_problem_is_told_with_its_member() -> None:
    with pytest.raises(Unacceptable) as refused:
        read_settings({"client_name": "", "tos_uri": "x", "redirect_uris": [CALLBACK, "/"], "status": "active"})
    assert {one.field for one in refused.value.problems} == {"client_name", "tos_uri", "redirect_uris.1", "status"}


def test_what_does_not_fit_together_names_a_member_that_the_owner_knows() -> None:
    web = declared()
    assert (
        "application_type must be native"
        in problems(web, application_type="web", redirect_uris=["com.example.app:/cb"])["redirect_uris"]
    )
    public = describe(read_settings({"token_endpoint_auth_method": "none"}), SCOPES, Owner())
    assert (
        "another application"
        in problems(public, token_endpoint_auth_method="client_secret_post")["token_endpoint_auth_method"]
    )


def test_the_response_types_follow_the_grant_types() -> None:
    machine = changed(declared(), grant_types=[], redirect_uris=[])
    assert (machine.response_types, machine.kind) == ((), "machine")
    assert changed(machine, grant_types=["authorization_code"]).response_types == ("code",)


def test_members_that_owners_cannot_set_survive_a_change() -> None:
    before = declared(ApplicationPolicy(require_pkce=False), contacts=["ada@example.org"], **{"client_name#de": "Heft"})
    after = changed(before, client_name="Log", client_uri="https://diary.example")
    assert after.policy == before.policy
    for name in ("contacts", "client_name#de", "profile"):
        assert after.registration[name] == before.registration[name]
    assert (after.registration["client_name"], after.client_uri) == ("Log", "https://diary.example")
    assert after.allowed_origins == ("*",)


def test_scopes_are_those_of_the_registry_or_what_it_has_already() -> None:
    gone = ScopeRegistry([*SCOPES, ScopeDefinition("old:read", "See old things")])
    before = applications.describe(
        read({"redirect_uris": [CALLBACK], "scope": "old:read org:read"}, gone), ApplicationPolicy()
    )
    assert changed(before, client_name="Log").scopes == ("old:read", "org:read")
    narrowed = changed(before, scopes=["old:read"])
    assert (narrowed.scopes, narrowed.registration["scope"]) == (("old:read",), "old:read")
    assert "is unknown here" in problems(before, scopes=["older:read"])["scopes"]
    assert "add it there" in problems(before, optional_scopes=["event:read"])["optional_scopes"]
    unlimited = changed(before, scopes=None, optional_scopes=["event:read"])
    assert (unlimited.scopes, "scope" in unlimited.registration) == (None, False)


def test_a_change_of_nothing_changes_nothing() -> None:
    for before in (declared(), describe(read_settings({"client_name": "Diary"}), SCOPES, Owner())):
        assert changed(before) == before


def test_the_difference_is_of_the_changed_members_alone() -> None:
    before = declared()
    assert difference(before, changed(before, client_name="Log", tos_uri=CALLBACK)) == {
        "before": {"client_name": "Diary"},
        "after": {"client_name": "Log", "tos_uri": CALLBACK},
    }


def test_it_changes_hands_whole() -> None:
    organization = Owner(None, "Northquay", UUID(int=7))
    given = application_settings.belonging_to(organization, declared())
    assert (given.owner_user_id, given.owner_organization_id, given.owner_name) == (
        None,
        organization.organization_id,
        "Northquay",
    )
