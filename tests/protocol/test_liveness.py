"""The liveness rule and the record's arithmetic (architecture §1, AR-17)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol import consent, liveness
from app.protocol.facts import Origin, RecordFact
from app.protocol.scopes import ScopeDefinition, ScopeRegistry
from tests.support.facts import RECORD, client, origin, standing

_SCOPES = st.lists(st.sampled_from("abcdef"), unique=True).map(tuple)


@given(_SCOPES, _SCOPES)
def test_merge_is_a_union_that_keeps_order_and_is_idempotent(held: tuple[str, ...], approved: tuple[str, ...]) -> None:
    merged = consent.merge(held, approved)
    assert merged[: len(held)] == held
    assert set(merged) == {*held, *approved}
    assert len(merged) == len(set(merged))
    assert consent.merge(merged, approved) == merged


@given(_SCOPES, _SCOPES, _SCOPES)
def test_merge_does_not_depend_on_how_consents_are_grouped(
    first: tuple[str, ...], second: tuple[str, ...], third: tuple[str, ...]
) -> None:
    assert consent.merge(consent.merge(first, second), third) == consent.merge(first, consent.merge(second, third))


@pytest.mark.spec("standards", "AR-4")
@pytest.mark.spec("standards", "AR-6")
@given(_SCOPES, st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 5)), unique_by=lambda pair: pair[0]))
def test_what_is_in_force_is_the_tokens_own_list_cut_to_the_record(
    scopes: tuple[str, ...], record: list[tuple[str, int]]
) -> None:
    facts = standing(pairs=tuple(scope for scope, _ in record), since=tuple(since for _, since in record))
    in_force = liveness.scopes_in_force(origin(scopes=scopes, record_version=3), facts)
    assert in_force == tuple(scope for scope in scopes if dict(record).get(scope, 9) <= 3)


def test_a_scope_taken_away_and_granted_again_stays_away_from_old_tokens() -> None:
    again = standing(pairs=("a", "b"), since=(1, 3), record_version=3)
    assert liveness.scopes_in_force(origin(record_version=1), again) == ("a",)
    assert liveness.scopes_in_force(origin(record_version=3), again) == ("a", "b")


@pytest.mark.spec("standards", "AR-2")
@pytest.mark.spec("standards", "AR-17 (h)")
def test_a_scope_at_one_resource_is_not_that_scope_at_another() -> None:
    record = RecordFact(id=RECORD, version=1, pairs=("a https://r1", "b https://r2"), since=(1, 1))
    assert consent.missing(record, (liveness.pair("a", "https://r2"),)) == ("a https://r2",)
    facts = standing(pairs=record.pairs, since=record.since)
    at_r2: Origin = origin(scopes=("a", "b"), resources=("https://r2",))
    assert liveness.scopes_in_force(at_r2, facts) == ("b",)
    assert liveness.scopes_in_force(origin(scopes=("a",)), facts) == ()


def test_what_is_told_about_people_counts_at_every_resource_and_is_at_none() -> None:
    facts = standing(pairs=("openid", "a https://r1", "claim:email"), since=(1, 1, 1))
    asked: Origin = origin(scopes=("openid", "a"), resources=("https://r1", "https://r2"))
    assert liveness.scopes_in_force(asked, facts) == ("openid", "a")
    assert liveness.at(asked, facts, ("https://r2",)).scopes == ("openid",)
    elsewhere = standing(pairs=("openid https://r1", "a https://r1"), since=(1, 1))
    assert liveness.scopes_in_force(asked, elsewhere) == ("a",)
    assert liveness.places("openid", ("https://r1",)) == liveness.places("a", ()) == ("",)
    assert liveness.places("a", ("https://r1",)) == ("https://r1",)


@pytest.mark.spec("standards", "AR-3")
@given(_SCOPES, _SCOPES, _SCOPES, _SCOPES)
def test_approval_never_exceeds_the_request_and_never_lacks_a_required_scope(
    asked: tuple[str, ...], optional: tuple[str, ...], before: tuple[str, ...], ticked: tuple[str, ...]
) -> None:
    approved = consent.approved_scopes(
        asked, optional=frozenset(optional), granted_before=frozenset(before), ticked=frozenset(ticked)
    )
    assert set(approved) <= set(asked)
    assert [scope for scope in asked if scope not in optional] == [s for s in approved if s not in optional]
    assert all(scope in before or scope in ticked for scope in approved if scope in optional)


def test_a_pair_splits_into_what_it_was_made_of() -> None:
    assert liveness.split_pair(liveness.pair("a", "https://r1")) == ("a", "https://r1")
    assert liveness.split_pair("a") == ("a", "")


def test_a_token_dies_with_its_last_permission_and_one_that_never_had_any_lives() -> None:
    emptied = standing(pairs=(), since=())
    assert liveness.living_scopes(origin(scopes=("a",)), emptied) is None
    assert liveness.living_scopes(origin(scopes=()), emptied) == ()
    assert liveness.living_scopes(origin(scopes=("a", "b")), standing(pairs=("b",), since=(1,))) == ("b",)


def test_nothing_lives_where_nobody_stands_behind_it() -> None:
    for gone in (None, standing(user_active=False), standing(record_revoked=True)):
        assert liveness.living_scopes(origin(scopes=()), gone) is None


def test_a_scope_may_be_unticked_where_the_registry_or_the_application_says_so() -> None:
    registry = ScopeRegistry([ScopeDefinition("a"), ScopeDefinition("b", optional=True), ScopeDefinition("c")])
    asking = client(optional_scopes=frozenset({"c", "gone"}))
    assert consent.optional_scopes(("a", "b", "c"), asking, registry) == {"b", "c"}
    assert consent.optional_scopes(("gone", "left"), asking, registry) == {"gone"}


@pytest.mark.spec("standards", "LB-5")
@pytest.mark.spec("standards", "OC-17")
def test_a_sign_in_ends_with_its_session_unless_it_is_to_stay() -> None:
    assert consent.ends_with_session(("openid", "email"))
    assert not consent.ends_with_session(("openid", "offline_access"))
    assert not consent.ends_with_session(("email",)), "what is no sign-in hangs on no session"


def test_to_stay_is_more_only_where_something_ends() -> None:
    asked = ("openid", "offline_access")
    signs_in = RecordFact(id=RECORD, version=1, pairs=("openid", "a"), since=(1, 1))
    assert consent.lasts_longer(signs_in, asked)
    assert not consent.lasts_longer(signs_in, ("openid",))
    assert not consent.lasts_longer(replace(signs_in, pairs=asked), asked)
    assert not consent.lasts_longer(replace(signs_in, pairs=("a",)), asked)
    assert not consent.lasts_longer(None, asked), "whoever is new is told how long, not that it is longer"
