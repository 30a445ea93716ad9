"""OpenID requests: what each parameter changes in the decision, and what no parameter can spoil."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.protocol.authorize import checklist, request
from app.protocol.authorize.decide import Ask, Back, Grantable, Known, Verdict, decide
from app.protocol.authorize.return_path import NoReturnPath
from app.protocol.authorize.subject import Subject
from app.protocol.claims_request import ClaimsRequest
from app.protocol.facts import ClientFact, RecordFact, SessionFact
from app.protocol.features import FeatureSet
from app.protocol.openid_settings import OpenIdSettings
from app.protocol.params import Parameters
from app.protocol.policy import ApplicationPolicy, ServerPolicy, effective
from app.protocol.resources import Resource, ResourceRegistry
from app.protocol.scopes import BUILTIN, ScopeDefinition, ScopeRegistry
from app.protocol.trace import Trace
from tests.support.facts import CHALLENGE, ISSUER, NOW, RECORD, REDIRECT_URI, client, session

REGISTRY = ScopeRegistry([*BUILTIN, ScopeDefinition("a"), ScopeDefinition("b")])
EVERYTHING = ("openid", "profile", "email", "offline_access", "a", "b", "claim:phone_number")
HELD = RecordFact(id=RECORD, version=1, pairs=EVERYTHING, since=(1,) * len(EVERYTHING))
TYPES = ("code", "code id_token", "id_token", "none")
GOOD = {
    "response_type": "code",
    "client_id": "client",
    "redirect_uri": REDIRECT_URI,
    "scope": "openid",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def known(
    *extra: tuple[str, str],
    who: ClientFact = client(),  # noqa: B008
    signed_in: SessionFact | None = session(),  # noqa: B008
    record: RecordFact | None = HELD,
    registry: ScopeRegistry = REGISTRY,
    resources: ResourceRegistry = ResourceRegistry(),  # noqa: B008
    prompts: tuple[str, ...] = request.PROMPTS,
    **changes: str | None,
) -> Known:
    """A request of somebody who has allowed everything before; parameters are changed by keyword."""
    merged = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return Known(
        now=NOW,
        policy=ServerPolicy(issuer=ISSUER, response_types=TYPES),
        registry=registry,
        params=Parameters.of([*merged.items(), *extra]),
        client=who,
        session=signed_in,
        record=record,
        resources=resources,
        prompts=prompts,
    )


def verdict(*extra: tuple[str, str], **how: Any) -> Verdict:
    """Decide."""
    return decide(known(*extra, **how), Trace())


def granted(*extra: tuple[str, str], **how: Any) -> Grantable:
    """Return the grant that a request leads to without a page."""
    outcome = verdict(*extra, **how)
    assert isinstance(outcome, Grantable), outcome
    return outcome


def error_of(*extra: tuple[str, str], **how: Any) -> str:
    """Return the error that travels back."""
    outcome = verdict(*extra, **how)
    assert isinstance(outcome, Back), outcome
    return outcome.error.code.wire


def asked(**how: Any) -> tuple[str, str]:
    """Return the page that a request leads to, and why."""
    outcome = verdict(**how)
    assert isinstance(outcome, Ask), outcome
    return outcome.asked.prompt, outcome.asked.reason


def claims(**members: Any) -> str:
    """Return a `claims` parameter."""
    return json.dumps(members)


@pytest.mark.spec("standards", "A1.3 scope")
@pytest.mark.spec("standards", "SC-3")
def test_unknown_scopes_are_ignored_in_openid_requests_alone_and_told_in_the_trace() -> None:
    trace = Trace()
    outcome = decide(known(scope="x:y openid a later"), trace)
    assert isinstance(outcome, Grantable)
    assert outcome.accepted.scopes == outcome.accepted.pairs == ("openid", "a")
    assert [step.detail for step in trace.steps if step.check == "scope"] == ["ignored: x:y later"]
    assert error_of(scope="x:y a") == "invalid_scope"


def test_a_scope_that_the_application_may_not_ask_for_is_refused_there_too() -> None:
    assert error_of(scope="openid a", who=client(scopes=frozenset({"openid"}))) == "invalid_scope"


@pytest.mark.spec("standards", "A1.2 (3)")
@pytest.mark.spec("standards", "RU-8")
def test_an_openid_request_names_its_redirect_uri_even_if_there_is_only_one() -> None:
    with pytest.raises(NoReturnPath) as refused:
        verdict(redirect_uri=None)
    assert refused.value.case == "redirect_uri"
    assert granted(redirect_uri=None, scope="a").path.as_sent is None


@pytest.mark.spec("standards", "OC-1")
def test_without_the_scope_nothing_of_openid_comes_about() -> None:
    outcome = granted(scope="a", claims=claims(userinfo={"phone_number": None}), claims_locales="de")
    assert outcome.accepted.claims == ClaimsRequest()
    assert outcome.accepted.pairs == ("a",)
    assert granted(scope="a", claims="no json", redirect_uri=None).accepted.scopes == ("a",)


@pytest.mark.spec("standards", "OC-1")
def test_a_server_without_openid_connect_knows_neither_the_scope_nor_the_parameters() -> None:
    plain = ScopeRegistry([ScopeDefinition("a")])
    assert error_of(scope="openid a", registry=plain) == "invalid_scope"
    assert error_of(scope="openid", registry=plain, redirect_uri=None) == "invalid_scope"
    sent = Parameters.of([("registration", "{}"), ("id_token_hint", "x"), ("claims", "{"), ("prompt", "none")])
    assert request.understood(sent, FeatureSet()).pairs() == (("prompt", "none"),)
    no_claims = FeatureSet.chosen({"claims_parameter": False})
    assert {name for name, _ in request.understood(sent, no_claims).pairs()} == {
        "registration", "id_token_hint", "prompt",
    }  # fmt: skip
    assert request.understood(sent, FeatureSet.chosen({})) == sent


@pytest.mark.spec("standards", "A1.3 registration")
@pytest.mark.spec("standards", "OC-15")
@pytest.mark.parametrize(
    "how",
    [
        {"display": "page"},
        {"display": "holodeck"},
        {"ui_locales": "de-CH fr en"},
        {"ui_locales": "!"},
        {"claims_locales": "de-CH fr"},
        {"claims_locales": "!"},
        {"acr_values": "1 2"},
        {"login_hint": "nobody@example.com"},
        {"nonce": "n"},
    ],
    ids=str,
)
def test_what_is_only_a_wish_is_no_error(how: dict[str, str]) -> None:
    granted(**how)
    assert error_of(registration="{}", **how) == "registration_not_supported"


@pytest.mark.spec("standards", "OC-2")
@pytest.mark.spec("standards", "OC-3")
@pytest.mark.parametrize(
    "prompt", ["sometimes", "Login", "login sometimes", "none login", "none consent", "none select_account", "create"]
)
def test_prompts_that_are_unknown_or_contradict_each_other_are_refused(prompt: str) -> None:
    assert error_of(prompt=prompt) == "invalid_request"


@pytest.mark.spec("standards", "OC-2")
def test_people_are_sent_to_sign_up_only_where_they_can() -> None:
    known_there = request.prompts_of(FeatureSet.chosen({"sign_up": True}))
    assert known_there == (*request.PROMPTS, "create")
    assert request.prompts_of(FeatureSet.chosen({})) == request.PROMPTS
    for who in (None, session()):
        assert asked(prompt="create", prompts=known_there, signed_in=who)[0] == "create"
    assert error_of(prompt="none create", prompts=known_there) == "invalid_request"


@pytest.mark.spec("standards", "OC-8")
@pytest.mark.parametrize(
    ("registered", "sent", "old", "again"),
    [
        (None, "60", 61, True),
        (None, "60", 59, False),
        (None, "0", 0, True),
        (60, None, 61, True),
        (60, None, 59, False),
        (60, "120", 61, False),
        (120, "60", 61, True),
        (0, None, 0, True),
    ],
)
def test_a_login_that_is_too_old_is_made_again(registered: int | None, sent: str | None, old: int, again: bool) -> None:
    who = client(openid=OpenIdSettings(default_max_age=registered))
    how: dict[str, Any] = {"who": who, "max_age": sent, "signed_in": session(auth_time=NOW - timedelta(seconds=old))}
    if not again:
        granted(**how)
        return
    assert asked(**how) == ("login", "the login is older than max_age allows")
    assert error_of(prompt="none", **how) == "login_required"
    assert isinstance(decide(replace(known(**how), login_at=NOW), Trace()), Grantable)


@pytest.mark.spec("standards", "OC-8")
@pytest.mark.parametrize("sent", ["-1", "1.5", "soon", "1e3", "0x10", "9999999999"])
def test_a_max_age_is_a_whole_number_of_seconds(sent: str) -> None:
    assert error_of(max_age=sent) == "invalid_request"


@pytest.mark.spec("standards", "OC-10")
def test_preferred_kinds_of_sign_in_never_fail_and_the_application_may_have_registered_them() -> None:
    who = client(openid=OpenIdSettings(default_acr_values=("urn:assent:acr:password",)))
    assert granted(who=who).accepted.request.acr_values == ("urn:assent:acr:password",)
    assert granted(who=who, acr_values="2  1").accepted.request.acr_values == ("2", "1")
    granted(claims=claims(id_token={"acr": {"values": ["nowhere"]}}))
    for preferred, outcome in (("1 urn:assent:acr:password", "met"), ("1", "not met, and no reason to refuse")):
        trace = Trace()
        decide(known(acr_values=preferred), trace)
        assert [step.outcome for step in trace.steps if step.check == "acr_values"] == [outcome]


@pytest.mark.spec("standards", "OC-11")
def test_an_essential_acr_that_nobody_can_reach_here_is_refused_at_once() -> None:
    essential = claims(id_token={"acr": {"essential": True, "values": ["nowhere", "never"]}})
    for who in (None, session()):
        assert error_of(claims=essential, signed_in=who) == "unmet_authentication_requirements"
    assert error_of(claims=essential, prompt="none") == "unmet_authentication_requirements"


@pytest.mark.spec("standards", "OC-11")
def test_an_essential_acr_that_this_login_lacks_is_asked_for_once() -> None:
    how: dict[str, Any] = {
        "claims": claims(id_token={"acr": {"essential": True, "value": "urn:assent:acr:password"}}),
        "signed_in": session(amr=("hwk",)),
    }
    granted(**{**how, "signed_in": session()})
    assert asked(**how) == ("login", "the request demands another kind of sign-in")
    assert error_of(prompt="none", **how) == "unmet_authentication_requirements"
    again = decide(replace(known(**how), login_at=NOW), Trace())
    assert isinstance(again, Back)
    assert again.error.code.wire == "unmet_authentication_requirements"


@pytest.mark.spec("standards", "UI-6")
def test_a_claim_is_consented_to_once_whatever_the_languages_it_is_asked_for_in() -> None:
    names = [f"nickname#{language}" for language in ("de", "ja-Kana-JP", "x-1", "x-2")]
    held = replace(HELD, pairs=(*HELD.pairs, "claim:nickname"), since=(*HELD.since, 1))
    accepted = granted(scope="openid", claims=claims(userinfo=dict.fromkeys(names)), record=held).accepted
    assert accepted.claims.userinfo == tuple(names)
    assert accepted.pairs == ("openid", "claim:nickname"), "no request makes a record longer than there are claims"


@pytest.mark.spec("standards", "OC-13")
def test_claims_that_no_asked_scope_delivers_are_consented_to_one_by_one() -> None:
    outcome = granted(
        scope="openid email a",
        claims=claims(userinfo={"email": None, "phone_number": None, "nothing": None}, id_token={"email": None}),
        claims_locales="de-CH ! fr de-CH",
    )
    accepted = outcome.accepted
    assert accepted.claims == ClaimsRequest(("email",), ("email", "phone_number"), ("de-CH", "fr"))
    assert accepted.scopes == ("openid", "email", "a")
    assert accepted.pairs == ("openid", "email", "a", "claim:phone_number")
    assert accepted.pairs_of(("openid", "a")) == ("openid", "a", "claim:phone_number")
    assert accepted.pairs_of(("a",)) == ("a",), "without openid nobody is told anything"
    missing = {"claims": claims(id_token={"name": None}), "scope": "openid email"}
    assert asked(**missing) == ("consent", "permissions are asked that were not given before")
    assert error_of(prompt="none", **missing) == "consent_required"


def test_a_scope_that_is_called_like_a_claim_is_no_scope() -> None:
    assert granted(scope="openid claim:email").accepted.scopes == ("openid",)
    assert error_of(scope="a claim:email") == "invalid_scope"
    with pytest.raises(ValueError, match="would be taken for a claim"):
        ScopeRegistry([ScopeDefinition("claim:email")])


@pytest.mark.spec("standards", "OC-13")
def test_claims_that_are_no_json_are_refused_and_long_ones_too() -> None:
    assert error_of(claims="{") == "invalid_request"
    assert error_of(claims=claims(x="y" * 9000)) == "invalid_request"
    granted(claims=claims(x="y" * 5000))


@pytest.mark.spec("standards", "OC-17")
@pytest.mark.spec("standards", "MC-9")
@pytest.mark.spec("standards", "MB-3")
@pytest.mark.spec("standards", "SU-2")
@pytest.mark.parametrize(
    ("how", "kept"),
    [
        ({}, True),
        ({"response_type": "code id_token", "nonce": "n"}, True),
        ({"scope": "a offline_access"}, True),
        ({"response_type": "id_token", "nonce": "n"}, False),
        ({"response_type": "none"}, False),
        ({"grant_types": {"authorization_code"}}, False),
        ({"grant_types": {"authorization_code"}, "scope": "a offline_access"}, False),
        ({"scopes": frozenset({"openid", "a"})}, False),
    ],
    ids=["code", "hybrid", "no openid", "no code", "nothing", "no grant type", "no grant type or openid", "not listed"],
)
def test_offline_access_counts_where_there_can_be_a_refresh_token_and_is_never_an_error(
    how: dict[str, Any], kept: bool
) -> None:
    grants = how.pop("grant_types", {"authorization_code", "refresh_token"}) | {"implicit"}
    who = client(grant_types=frozenset(grants), response_types=frozenset(TYPES), scopes=how.pop("scopes", None))
    outcome = granted(**{"scope": "openid offline_access", **how}, who=who)
    assert ("offline_access" in outcome.accepted.scopes) is kept
    assert ("offline_access" in outcome.accepted.pairs) is kept


@pytest.mark.spec("standards", "OC-17")
def test_offline_access_is_agreed_to_explicitly_once() -> None:
    fresh = replace(HELD, pairs=("openid",), since=(1,))
    how = {"scope": "openid offline_access", "record": fresh}
    assert asked(**how)[0] == "consent"
    assert error_of(prompt="none", **how) == "consent_required"
    granted(scope="openid offline_access")
    assert asked(scope="openid offline_access", prompt="consent")[0] == "consent"


@pytest.mark.spec("standards", "OC-17")
def test_a_device_keeps_offline_access_by_its_grant_types() -> None:
    def scopes_of(**changes: Any) -> tuple[str, ...]:
        who = client(**changes)
        subject = Subject(
            who,
            effective(ServerPolicy(issuer=ISSUER), ApplicationPolicy(), confidential=True),
            REGISTRY,
            Parameters.of([("scope", "openid offline_access unheard_of")]),
        )
        return checklist.run_at("device", subject, Trace()).scopes

    assert scopes_of() == ("openid", "offline_access")
    assert scopes_of(grant_types=frozenset({"urn:ietf:params:oauth:grant-type:device_code"})) == ("openid",)


@pytest.mark.spec("standards", "MB-3")
def test_what_is_told_about_people_is_asked_at_no_resource() -> None:
    files = Resource("https://files.example", scopes=frozenset({"a"}))
    outcome = verdict(
        ("resource", files.identifier), scope="openid a offline_access", resources=ResourceRegistry([files])
    )
    assert isinstance(outcome, Ask)
    assert outcome.accepted.pairs == ("openid", "a https://files.example", "offline_access")


@pytest.mark.spec("standards", "OC-4")
@pytest.mark.parametrize(
    ("how", "error"),
    [
        ({"signed_in": None}, "login_required"),
        ({"record": None}, "consent_required"),
        ({"scope": "openid phone"}, "consent_required"),
        ({"who": client(self_registered=True)}, "consent_required"),
        ({"who": client(self_registered=True), "signed_in": None}, "login_required"),
        ({"who": client(self_registered=True), "registration": "{}"}, "registration_not_supported"),
    ],
    ids=["login", "never connected", "more", "not assured", "self-registered", "wrong in itself"],
)
def test_where_no_page_may_be_shown_every_answer_travels(how: dict[str, Any], error: str) -> None:
    outcome = verdict(prompt="none", **how)
    assert isinstance(outcome, Back)
    assert outcome.error.code.wire == error
    assert outcome.path.travels


def test_a_request_is_kept_whole_and_so_it_has_an_end() -> None:
    """Each parameter may be long, and not all of them at once: nobody has to be known for what is kept of his."""
    long = dict.fromkeys(("state", "nonce", "login_hint", "ui_locales", "display", "acr_values"), "x" * 4096)
    assert isinstance(verdict(**long), Grantable)
    most = long | {"claims": json.dumps({"userinfo": {"email": None}}) + " " * 8000, "force_prompt": "x" * 4096}
    answer = verdict(**most)
    assert isinstance(answer, Back)
    assert answer.error.code.wire == "invalid_request"
    assert "together are longer than 32768 characters" in answer.error.description
