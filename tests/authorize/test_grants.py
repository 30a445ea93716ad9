"""Authorization requests that say into which record they go (Grant Management): who is asked, and who is refused."""

from dataclasses import replace
from typing import Any

import pytest

from app.protocol.accounts import Others
from app.protocol.authorize.checklist import run_at
from app.protocol.authorize.decide import Ask, Back, Grantable, Known, Verdict, decide
from app.protocol.authorize.subject import Subject
from app.protocol.errors import OAuthError
from app.protocol.facts import RecordFact
from app.protocol.grant_management import GrantTarget
from app.protocol.params import Parameters
from app.protocol.policy import ApplicationPolicy, ServerPolicy, effective
from app.protocol.scopes import BUILTIN, ScopeRegistry
from app.protocol.trace import Trace
from tests.authorize.test_decide import HELD, error_of, known, prompt_of
from tests.support.facts import CHALLENGE, ISSUER, RECORD, client, session

CODE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
NAMING = ("merge", "replace")


def asked(action: str | None, record: RecordFact | None = HELD, **changes: Any) -> Known:
    """A request about the grant that `record` is, None: it is not there for this person."""
    named = {"grant_management_action": action, "grant_id": str(RECORD) if action in NAMING else None}
    return known(record=HELD, **{**named, **changes}).aimed_at(record)


def verdict(action: str | None, record: RecordFact | None = HELD, **changes: Any) -> Verdict:
    return decide(asked(action, record, **changes), Trace())


@pytest.mark.spec("standards", "GM-9")
def test_without_an_action_nothing_is_different() -> None:
    outcome = verdict(None)
    assert isinstance(outcome, Grantable)
    assert outcome.accepted.target is None


@pytest.mark.spec("standards", "GM-4")
def test_a_merge_of_nothing_new_asks_nobody_and_one_of_more_asks_for_the_difference() -> None:
    outcome = verdict("merge")
    assert isinstance(outcome, Grantable)
    assert outcome.accepted.target == GrantTarget("merge", RECORD)
    assert outcome.record == HELD
    wider = verdict("merge", replace(HELD, pairs=("a",), since=(1,)))
    assert isinstance(wider, Ask)
    assert wider.asked.reason == "permissions are asked that were not given before"


@pytest.mark.spec("standards", "GM-3")
@pytest.mark.spec("standards", "GM-5")
@pytest.mark.parametrize("action", ["create", "replace"])
def test_a_grant_that_begins_or_becomes_another_is_always_agreed_to(action: str) -> None:
    for scope in ("a b", "a", None):
        outcome = verdict(action, scope=scope)
        assert prompt_of(outcome) == "consent"
        assert isinstance(outcome, Ask)
        assert outcome.asked.reason == "the request begins or replaces a grant"
    assert error_of(verdict(action, prompt="none")) == "consent_required"


def test_a_replacement_counts_nothing_as_allowed_before_and_says_what_it_takes() -> None:
    replaced = asked("replace")
    assert replaced.record is not None
    assert (replaced.record.id, replaced.record.pairs) == (RECORD, ())
    assert replaced.taken == HELD
    granted = decide(replaced, Trace(), consent_given=True)
    assert isinstance(granted, Grantable)
    assert granted.accepted.target == GrantTarget("replace", RECORD)


@pytest.mark.spec("standards", "GM-7")
@pytest.mark.spec("standards", "AR-17 (g)")
@pytest.mark.parametrize("action", NAMING)
def test_a_grant_that_is_not_this_persons_is_refused_as_soon_as_he_is_known(action: str) -> None:
    for how in ({}, {"prompt": "none"}, {"prompt": "consent"}, {"grant_id": "nonsense"}):
        outcome = verdict(action, None, **how)
        assert error_of(outcome) == "invalid_grant_id"
    trace = Trace()
    assert isinstance(decide(asked(action, None), trace, consent_given=True), Back)
    assert (trace.steps[-1].check, trace.steps[-1].outcome) == ("grant", "refused")


@pytest.mark.spec("standards", "GM-7")
@pytest.mark.parametrize("action", NAMING)
def test_before_somebody_has_signed_in_every_grant_looks_the_same(action: str) -> None:
    for how in ({"signed_in": None}, {"prompt": "login"}):
        assert prompt_of(verdict(action, None, **how)) == "login"
    assert error_of(verdict(action, None, signed_in=None, prompt="none")) == "login_required"
    others = Others(sessions=(session(),))
    several = decide(replace(asked(action, None), others=others), Trace())
    assert prompt_of(several) == "select_account"


@pytest.mark.spec("standards", "GM-1")
@pytest.mark.spec("standards", "GM-3")
@pytest.mark.spec("standards", "GM-6")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_management_action": "create", "grant_id": str(RECORD)}, "invalid_request"),
        ({"grant_id": str(RECORD)}, "invalid_request"),
        ({"grant_management_action": "merge"}, "invalid_request"),
        ({"grant_management_action": "update", "grant_id": str(RECORD)}, "invalid_request"),
        ({"grant_management_action": "create", "who": client(auth_method="none")}, "unauthorized_client"),
    ],
    ids=["create with id", "id alone", "merge without", "update", "public"],
)
def test_what_is_wrong_with_the_parameters_travels_back(changes: dict[str, Any], error: str) -> None:
    assert error_of(decide(known(**changes), Trace())) == error


@pytest.mark.spec("standards", "GM-8")
def test_an_answer_without_a_code_could_not_lead_to_the_id_of_the_grant() -> None:
    who = client(response_types=frozenset({"code", "none"}))
    policy = ServerPolicy(issuer=ISSUER, response_types=("code", "none"))
    request = replace(asked("create", response_type="none", who=who), policy=policy)
    assert error_of(decide(request, Trace())) == "invalid_request"


@pytest.mark.spec("standards", "GM-6")
def test_where_the_server_requires_an_action_each_request_has_one() -> None:
    policy = ServerPolicy(issuer=ISSUER, require_grant_action=True)
    assert error_of(decide(replace(asked(None), policy=policy), Trace())) == "invalid_request"
    assert isinstance(decide(replace(asked("merge"), policy=policy), Trace()), Grantable)


@pytest.mark.spec("standards", "GM-2")
@pytest.mark.spec("standards", "CB-12")
@pytest.mark.parametrize("where", ["authorize", "par", "device", "ciba"])
def test_the_check_is_the_same_wherever_a_request_comes_in(where: Any) -> None:
    def target(**changes: str) -> GrantTarget | None:
        params = Parameters.of({"response_type": "code", "scope": "openid", **CODE, **changes}.items())
        policy = effective(ServerPolicy(issuer=ISSUER), ApplicationPolicy(), confidential=True)
        return run_at(where, Subject(client(), policy, ScopeRegistry(BUILTIN), params), Trace()).target

    assert target(grant_management_action="create") == GrantTarget("create")
    assert target() is None
    with pytest.raises(OAuthError) as refused:
        target(grant_id=str(RECORD))
    assert refused.value.code.wire == "invalid_request"


@pytest.mark.spec("standards", "GM-3")
def test_nobody_is_asked_for_a_grant_that_there_is_no_room_for() -> None:
    crowded = known(grant_management_action="create").aimed_at(None, room=False)
    for consent_given in (False, True):
        assert error_of(decide(crowded, Trace(), consent_given=consent_given)) == "invalid_request"
