"""What requests can say about grants, what of a record counts for them, and what an application may know of a grant."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.protocol import grant_management as rules
from app.protocol.authorization_header import Challenged
from app.protocol.callers import Caller, MachineCaller, SystemCaller, TokenCaller
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import RecordFact
from app.protocol.features import FeatureSet
from app.protocol.grant_management import GrantFact, GrantTarget
from app.protocol.params import Parameters
from tests.support.facts import ISSUER, NOW, RECORD, access_token, client, machine_token

ID = str(RECORD)
HELD = RecordFact(RECORD, 3, ("a", "b"), (1, 3), details={"detail:x#1": {"type": "x"}})


def params(action: str | None = None, grant_id: str | None = None) -> Parameters:
    given = {"scope": "a", rules.ACTION: action, rules.GRANT_ID: grant_id}
    return Parameters.of((name, value) for name, value in given.items() if value is not None)


def refused(given: Parameters, *, required: bool = False, **who: Any) -> str:
    with pytest.raises(OAuthError) as error:
        rules.check(given, client(**who), required=required)
    return error.value.code.wire


@pytest.mark.spec("standards", "GM-2")
@pytest.mark.spec("standards", "GM-3")
@pytest.mark.parametrize(
    ("action", "grant_id", "target"),
    [
        ("create", None, GrantTarget("create")),
        ("merge", ID, GrantTarget("merge", RECORD)),
        ("replace", ID, GrantTarget("replace", RECORD)),
        ("merge", "not an id of ours", GrantTarget("merge")),
        ("replace", ID.replace("-", ""), GrantTarget("replace")),
    ],
    ids=["create", "merge", "replace", "no id", "an id in another spelling"],
)
def test_a_request_says_into_which_record_it_goes(action: str, grant_id: str | None, target: GrantTarget) -> None:
    given = params(action, grant_id)
    for required in (False, True):
        assert rules.check(given, client(), required=required) == target
    assert rules.aim(given) == target
    again = Parameters.of(rules.parameters(target))
    assert target.record_id is None or rules.aim(again) == target


@pytest.mark.spec("standards", "GM-9")
def test_a_request_that_says_nothing_means_the_implicit_record_whoever_asks() -> None:
    for auth_method in ("none", "client_secret_basic"):
        assert rules.check(params(), client(auth_method=auth_method), required=False) is None
    assert rules.aim(params()) is None
    assert rules.parameters(None) == ()


@pytest.mark.spec("standards", "GM-3")
@pytest.mark.spec("standards", "GM-6")
@pytest.mark.parametrize(
    ("action", "grant_id"),
    [("create", ID), (None, ID), ("merge", None), ("replace", None), ("update", ID), ("query", ID), ("Create", None)],
    ids=["create with id", "id alone", "merge without", "replace without", "update", "query", "case"],
)
def test_what_makes_no_sense_is_an_invalid_request(action: str | None, grant_id: str | None) -> None:
    assert refused(params(action, grant_id)) == "invalid_request"


@pytest.mark.spec("standards", "GM-6")
def test_an_action_that_the_server_requires_must_be_there() -> None:
    assert refused(params(), required=True) == "invalid_request"


@pytest.mark.spec("standards", "GM-1")
@pytest.mark.parametrize(("action", "grant_id"), [("create", None), ("merge", ID), ("replace", ID)])
def test_public_applications_manage_no_grants(action: str, grant_id: str | None) -> None:
    assert refused(params(action, grant_id), auth_method="none") == "unauthorized_client"


def test_a_server_without_the_feature_knows_none_of_the_parameters() -> None:
    given = params("merge", ID)
    assert rules.understood(given, FeatureSet.chosen({})) == given
    assert rules.understood(given, FeatureSet.chosen({"grant_management": False})).pairs() == (("scope", "a"),)


@pytest.mark.spec("standards", "GM-7")
@pytest.mark.spec("standards", "AR-17 (g)")
@pytest.mark.parametrize("target", [GrantTarget("merge"), GrantTarget("replace", RECORD)], ids=["no id", "an id"])
def test_a_grant_that_is_not_there_is_refused_in_one_way(target: GrantTarget) -> None:
    with pytest.raises(OAuthError) as error:
        rules.require(target, None)
    assert (error.value.code, error.value.description) == (ErrorCode.INVALID_GRANT_ID, rules.NO_SUCH_GRANT)


def test_nothing_has_to_be_there_for_a_new_grant_or_for_the_implicit_one() -> None:
    for target in (None, GrantTarget("create")):
        rules.require(target, None)
    rules.require(GrantTarget("merge", RECORD), HELD)


def test_a_person_has_only_so_many_grants_of_one_application_as_he_can_read() -> None:
    with pytest.raises(OAuthError, match="this person has 100 grants") as refused:
        rules.require(GrantTarget("create"), None, room=False)
    assert refused.value.code is ErrorCode.INVALID_REQUEST
    rules.require(GrantTarget("create"), None, room=True)
    rules.require(GrantTarget("merge", RECORD), HELD, room=False)
    rules.require(None, None, room=False)


@pytest.mark.spec("standards", "GM-4")
@pytest.mark.spec("standards", "GM-5")
@pytest.mark.parametrize(
    ("target", "counted", "taken"),
    [
        (None, HELD, None),
        (GrantTarget("create"), None, None),
        (GrantTarget("merge", RECORD), HELD, None),
        (GrantTarget("replace", RECORD), RecordFact(RECORD, 3, (), ()), HELD),
    ],
    ids=["none", "create", "merge", "replace"],
)
def test_what_was_allowed_before_counts_for_a_merge_and_not_for_a_replacement(
    target: GrantTarget | None, counted: RecordFact | None, taken: RecordFact | None
) -> None:
    assert rules.counted(target, HELD) == counted
    assert rules.taken(target, HELD) == taken
    assert rules.counted(target, None) is None
    assert rules.taken(target, None) is None


@pytest.mark.spec("standards", "GA-1")
@pytest.mark.spec("standards", "GA-4")
def test_an_application_needs_a_token_of_its_own_with_the_scope() -> None:
    own = MachineCaller(machine_token(), ("a", rules.QUERY_SCOPE))
    assert rules.check_caller(own, rules.QUERY_SCOPE) is own
    others: list[tuple[Caller, str]] = [
        (own, rules.REVOKE_SCOPE),
        (MachineCaller(machine_token(), ("a",)), rules.QUERY_SCOPE),
        (TokenCaller(access_token(), (rules.QUERY_SCOPE,)), rules.QUERY_SCOPE),
        (SystemCaller((rules.QUERY_SCOPE,)), rules.QUERY_SCOPE),
    ]
    for caller, scope in others:
        with pytest.raises(Challenged) as error:
            rules.check_caller(caller, scope)
        assert (error.value.code, error.value.scope) == (ErrorCode.INSUFFICIENT_SCOPE, scope)


def fact(*pairs: str, details: Mapping[str, Any] | None = None, by_client: bool | None = True) -> GrantFact:
    return GrantFact(pairs, details or {}, NOW, NOW + timedelta(seconds=60), by_client)


@pytest.mark.spec("standards", "GA-2")
def test_a_grant_is_described_by_what_it_allows_and_since_when() -> None:
    payment = {"type": "payment", "amount": 3}
    described = rules.describe(
        fact(
            *("a", "claim:email", "b https://r1.example", "detail:payment#1", "b https://r2.example", "c"),
            *("a https://r3.example", "detail:once"),
            details={"detail:payment#1": payment, "detail:payment#2": {"type": "payment", "gone": True}},
        )
    )
    begun = int(NOW.timestamp())
    assert described == {
        "scopes": [
            {"scope": "a c"},
            {"scope": "b", "resource": ["https://r1.example", "https://r2.example"]},
            {"scope": "a", "resource": ["https://r3.example"]},
        ],
        "claims": ["email"],
        "authorization_details": [payment],
        "created_at": begun,
        "last_updated": begun + 60,
        "last_updated_at": begun + 60,
        "updated_by": "client",
    }


@pytest.mark.spec("standards", "GA-2")
@pytest.mark.parametrize(("by_client", "told"), [(False, {"updated_by": "authorization_server"}), (None, {})])
def test_what_there_is_nothing_to_say_of_is_left_out(by_client: bool | None, told: dict[str, str]) -> None:
    described = rules.describe(fact(by_client=by_client))
    assert described.keys() == {"created_at", "last_updated", "last_updated_at", *told}
    assert told.items() <= described.items()


@pytest.mark.spec("standards", "GM-10")
@pytest.mark.spec("standards", "A7.1")
def test_the_metadata_say_what_can_be_done_with_grants() -> None:
    features = FeatureSet.chosen({})
    members = {
        "grant_management_endpoint": f"{ISSUER}/oauth/grants",
        "grant_management_actions_supported": ["query", "revoke", "create", "merge", "replace"],
    }
    assert rules.metadata(ISSUER, features, required=False) == members
    assert rules.metadata(ISSUER, features, required=True) == {**members, "grant_management_action_required": True}
    assert rules.metadata(ISSUER, FeatureSet.chosen({"grant_management": False}), required=True) == {}


@pytest.mark.spec("standards", "GM-1")
def test_an_id_is_read_as_it_is_written_here_alone() -> None:
    assert rules.read_id(ID) == UUID(ID)
    for other in ("", "x", ID.upper().replace("0", "A"), f"{{{ID}}}", f"urn:uuid:{ID}"):
        assert rules.read_id(other) is None
