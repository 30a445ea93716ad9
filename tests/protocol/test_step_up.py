"""What of a token counts only after its person has signed in again (RFC 9470)."""

from datetime import timedelta

import pytest

from app.protocol import permissions, step_up
from app.protocol.acr import PASSWORD, Assurance, AssuranceLevel
from app.protocol.callers import TokenCaller
from app.protocol.claim_values import Claim
from app.protocol.claims import ClaimsRegistry
from app.protocol.claims_request import ClaimsRequest
from app.protocol.errors import ErrorCode
from app.protocol.facts import Authentication
from app.protocol.roles import Roles
from app.protocol.scopes import ScopeDefinition, ScopeRegistry
from tests.support import facts
from tests.support.facts import NOW

FRESH = "urn:example:fresh"
PWD = frozenset({"pwd"})
LEVELS = Assurance((AssuranceLevel(FRESH, PWD, timedelta(minutes=5)), AssuranceLevel(PASSWORD, PWD)))
REGISTRY = ScopeRegistry(
    (ScopeDefinition("org:admin", acr=FRESH), ScopeDefinition("org:write", acr=PASSWORD), ScopeDefinition("org:read"))
)
CLAIMS = ClaimsRegistry(
    (
        Claim("badge", ("org:admin",), ""),
        Claim("desk", ("org:admin", "org:write"), ""),
        Claim("floor", ("org:admin", "org:read"), ""),
        Claim("free", (), ""),
    )
)
HELD = ("org:read", "org:admin", "org:write", "org:gone")


def waiting(acr: str, ago: timedelta) -> tuple[str, ...]:
    return step_up.waiting(facts.access_token(acr=acr, auth_time=NOW - ago), HELD, REGISTRY, LEVELS, NOW)


@pytest.mark.spec("standards", "UA-1")
def test_a_scope_that_needs_a_level_waits_until_the_sign_in_reaches_it() -> None:
    assert waiting(FRESH, timedelta(minutes=1)) == ()
    assert waiting(FRESH, timedelta(minutes=6)) == ("org:admin",)
    assert waiting("", timedelta(minutes=1)) == ("org:admin", "org:write")
    assert REGISTRY.levels(HELD) == (FRESH, PASSWORD)


@pytest.mark.spec("standards", "UA-1")
@pytest.mark.parametrize(
    ("scope", "attributes"),
    [
        ("org:admin", f', acr_values="{FRESH}", max_age="300"'),
        ("org:write", f', acr_values="{PASSWORD}"'),
        ("org:read", ""),
    ],
    ids=["recent", "any_age", "a_level_that_is_gone"],
)
def test_the_challenge_says_what_to_ask_for(scope: str, attributes: str) -> None:
    refused = step_up.challenge(scope, REGISTRY, LEVELS, "DPoP")
    assert refused.code is ErrorCode.INSUFFICIENT_USER_AUTHENTICATION
    assert refused.code.status == 401
    said = refused.challenge_for("https://id.example")
    assert said.startswith('DPoP realm="https://id.example", error="insufficient_user_authentication", ')
    assert f'needs another sign-in, or a recent one"{attributes}, algs=' in said


def test_what_waits_opens_nothing_yet() -> None:
    caller = TokenCaller(facts.access_token(), ("org:read", "org:admin"), ("org:admin",))
    roles = Roles({"owner": frozenset({"org:read", "org:admin"})})
    assert permissions.held_by(caller) == frozenset({"org:read"})
    assert permissions.scopes_at(caller, facts.ORGANIZATION, "owner", roles=roles, registry=REGISTRY) == frozenset(
        {"org:read"}
    )


@pytest.mark.spec("standards", "UA-2")
@pytest.mark.parametrize(
    ("name", "held", "guards"),
    [
        ("badge", (), ("org:admin",)),
        ("badge", ("org:read",), ("org:admin",)),
        ("desk", (), ("org:admin", "org:write")),
        ("desk", ("org:write",), ("org:write",)),
        ("floor", (), ()),
        ("floor", ("org:admin",), ("org:admin",)),
        ("free", (), ()),
        ("unknown", (), ()),
    ],
)
def test_a_claim_needs_what_the_scopes_need_that_it_could_come_by(
    name: str, held: tuple[str, ...], guards: tuple[str, ...]
) -> None:
    assert step_up.guards((name,), held, CLAIMS, REGISTRY) == guards


def test_what_the_sign_in_is_too_old_for_is_told_in_no_new_id_token() -> None:
    asked = ClaimsRequest(id_token=("badge", "desk", "free"), userinfo=("badge",))

    def told(ago: timedelta) -> ClaimsRequest:
        return step_up.still_told(asked, (), Authentication(NOW - ago, FRESH), CLAIMS, REGISTRY, LEVELS, NOW)

    assert told(timedelta(minutes=1)) == asked
    assert told(timedelta(minutes=6)) == ClaimsRequest(id_token=("free",), userinfo=("badge",))
