"""What a client says when it asks for a person elsewhere, judged without a server (CIBA §7.1)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.protocol.authorize.backchannel import Asked, Hint, admit, read
from app.protocol.authorize.checklist import run_at
from app.protocol.authorize.subject import Subject
from app.protocol.detail_types import DetailType
from app.protocol.details import DetailTypes
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact
from app.protocol.grant_types import ciba
from app.protocol.params import Parameters
from app.protocol.policy import ApplicationPolicy, ServerPolicy, effective
from app.protocol.request_settings import RequestSettings
from app.protocol.scopes import ScopeDefinition, ScopeRegistry
from app.protocol.trace import Trace
from tests.support import facts
from tests.support.facts import ISSUER, REGISTRY

SERVER = ServerPolicy(issuer=ISSUER)
TOKEN = "x" * 22
PAYMENT = DetailType("payment", "Make a payment")
MESSAGE = {"login_hint": "robin", "binding_message": "4711"}


def asking(**changes: Any) -> ClientFact:
    """A client that may ask people, changed by keyword; those that begin with `object` or `ciba` are its requests."""
    requests = {name: changes.pop(name) for name in list(changes) if name.startswith(("ciba_", "object_"))}
    grants = frozenset({ciba.NAME})
    return facts.client(
        **{"grant_types": grants, "requests": RequestSettings(**{"ciba_mode": "poll", **requests})} | changes
    )


def subject_of(client: ClientFact, params: dict[str, str]) -> Subject:
    policy = effective(SERVER, client.policy, confidential=client.confidential)
    return Subject(client, policy, REGISTRY, Parameters.of(params.items()), detail_types=DetailTypes([PAYMENT]))


def judged(client: ClientFact, params: dict[str, str], *, trace: Trace | None = None) -> Asked:
    return read(subject_of(client, params), SERVER, trace or Trace())


def refusal(client: ClientFact, params: dict[str, str], **how: Any) -> ErrorCode:
    with pytest.raises(OAuthError) as refused:
        judged(client, params, **how)
    return refused.value.code


@pytest.mark.spec("standards", "CB-3")
def test_who_is_asked_elsewhere_is_asked_to_sign_in() -> None:
    with pytest.raises(OAuthError) as refused:
        run_at("ciba", subject_of(asking(), {"scope": "a"}), Trace())
    assert refused.value.code is ErrorCode.INVALID_SCOPE
    assert "openid" in refused.value.description


@pytest.mark.spec("standards", "CB-3")
def test_a_request_says_whom_it_means_and_how_he_is_asked() -> None:
    asked = judged(asking(), {**MESSAGE, "acr_values": "gold silver", "requested_expiry": "60"})
    assert asked.hint == Hint("login_hint", "robin")
    assert (asked.acr_values, asked.binding_message) == (("gold", "silver"), "4711")
    assert (asked.lifetime, asked.notification_token) == (timedelta(seconds=60), "")
    assert "robin" not in repr(asked)


@pytest.mark.spec("standards", "CB-3")
def test_one_that_says_little_waits_as_long_as_the_server_lets_it() -> None:
    asked = judged(asking(), {"login_hint": "robin"})
    assert (asked.acr_values, asked.binding_message, asked.lifetime) == ((), "", timedelta(minutes=5))


@pytest.mark.parametrize("name", ["login_hint", "id_token_hint", "login_hint_token"])
@pytest.mark.spec("standards", "CB-3")
def test_exactly_one_hint_says_who_is_meant(name: str) -> None:
    assert judged(asking(), {name: "x"}).hint == Hint(name, "x")  # type: ignore[arg-type]
    others = {"login_hint", "id_token_hint", "login_hint_token"} - {name}
    for other in others:
        assert refusal(asking(), {name: "x", other: "y"}) is ErrorCode.INVALID_REQUEST
    assert refusal(asking(), {}) is ErrorCode.INVALID_REQUEST


@pytest.mark.spec("standards", "CB-3")
@pytest.mark.spec("standards", "CB-6")
def test_a_name_that_is_too_long_is_nobodys() -> None:
    assert judged(asking(), {"login_hint": "x" * 300}).hint.text == "x" * 300
    assert refusal(asking(), {"login_hint": "x" * 301}) is ErrorCode.UNKNOWN_USER_ID


@pytest.mark.parametrize(
    ("token", "fits"),
    [
        pytest.param(TOKEN, True, id="128 bits"),
        pytest.param("AZaz09-._~+/" * 2 + "==", True, id="every character"),
        pytest.param("x" * 1024, True, id="the longest"),
        pytest.param("x" * 21, False, id="too short"),
        pytest.param("x" * 1025, False, id="too long"),
        pytest.param("x" * 22 + "=x", False, id="sign of the end before it"),
        pytest.param("ä" * 22, False, id="not ASCII"),
        pytest.param("x" * 22 + "\n", False, id="line break"),
    ],
)
@pytest.mark.spec("standards", "CB-3")
def test_who_wants_to_be_pinged_sends_a_token_that_nobody_guesses(token: str, fits: bool) -> None:
    pinged, params = asking(ciba_mode="ping"), {"login_hint": "robin", "client_notification_token": token}
    if fits:
        assert judged(pinged, params).notification_token == token
    else:
        assert refusal(pinged, params) is ErrorCode.INVALID_REQUEST
    assert refusal(pinged, {"login_hint": "robin"}) is ErrorCode.INVALID_REQUEST
    assert judged(asking(), params).notification_token == ""


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        pytest.param("W4SCT", True, id="code"),
        pytest.param("Überweisung 47,11 €", True, id="other letters"),
        pytest.param("x" * 100, True, id="the longest"),
        pytest.param("x" * 101, False, id="too long"),
        pytest.param("a\nb", False, id="two lines"),
        pytest.param("a\tb", False, id="tab"),
        pytest.param("a\u202eb", False, id="turned around"),
        pytest.param("a\u200bb", False, id="invisible"),
        pytest.param("   ", False, id="nothing but space"),
        pytest.param("\u3164\u3164", False, id="letters that nobody sees"),
        pytest.param("pay\U000e010020", False, id="selector"),
        pytest.param("a" + "\u0301" * 4, False, id="marks into other lines"),
        pytest.param("ชื่อ ✔\ufe0f", True, id="marks and an emoji"),
    ],
)
@pytest.mark.spec("standards", "CB-11")
def test_a_binding_message_is_short_and_every_character_is_seen(text: str, fits: bool) -> None:
    params = {"login_hint": "robin", "binding_message": text}
    if fits:
        assert judged(asking(), params).binding_message == text
    else:
        assert refusal(asking(), params) is ErrorCode.INVALID_BINDING_MESSAGE


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "soon", "1 ", "9" * 11, "٣"])
@pytest.mark.spec("standards", "CB-3")
def test_a_wish_that_is_no_number_of_seconds(text: str) -> None:
    assert refusal(asking(), {"login_hint": "robin", "requested_expiry": text}) is ErrorCode.INVALID_REQUEST


@pytest.mark.parametrize(
    ("client", "signs"),
    [
        pytest.param(asking(), False, id="nobody demands it"),
        pytest.param(asking(ciba_alg="ES256"), True, id="it registered an algorithm"),
        pytest.param(asking(object_required=True), True, id="it signs all its requests"),
        pytest.param(asking(policy=ApplicationPolicy(signs_messages=True)), True, id="it signs messages"),
        pytest.param(asking(policy=ApplicationPolicy(fapi=True)), True, id="it is held to FAPI"),
    ],
)
@pytest.mark.spec("standards", "CB-4")
@pytest.mark.spec("standards", "FM-1")
def test_who_has_to_sign(client: ClientFact, signs: bool) -> None:
    asked = subject_of(client, {**MESSAGE, "scope": "openid"})
    plain = replace(asked, registry=ScopeRegistry((ScopeDefinition("openid"),)))
    run_at("ciba", replace(plain, signed=True), Trace())
    if not signs:
        run_at("ciba", plain, Trace())
        return
    with pytest.raises(OAuthError, match="has to sign its requests") as refused:
        run_at("ciba", plain, Trace())
    assert refused.value.code is ErrorCode.INVALID_REQUEST


@pytest.mark.spec("standards", "CB-11")
def test_with_a_profile_of_fapi_the_person_is_told_what_it_is_about() -> None:
    """FAPI-CIBA §5.2.2: by the message, or by details that say it."""
    strict = asking(policy=ApplicationPolicy(fapi=True))
    bare = {"login_hint": "robin"}
    assert refusal(strict, bare) is ErrorCode.INVALID_BINDING_MESSAGE
    assert refusal(strict, {**bare, "authorization_details": "[]"}) is ErrorCode.INVALID_BINDING_MESSAGE
    assert judged(strict, {**bare, "authorization_details": '[{"type": "payment"}]'}).binding_message == ""


@pytest.mark.parametrize(
    ("client", "failed"),
    [
        pytest.param(asking(auth_method="none"), "confidential", id="public"),
        pytest.param(asking(grant_types=frozenset()), "grant type", id="not registered for it"),
        pytest.param(asking(ciba_mode="push"), "delivery mode", id="push"),
        pytest.param(asking(ciba_mode=""), "delivery mode", id="no delivery mode"),
    ],
)
@pytest.mark.spec("standards", "CB-1")
@pytest.mark.spec("standards", "CB-9")
def test_who_may_not_ask_at_all(client: ClientFact, failed: str) -> None:
    trace = Trace()
    with pytest.raises(OAuthError) as refused:
        admit(client, trace)
    assert refused.value.code is ErrorCode.UNAUTHORIZED_CLIENT
    assert [step.check for step in trace.steps if step.outcome == "refused"] == [failed]


def test_every_step_is_traced() -> None:
    trace = Trace()
    admit(asking(), trace)
    judged(asking(), MESSAGE, trace=trace)
    checks = ("confidential", "grant type", "delivery mode", "hint", "binding message")
    assert [step.check for step in trace.steps] == [*checks, "notification token", "requested_expiry"]
    assert {step.outcome for step in trace.steps} == {"passed"}
