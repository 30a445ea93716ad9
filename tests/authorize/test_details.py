"""What authorization details do to the decision on a request: who is asked, and what is refused (RFC 9396)."""

from typing import Any

import pytest

from app.protocol import details, response_types
from app.protocol.authorize.checklist import run_at
from app.protocol.authorize.decide import Ask, Back, Grantable, Known, Verdict, decide
from app.protocol.authorize.subject import Subject
from app.protocol.authorize.wanted import Wanted
from app.protocol.details import NO_DETAILS, DetailTypes
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import RecordFact
from app.protocol.features import FeatureSet
from app.protocol.params import Parameters
from app.protocol.policy import ApplicationPolicy, ServerPolicy, effective
from app.protocol.request_settings import RequestSettings
from app.protocol.resources import Resource, ResourceRegistry
from app.protocol.trace import Trace
from app.settings.details import AuthorizationDetailSettings
from tests.support.details import TYPES, accounts, asking, payment
from tests.support.facts import CHALLENGE, ISSUER, NOW, RECORD, REDIRECT_URI, REGISTRY, client, session

KNOWN = DetailTypes(AuthorizationDetailSettings(**entry).detail_type(name) for name, entry in TYPES.items())
BANK = "https://bank.example"
RESOURCES = ResourceRegistry((Resource(BANK), Resource("https://ledger.example")))
ASKED = {
    "response_type": "code",
    "client_id": "client",
    "redirect_uri": REDIRECT_URI,
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def record(*held: dict[str, Any], scopes: tuple[str, ...] = ()) -> RecordFact:
    """Return a record with these objects and scopes, and with payments, which it does not keep."""
    kept = details.kept(details.read(asking(*held), KNOWN))
    names = (*scopes, *kept, "detail:payment")
    return RecordFact(RECORD, 1, names, (1,) * len(names), details=kept)


def verdict(
    *objects: dict[str, Any],
    on: RecordFact | None = None,
    types: DetailTypes = KNOWN,
    told: Trace | None = None,
    **more: str,
) -> Verdict:
    """Decide on a request for these objects; further parameters by keyword."""
    merged = {**ASKED, "authorization_details": asking(*objects), **more}
    policy = ServerPolicy(
        issuer=ISSUER,
        response_types=response_types.offered(FeatureSet.chosen({"implicit": True})),
        response_modes=response_types.modes(FeatureSet.chosen({})),
    )
    known = Known(
        now=NOW,
        policy=policy,
        registry=REGISTRY,
        params=Parameters.of(merged.items()),
        client=client(policy=ApplicationPolicy(allow_implicit=True)),
        session=session(),
        record=record(accounts("read", "list"), scopes=("a",)) if on is None else on,
        resources=RESOURCES,
        detail_types=types,
    )
    return decide(known, told or Trace())


@pytest.mark.spec("standards", "AR-7")
def test_what_is_within_the_record_is_granted_without_a_page_and_rests_on_what_is_there() -> None:
    outcome = verdict(accounts("read"), scope="a")
    assert isinstance(outcome, Grantable)
    [detail] = outcome.accepted.details
    assert detail.content == accounts("read")
    assert detail.pair in record(accounts("read", "list")).pairs
    assert outcome.accepted.pairs == ("a",), "nothing is added to the record"


@pytest.mark.spec("standards", "AR-7")
@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (accounts("pay"), "permissions are asked that were not given before"),
        (payment(), "details are asked that are never remembered"),
    ],
    ids=["new", "each time"],
)
def test_what_is_not_there_or_never_kept_is_asked(asked: dict[str, Any], reason: str) -> None:
    outcome = verdict(asked)
    assert isinstance(outcome, Ask)
    assert (outcome.asked.prompt, outcome.asked.reason) == ("consent", reason)
    silent = verdict(asked, prompt="none")
    assert isinstance(silent, Back)
    assert silent.error.code is ErrorCode.CONSENT_REQUIRED


@pytest.mark.spec("standards", "RA-5")
def test_scopes_and_details_of_one_request_make_the_pairs_of_both() -> None:
    outcome = verdict(accounts("pay"), payment(), scope="a b")
    assert isinstance(outcome, Ask)
    a, b, kept, anew = outcome.accepted.pairs
    assert (a, b, anew) == ("a", "b", "detail:payment")
    assert kept.startswith("detail:accounts#")
    assert outcome.accepted.pairs_of(("a",)) == ("a", kept, anew), "details come whole, whichever scopes are approved"


def test_no_token_through_the_browser_carries_details() -> None:
    outcome = verdict(accounts("read"), response_type="token")
    assert isinstance(outcome, Back)
    assert outcome.error.code is ErrorCode.INVALID_REQUEST
    assert "ask for a code" in outcome.error.description


@pytest.mark.spec("standards", "RA-2")
def test_the_trace_names_types_and_reasons() -> None:
    trace = Trace()
    verdict(accounts("read"), payment(), accounts("list"), told=trace)
    assert next(step.detail for step in trace.steps if step.check == "authorization_details") == "accounts, payment"
    trace = Trace()
    verdict({"type": "cards"}, told=trace)
    refused = trace.steps[-1]
    assert (refused.check, refused.outcome) == ("authorization_details", "refused")


def wanted(*objects: dict[str, Any], types: DetailTypes = KNOWN, **more: Any) -> Wanted:
    """Run the checks of the device authorization endpoint."""
    fact = client(**{"requests": RequestSettings(), **more})
    policy = effective(ServerPolicy(issuer=ISSUER), fact.policy, confidential=True)
    params = Parameters.of([("authorization_details", asking(*objects)), ("resource", BANK)])
    subject = Subject(fact, policy, REGISTRY, params, RESOURCES, detail_types=types)
    return run_at("device", subject, Trace())


@pytest.mark.spec("standards", "RA-1")
@pytest.mark.spec("standards", "RA-7")
def test_devices_ask_by_the_same_rules() -> None:
    found = wanted(accounts("read"), payment())
    assert [one.type for one in found.details] == ["accounts", "payment"]
    assert found.pairs == tuple(one.pair for one in found.details)
    with pytest.raises(OAuthError, match="may not use the type payment"):
        wanted(payment(), requests=RequestSettings(details_types=("accounts",)))
    with pytest.raises(OAuthError, match="none of the resources"):
        wanted(accounts(locations=["https://ledger.example"]))


def test_a_request_is_laid_beside_the_record_that_it_goes_into() -> None:
    held = record(accounts("read", "list"))
    laid = wanted(accounts("read"), accounts("pay")).resting(held, KNOWN)
    assert [one.pair in held.pairs for one in laid.details] == [True, False]
    assert laid.pairs == (laid.details[1].pair,)
    nothing = wanted()
    assert nothing.resting(held, KNOWN) is nothing


def test_a_server_without_details_does_not_look_at_them() -> None:
    assert wanted({"type": "cards"}, types=NO_DETAILS).details == ()
    outcome = verdict({"type": "cards"}, types=NO_DETAILS)
    assert isinstance(outcome, Grantable)
