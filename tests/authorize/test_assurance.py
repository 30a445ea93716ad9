"""What a request demands of a sign-in: who is asked to sign in again, who is refused, and what the answer is called."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.protocol.acr import PASSWORD, Assurance, AssuranceLevel
from app.protocol.authorize import checklist, request
from app.protocol.authorize.decide import Ask, Back, Grantable, Known, Verdict, decide
from app.protocol.authorize.interaction import Situation
from app.protocol.authorize.subject import Subject
from app.protocol.errors import OAuthError
from app.protocol.facts import RecordFact
from app.protocol.openid_settings import OpenIdSettings
from app.protocol.params import Parameters
from app.protocol.policy import ApplicationPolicy, ServerPolicy, effective
from app.protocol.scopes import BUILTIN, ScopeDefinition, ScopeRegistry
from app.protocol.trace import Trace
from tests.support.facts import CHALLENGE, ISSUER, NOW, RECORD, REDIRECT_URI, client, session

FRESH = "urn:example:fresh"
PWD = frozenset({"pwd"})
LEVELS = Assurance((AssuranceLevel(FRESH, PWD, timedelta(minutes=5)), AssuranceLevel(PASSWORD, PWD)))
REGISTRY = ScopeRegistry([*BUILTIN, ScopeDefinition("read"), ScopeDefinition("pay", acr=FRESH)])
PAIRS = ("openid", "read", "pay")
HELD = RecordFact(id=RECORD, version=1, pairs=PAIRS, since=(1,) * len(PAIRS))
RECENT, OLD = timedelta(minutes=1), timedelta(hours=1)


def known(scope: str = "openid", *, ago: timedelta = OLD, just_now: bool = False, **changes: str) -> Known:
    """A request of somebody who signed in a while ago, or, `just_now`, for this very request."""
    members = {
        "response_type": "code",
        "client_id": "client",
        "redirect_uri": REDIRECT_URI,
        "scope": scope,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    return Known(
        now=NOW,
        policy=ServerPolicy(issuer=ISSUER, assurance=LEVELS),
        registry=REGISTRY,
        params=Parameters.of(members.items()),
        client=client(),
        session=session(auth_time=NOW - ago, amr=("pwd",)),
        record=HELD,
        login_at=NOW if just_now else None,
        prompts=request.PROMPTS,
    )


def verdict(scope: str = "openid", **how: Any) -> Verdict:
    return decide(known(scope, **how), Trace())


def outcome(scope: str = "openid", **how: Any) -> str:
    """Return what a decision comes to: the acr of what is granted, the page, or the error."""
    match verdict(scope, **how):
        case Grantable(acr=acr):
            return acr
        case Ask(asked=asked):
            return asked.prompt
        case Back(error=error):
            return error.code.wire


def essential(*names: str) -> str:
    return json.dumps({"id_token": {"acr": {"essential": True, "values": names}}})


@pytest.mark.spec("standards", "OC-11")
@pytest.mark.spec("standards", "UA-2")
@pytest.mark.parametrize(
    ("how", "came_to"),
    [
        ({"ago": RECENT, "claims": essential(FRESH)}, FRESH),
        ({"claims": essential(FRESH)}, "login"),
        ({"just_now": True, "claims": essential(FRESH)}, FRESH),
        ({"claims": essential(FRESH), "prompt": "none"}, "unmet_authentication_requirements"),
        ({"ago": RECENT, "claims": essential(FRESH), "prompt": "none"}, FRESH),
        ({"claims": essential("urn:gold")}, "unmet_authentication_requirements"),
        ({"claims": essential("urn:gold", PASSWORD)}, PASSWORD),
        ({"ago": RECENT, "claims": essential(PASSWORD)}, PASSWORD),
    ],
    ids=[
        *("reached", "too_long_ago", "signed_in_for_it", "silent_and_unmet", "silent_and_reached"),
        *("unknown_here", "one_of_two", "the_weaker_one_though_more_is_reached"),
    ],
)
def test_an_essential_level_is_reached_signed_in_for_or_refused(how: dict[str, Any], came_to: str) -> None:
    assert outcome(**how) == came_to


@pytest.mark.spec("standards", "OC-10")
@pytest.mark.spec("standards", "UA-2")
@pytest.mark.parametrize(
    ("how", "came_to"),
    [
        ({"acr_values": FRESH}, "login"),
        ({"acr_values": FRESH, "just_now": True}, FRESH),
        ({"acr_values": f"{FRESH} {PASSWORD}"}, PASSWORD),
        ({"acr_values": f"{PASSWORD} {FRESH}", "ago": RECENT}, PASSWORD),
        ({"acr_values": FRESH, "prompt": "none"}, PASSWORD),
        ({"acr_values": "urn:gold urn:silver"}, PASSWORD),
        ({"acr_values": f"urn:gold {FRESH}"}, "login"),
        ({}, PASSWORD),
    ],
    ids=[
        *("signs_in_for_it", "once", "one_of_them_is_reached", "the_first_that_is_reached", "silent"),
        *("none_known_here", "one_known_here", "none_asked"),
    ],
)
def test_a_preferred_level_is_signed_in_for_and_never_an_error(how: dict[str, Any], came_to: str) -> None:
    assert outcome(**how) == came_to


@pytest.mark.spec("standards", "OC-11")
@pytest.mark.spec("standards", "UA-2")
@pytest.mark.parametrize(
    ("how", "came_to"),
    [
        ({"acr_values": FRESH}, "login"),
        ({"acr_values": FRESH, "just_now": True}, FRESH),
        ({"acr_values": FRESH, "prompt": "none"}, "unmet_authentication_requirements"),
        ({"acr_values": "urn:gold"}, "unmet_authentication_requirements"),
        ({"acr_values": f"urn:gold {PASSWORD}"}, PASSWORD),
    ],
    ids=["too_long_ago", "signed_in_for_it", "silent", "unknown_here", "one_known_here"],
)
def test_in_a_request_that_signs_nobody_in_the_levels_are_required(how: dict[str, Any], came_to: str) -> None:
    assert outcome("read", **how) == came_to


@pytest.mark.spec("standards", "UA-2")
@pytest.mark.parametrize(
    ("how", "came_to"),
    [
        ({}, "login"),
        ({"ago": RECENT}, FRESH),
        ({"just_now": True}, FRESH),
        ({"prompt": "none"}, "login_required"),
        ({"ago": RECENT, "acr_values": PASSWORD}, FRESH),
        ({"ago": RECENT, "claims": essential(PASSWORD)}, "unmet_authentication_requirements"),
    ],
    ids=[
        *("too_long_ago", "recent", "signed_in_for_it", "silent", "the_permission_outweighs_a_preference"),
        "less_is_demanded_than_the_permission_needs",
    ],
)
def test_a_permission_that_needs_a_level_is_given_after_such_a_sign_in_alone(how: dict[str, Any], came_to: str) -> None:
    assert outcome("openid pay", **how) == came_to


def test_a_sign_in_that_cannot_reach_what_is_demanded_is_not_asked_for_twice() -> None:
    weak = replace(known(claims=essential(FRESH), just_now=True), session=session(amr=("other",)))
    refused = decide(weak, Trace())
    assert isinstance(refused, Back)
    assert refused.error.code.wire == "unmet_authentication_requirements"
    [for_pay, preferred] = (
        decide(replace(weak, params=known(scope, acr_values=FRESH).params), Trace())
        for scope in ("openid pay", "openid")
    )
    assert isinstance(for_pay, Back)
    assert isinstance(preferred, Grantable)
    assert preferred.acr == ""


def test_nobody_is_worth_nothing() -> None:
    granted = verdict(ago=RECENT)
    assert isinstance(granted, Grantable)
    nobody = Situation(NOW, client(), granted.accepted, REDIRECT_URI, None, None)
    assert nobody.acr is None
    assert not nobody.is_worth()


@pytest.mark.spec("standards", "OC-10")
def test_what_an_application_has_registered_as_preferred_is_no_demand() -> None:
    registered = client(openid=OpenIdSettings(default_acr_values=("urn:gold",)))
    assert isinstance(decide(replace(known("read"), client=registered), Trace()), Grantable)


@pytest.mark.spec("standards", "UA-2")
def test_devices_and_phones_ask_for_permissions_and_not_for_levels() -> None:
    subject = Subject(
        client=client(),
        policy=effective(ServerPolicy(issuer=ISSUER, assurance=LEVELS), ApplicationPolicy(), confidential=True),
        registry=REGISTRY,
        params=Parameters.of((("scope", "pay"), ("acr_values", "urn:gold"))),
    )
    assert checklist.run_at("device", subject, Trace()).scopes == ("pay",)
    assert replace(subject, where="device").required.of_scopes == (FRESH,)
    with pytest.raises(OAuthError, match="an acr is demanded"):
        checklist.run_at("authorize", replace(subject, params=_whole(subject.params)), Trace())


def _whole(params: Parameters) -> Parameters:
    return Parameters.of([*known("pay").params.without("scope").pairs(), *params.pairs()])
