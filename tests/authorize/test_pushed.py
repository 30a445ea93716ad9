"""What may be pushed ahead of a browser, until when one may come with it, and who has to push (RFC 9126)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.crypto.hashing import digest
from app.protocol.authorize import pushed
from app.protocol.authorize.checklist import CHECKLIST
from app.protocol.authorize.decide import Back, Grantable, Known, check, decide
from app.protocol.authorize.pushed import REQUEST_URI, PushedFact
from app.protocol.authorize.return_path import NoReturnPath
from app.protocol.errors import OAuthError
from app.protocol.facts import ClientFact, RecordFact
from app.protocol.features import Feature, FeatureSet
from app.protocol.params import Parameters
from app.protocol.policy import ApplicationPolicy, ServerPolicy, effective
from app.protocol.request_settings import RequestSettings
from app.protocol.sender import NOBODY, Sender
from app.protocol.trace import Trace
from tests.support.facts import CHALLENGE, ISSUER, NOW, RECORD, REDIRECT_URI, REGISTRY, SECRET, client, session

PUSHED = UUID(int=99)
KEY, OTHER_KEY = "k" * 43, "l" * 43
GOOD = {
    "response_type": "code",
    "client_id": "client",
    "redirect_uri": REDIRECT_URI,
    "scope": "a b",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
FAPI = ApplicationPolicy(fapi=True)


def params(**changes: str | None) -> Parameters:
    given = {**GOOD, **changes}
    return Parameters.of([(name, value) for name, value in given.items() if value is not None])


def known(who: ClientFact | None = None, server: ServerPolicy | None = None, **changes: Any) -> Known:
    asked = Known(
        now=NOW,
        policy=server or ServerPolicy(issuer=ISSUER),
        registry=REGISTRY,
        params=params(),
        client=who or client(),
        session=session(),
        record=RecordFact(id=RECORD, version=1, pairs=("a", "b"), since=(1, 1)),
    )
    return replace(asked, **changes)


def fact(**changes: Any) -> PushedFact:
    kept = PushedFact(
        id=PUSHED,
        digest=digest(SECRET),
        application_id=client().id,
        params=tuple(GOOD.items()),
        signed=False,
        expires_at=NOW + timedelta(seconds=90),
        used_at=None,
    )
    return replace(kept, **changes)


@pytest.mark.spec("standards", "PAR-16")
@pytest.mark.parametrize(
    ("request_uri", "reference"),
    [
        (f"{REQUEST_URI}aspr_x", "aspr_x"),
        (REQUEST_URI, ""),
        ("urn:assent:authorization-request:asin_x", None),
        ("https://client.example/request.jwt", None),
        (f"x{REQUEST_URI}aspr_x", None),
        (None, None),
    ],
)
def test_a_reference_of_ours_is_told_by_its_beginning(request_uri: str | None, reference: str | None) -> None:
    assert pushed.reference_in(params(request_uri=request_uri), FeatureSet(Feature)) == reference
    assert pushed.reference_in(params(request_uri=request_uri), FeatureSet()) is None


@pytest.mark.spec("standards", "RO-1")
def test_a_request_object_beside_it_is_not_passed_over() -> None:
    both = params(request_uri=f"{REQUEST_URI}aspr_x", request="a.b.c")
    assert pushed.reference_in(both, FeatureSet(Feature)) is None


@pytest.mark.spec("standards", "PAR-8")
@pytest.mark.spec("standards", "PAR-10")
def test_a_pushed_request_can_be_taken_up_as_often_as_a_page_is_loaded_until_it_is_used_or_expires() -> None:
    for seconds in (0, 10, 89):
        assert pushed.require_open(fact(), SECRET, client(), NOW + timedelta(seconds=seconds)) == fact()


@pytest.mark.spec("standards", "PAR-8")
@pytest.mark.spec("standards", "PAR-10")
@pytest.mark.parametrize(
    ("found", "secret", "who", "why"),
    [
        pytest.param(None, SECRET, client(), "nothing was pushed", id="unknown"),
        pytest.param(fact(), b"t" * 32, client(), "nothing was pushed", id="guessed"),
        pytest.param(fact(), SECRET, client(id=UUID(int=1000)), "another application", id="of another client"),
        pytest.param(fact(), SECRET, None, "another application", id="of no client"),
        pytest.param(fact(used_at=NOW), SECRET, client(), "used before", id="used"),
        pytest.param(fact(expires_at=NOW), SECRET, client(), "has expired", id="expired"),
    ],
)
def test_what_is_wrong_with_a_reference_is_told_to_the_log_alone(
    found: PushedFact | None, secret: bytes, who: ClientFact | None, why: str
) -> None:
    with pytest.raises(NoReturnPath) as refused:
        pushed.require_open(found, secret, who, NOW)
    assert (refused.value.code.wire, refused.value.case) == ("invalid_request_uri", "pushed_request")
    assert why in refused.value.detail
    assert (
        refused.value.description == "request_uri was used before, has expired, or was never given to this application"
    )


def test_a_reference_that_leads_to_nothing_is_answered_to_nobody() -> None:
    with pytest.raises(NoReturnPath) as refused:
        pushed.require_open(None, SECRET, client(), NOW)
    trace = Trace()
    with pytest.raises(NoReturnPath):
        decide(known(refusal=refused.value), trace)
    [step] = trace.steps
    assert (step.check, step.outcome, step.detail) == ("pushed request", "refused", pushed.UNKNOWN)


@pytest.mark.spec("standards", "PAR-4")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({}, None, id="plain"),
        pytest.param({"client_id": None}, "client_id is missing", id="without a client"),
        pytest.param({"client_id": None, "request": "a.b.c"}, None, id="the object names it"),
        pytest.param({"request_uri": f"{REQUEST_URI}x"}, "request_uri cannot be pushed", id="a reference"),
    ],
)
def test_the_form_names_its_client_and_is_no_reference(changes: dict[str, str | None], error: str | None) -> None:
    if error is None:
        pushed.check_form(params(**changes))
        return
    with pytest.raises(OAuthError, match=error) as refused:
        pushed.check_form(params(**changes))
    assert refused.value.code.wire == "invalid_request"


@pytest.mark.spec("standards", "PAR-6")
@pytest.mark.spec("standards", "F-20")
@pytest.mark.parametrize(
    ("who", "changes", "fits"),
    [
        pytest.param(client(), {}, True, id="its own"),
        pytest.param(client(), {"client_id": "other"}, False, id="of another client"),
        pytest.param(client(), {"client_id": None}, False, id="of nobody"),
        pytest.param(client(), {"redirect_uri": None}, True, id="without an address"),
        pytest.param(client(policy=FAPI), {"redirect_uri": None}, False, id="without an address under FAPI"),
        pytest.param(client(policy=FAPI), {}, True, id="with an address under FAPI"),
    ],
)
def test_a_request_is_of_the_client_that_pushes_it(who: ClientFact, changes: dict[str, str | None], fits: bool) -> None:
    policy = effective(ServerPolicy(ISSUER), who.policy, confidential=who.confidential)
    if fits:
        pushed.check_request(params(**changes), who, policy)
    else:
        with pytest.raises(OAuthError, match="invalid_request"):
            pushed.check_request(params(**changes), who, policy)


@pytest.mark.spec("standards", "PAR-15")
@pytest.mark.parametrize(
    ("named", "proved", "bound"),
    [
        (None, None, None),
        (KEY, None, KEY),
        (None, KEY, KEY),
        (KEY, KEY, KEY),
    ],
)
def test_a_code_is_bound_to_the_key_that_was_named_or_proved(
    named: str | None, proved: str | None, bound: str | None
) -> None:
    assert pushed.bound(params(dpop_jkt=named), Sender(jkt=proved)).get("dpop_jkt") == bound


@pytest.mark.spec("standards", "PAR-15")
def test_two_keys_are_one_too_many() -> None:
    with pytest.raises(OAuthError, match="invalid_request: dpop_jkt"):
        pushed.bound(params(dpop_jkt=KEY), Sender(jkt=OTHER_KEY))
    assert pushed.bound(params(), NOBODY) == params()


@pytest.mark.spec("standards", "PAR-13")
@pytest.mark.spec("standards", "F-20")
@pytest.mark.parametrize(
    ("who", "server"),
    [
        pytest.param(client(), ServerPolicy(ISSUER, require_pushed_requests=True), id="the server"),
        pytest.param(client(requests=RequestSettings(push_required=True)), None, id="the application"),
        pytest.param(client(policy=FAPI), None, id="its profile"),
    ],
)
def test_who_has_to_push_is_answered_for_nothing_else(who: ClientFact, server: ServerPolicy | None) -> None:
    refused = decide(known(who, server), Trace())
    assert isinstance(refused, Back)
    assert (refused.error.code.wire, "push its requests" in refused.error.description) == ("invalid_request", True)
    granted = decide(known(who, server, pushed_id=PUSHED), Trace())
    assert isinstance(granted, Grantable)
    assert granted.pushed_id == PUSHED
    assert not isinstance(check(known(who, server), Trace(), "par"), Back)


def test_who_may_push_need_not() -> None:
    assert isinstance(decide(known(), Trace()), Grantable)


@pytest.mark.spec("standards", "PAR-5")
@pytest.mark.spec("standards", "PAR-12")
def test_everything_that_is_judged_when_a_browser_comes_is_judged_when_a_request_is_pushed() -> None:
    at = {place: [name for name, _, _, places in CHECKLIST if place in places] for place in ("authorize", "par")}
    assert [name for name in at["authorize"] if name != "pushed request"] == at["par"]
