"""The decision on an authorization request: page, error to the client, question to a person, or grant."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.authorize.answer import Released
from app.protocol.authorize.checklist import run_at
from app.protocol.authorize.decide import Ask, Back, Grantable, Known, Verdict, decide
from app.protocol.authorize.return_path import NoReturnPath
from app.protocol.authorize.subject import Subject
from app.protocol.facts import ClientFact, RecordFact, SessionFact
from app.protocol.params import Parameters
from app.protocol.policy import ApplicationPolicy, ServerPolicy, effective
from app.protocol.resources import Resource, ResourceRegistry
from app.protocol.trace import Trace
from tests.support.facts import CHALLENGE, ISSUER, NOW, RECORD, REDIRECT_URI, REGISTRY, client, session

GOOD = {
    "response_type": "code",
    "client_id": "client",
    "redirect_uri": REDIRECT_URI,
    "scope": "a b",
    "state": "xyz",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
HELD = RecordFact(id=RECORD, version=1, pairs=("a", "b"), since=(1, 1))


def known(
    *extra: tuple[str, str],
    who: ClientFact | None = client(),  # noqa: B008
    signed_in: SessionFact | None = session(),  # noqa: B008
    record: RecordFact | None = HELD,
    **changes: str | None,
) -> Known:
    merged = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return Known(
        now=NOW,
        policy=ServerPolicy(issuer=ISSUER),
        registry=REGISTRY,
        params=Parameters.of([*merged.items(), *extra]),
        client=who,
        session=signed_in,
        record=record,
    )


def verdict(*extra: tuple[str, str], **how: Any) -> Verdict:
    return decide(known(*extra, **how), Trace())


def error_of(outcome: Verdict) -> str:
    assert isinstance(outcome, Back)
    return outcome.error.code.wire


def prompt_of(outcome: Verdict) -> str:
    assert isinstance(outcome, Ask)
    return outcome.asked.prompt


def test_everything_allowed_before_is_granted_without_a_page() -> None:
    outcome = verdict()
    assert isinstance(outcome, Grantable)
    assert outcome.accepted.scopes == ("a", "b")


@pytest.mark.spec("standards", "A1.2 (1)")
@pytest.mark.spec("standards", "A1.2 (3)")
@pytest.mark.spec("standards", "A1.2 (4)")
@pytest.mark.spec("standards", "A1.3 client_id")
@pytest.mark.parametrize(
    ("how", "case"),
    [
        ({"client_id": None}, "client_unknown"),
        ({"who": None}, "client_unknown"),
        ({"who": client(unmet=("dpop_bound_access_tokens",))}, "client_unmet"),
        ({"redirect_uri": "https://client.example/other"}, "redirect_uri"),
        ({"redirect_uri": "not a uri"}, "redirect_uri"),
        ({"redirect_uri": None, "who": client(redirect_uris=(REDIRECT_URI, "https://b.example/cb"))}, "redirect_uri"),
        ({"redirect_uri": None, "who": client(redirect_uris=())}, "redirect_uri"),
        ({"redirect_uri": None, "who": client(redirect_uris=("http://b.example/cb",))}, "redirect_uri"),
        ({"response_mode": "form_post"}, "response_mode"),
        ({"response_mode": "web_message"}, "response_mode"),
        ({"response_mode": "query.jwt"}, "response_mode"),
    ],
)
def test_without_a_return_path_nothing_travels(how: dict[str, Any], case: str) -> None:
    with pytest.raises(NoReturnPath) as refused:
        verdict(**how)
    assert refused.value.case == case


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "response_mode"])
def test_what_leads_to_the_return_path_must_not_be_repeated(name: str) -> None:
    with pytest.raises(NoReturnPath):
        verdict((name, "x"), (name, "y"))


@pytest.mark.spec("standards", "A1.2 (5)")
@pytest.mark.spec("standards", "A1.2 (6)")
@pytest.mark.spec("standards", "A1.2 (7)")
@pytest.mark.spec("standards", "A1.3 response_type")
@pytest.mark.spec("standards", "A1.3 scope")
@pytest.mark.spec("standards", "P-2")
@pytest.mark.spec("standards", "P-3")
@pytest.mark.spec("standards", "SC-3")
@pytest.mark.parametrize(
    ("how", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"who": client(response_types=frozenset())}, "unauthorized_client"),
        ({"who": client(grant_types=frozenset({"refresh_token"}))}, "unauthorized_client"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"scope": "a nope"}, "invalid_scope"),
        ({"scope": 'a"b'}, "invalid_scope"),
        ({"who": client(scopes=frozenset({"a"}))}, "invalid_scope"),
        ({"resource": "https://api.example"}, "invalid_target"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "sometimes"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"state": "x" * 5000}, "invalid_request"),
        ({"prompt": "none", "signed_in": None}, "login_required"),
        ({"prompt": "none", "max_age": "0"}, "login_required"),
        ({"prompt": "none", "record": None}, "consent_required"),
        ({"prompt": "none", "scope": "a b c"}, "consent_required"),
    ],
)
def test_errors_travel_to_the_client(how: dict[str, Any], error: str) -> None:
    assert error_of(verdict(**how)) == error


def test_a_repeated_parameter_travels_as_invalid_request() -> None:
    assert error_of(verdict(("scope", "c"))) == "invalid_request"


def test_a_repeated_state_is_not_echoed() -> None:
    outcome = verdict(("state", "other"))
    assert isinstance(outcome, Back)
    assert "state" not in dict(parse_qsl(urlsplit(outcome.path.failure(outcome.error).location).query))


@pytest.mark.spec("standards", "SR-1")
@pytest.mark.spec("standards", "SR-2")
@pytest.mark.spec("standards", "A1.3 state")
def test_every_answer_carries_state_and_iss_and_keeps_the_query() -> None:
    outcome = verdict(
        who=client(redirect_uris=("https://client.example/cb?tenant=1",)),
        redirect_uri="https://client.example/cb?tenant=1",
        state='a&b="\\ä',
    )
    assert isinstance(outcome, Grantable)
    answer = outcome.path.success(Released(code="code")).location
    assert answer.startswith("https://client.example/cb?tenant=1&code=code&")
    assert dict(parse_qsl(urlsplit(answer).query)) == {
        "tenant": "1", "code": "code", "state": 'a&b="\\ä', "iss": ISSUER,
    }  # fmt: skip


@pytest.mark.spec("standards", "SR-1")
@pytest.mark.spec("standards", "SR-2")
def test_an_answer_has_no_state_that_was_not_sent_and_no_iss_that_is_switched_off() -> None:
    silent = replace(known(state=None), policy=ServerPolicy(issuer=ISSUER, issuer_in_answers=False))
    outcome = decide(silent, Trace())
    assert isinstance(outcome, Grantable)
    assert outcome.path.success(Released(code="code")).location == f"{REDIRECT_URI}?code=code"


@pytest.mark.spec("standards", "F-20")
def test_whoever_is_held_to_fapi_is_told_the_issuer_even_where_that_is_switched_off() -> None:
    held = replace(known(), policy=ServerPolicy(issuer=ISSUER, issuer_in_answers=False))
    held = replace(held, client=client(policy=ApplicationPolicy(fapi=True)))
    outcome = decide(held, Trace())
    assert isinstance(outcome, Back)
    assert outcome.path.failure(outcome.error).members["iss"] == ISSUER


@pytest.mark.spec("standards", "SR-4")
@pytest.mark.spec("standards", "RU-8")
def test_the_sole_registered_redirect_uri_need_not_be_named_and_the_code_remembers_that() -> None:
    outcome = verdict(redirect_uri=None)
    assert isinstance(outcome, Grantable)
    assert (outcome.path.uri, outcome.path.as_sent) == (REDIRECT_URI, None)


@pytest.mark.spec("standards", "P-2")
@pytest.mark.spec("standards", "O-1")
@pytest.mark.spec("standards", "NA-1")
@pytest.mark.spec("standards", "BB-1")
def test_a_confidential_application_may_be_exempted_from_pkce_and_a_public_one_may_not() -> None:
    exempt = ApplicationPolicy(require_pkce=False)
    no_challenge = {"code_challenge": None, "code_challenge_method": None}
    assert isinstance(verdict(who=client(policy=exempt), **no_challenge), Grantable)
    assert error_of(verdict(who=client(policy=exempt, auth_method="none"), **no_challenge)) == "invalid_request"


@pytest.mark.spec("standards", "A1-4")
@pytest.mark.spec("standards", "AR-7")
@pytest.mark.spec("standards", "CA-11")
@pytest.mark.spec("standards", "CS-3")
@pytest.mark.spec("standards", "CS-4")
@pytest.mark.spec("standards", "NA-2")
@pytest.mark.parametrize(
    ("how", "prompt"),
    [
        ({"signed_in": None}, "login"),
        ({"prompt": "login"}, "login"),
        ({"prompt": "login consent"}, "login"),
        ({"max_age": "0"}, "login"),
        ({"max_age": "60", "signed_in": session(auth_time=NOW - timedelta(seconds=61))}, "login"),
        ({"prompt": "consent"}, "consent"),
        ({"force_prompt": "0"}, "consent"),
        ({"record": None}, "consent"),
        ({"scope": None, "record": None}, "consent"),
        ({"scope": "b c"}, "consent"),
        ({"who": client(auth_method="none", redirect_uris=("http://127.0.0.1/cb",)),
          "redirect_uri": "http://127.0.0.1:9/cb"}, "consent"),
        ({"who": client(auth_method="none", redirect_uris=("com.example.app:/cb",)),
          "redirect_uri": "com.example.app:/cb"}, "consent"),
        ({"who": client(self_registered=True)}, "consent"),
    ],
)  # fmt: skip
def test_why_a_person_is_asked(how: dict[str, Any], prompt: str) -> None:
    assert prompt_of(verdict(**how)) == prompt


@pytest.mark.spec("standards", "AR-7")
@pytest.mark.parametrize(
    "how",
    [
        {"max_age": "60"},
        {"who": client(auth_method="none")},
        {"scope": "b"},
        {"scope": None},
        {"prompt": "none"},
        {"record": replace(HELD, pairs=("a", "b", "c"), since=(1, 1, 2), version=2)},
    ],
)
def test_why_nobody_is_asked(how: dict[str, Any]) -> None:
    assert isinstance(verdict(**how), Grantable)


def test_a_login_made_for_this_request_satisfies_prompt_login_and_max_age() -> None:
    for asked in (known(prompt="login"), known(max_age="0")):
        waiting = replace(asked, login_at=NOW)
        assert isinstance(decide(waiting, Trace()), Grantable)


def test_the_click_satisfies_consent_and_not_login() -> None:
    assert isinstance(decide(known(prompt="consent", scope="a b c"), Trace(), consent_given=True), Grantable)
    assert prompt_of(decide(known(signed_in=None), Trace(), consent_given=True)) == "login"


@pytest.mark.spec("standards", "A1.2 (8)")
@pytest.mark.spec("standards", "BC-16")
def test_an_error_of_a_self_registered_application_does_not_travel_by_itself() -> None:
    outcome = verdict(who=client(self_registered=True), scope="nope")
    assert isinstance(outcome, Back)
    assert not outcome.path.travels


def test_the_trace_tells_each_check_and_the_reason() -> None:
    trace = Trace()
    decide(known(scope="a b c"), trace)
    assert [step.check for step in trace.steps][:2] == ["return path", "parameters once"]
    assert trace.steps[-1].check == "ask for consent"
    assert trace.steps[-1].detail == "permissions are asked that were not given before"


_JUNK = st.text(max_size=40)


@given(st.dictionaries(st.sampled_from([*GOOD, "prompt", "max_age", "nonce", "resource", "request", "junk"]), _JUNK))
def test_any_values_end_in_a_page_an_error_a_question_or_a_grant(values: dict[str, str]) -> None:
    try:
        outcome = verdict(**values)
    except NoReturnPath:
        return
    assert isinstance(outcome, Ask | Back | Grantable)


@pytest.mark.spec("standards", "DP-13")
@pytest.mark.parametrize("announced", ["k" * 42, "k" * 44, "=" * 43])
def test_a_key_is_announced_by_its_thumbprint(announced: str) -> None:
    assert error_of(verdict(dpop_jkt=announced)) == "invalid_request"
    outcome = verdict(dpop_jkt="k" * 43)
    assert isinstance(outcome, Grantable)
    assert outcome.accepted.request.dpop_jkt == "k" * 43


@pytest.mark.spec("standards", "AR-2")
def test_what_is_approved_of_a_request_makes_pairs_at_its_resources() -> None:
    files = Resource("https://files.example", scopes=frozenset({"a"}))
    subject = Subject(
        client(),
        effective(ServerPolicy(issuer=ISSUER), ApplicationPolicy(), confidential=True),
        REGISTRY,
        Parameters.of([("scope", "a"), ("resource", files.identifier), ("prompt", "nothing that a device has")]),
        ResourceRegistry([files]),
    )
    wanted = run_at("device", subject, Trace())
    assert wanted.pairs == wanted.pairs_of(("a",)) == ("a https://files.example",)
