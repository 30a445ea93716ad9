"""The refresh grant's decision: rotation, grace, reuse, narrowing."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.crypto.hashing import digest
from app.protocol.errors import ErrorCode, OAuthError, RevokeFamily
from app.protocol.facts import FamilyFact
from app.protocol.grant_types import refresh_token
from app.protocol.grant_types.refresh_token import Params
from app.protocol.needs import FamilyNeed
from app.protocol.outcomes import Issuance, Refresh
from app.protocol.policy import ApplicationPolicy
from app.protocol.sender import UNBOUND, Binding, Sender
from app.protocol.token_format import Credential, Prefix, format_credential, parse_credential
from app.protocol.tokens.mint import Fresh, mint
from app.protocol.tokens.refresh_chain import ServerKeys, genuine, successor
from tests.support.facts import (
    APPLICATION,
    FAMILY,
    KEYS,
    NOW,
    RECORD,
    SECRET,
    SIGNING,
    context,
    family,
    origin,
    standing,
)

_FRESH = Fresh(access_id=RECORD, access_secret=b"a" * 32, family_id=APPLICATION, refresh_secret=b"r" * 32)


def secret_of(generation: int, keys: ServerKeys = KEYS) -> bytes:
    secret = SECRET
    for step in range(1, generation + 1):
        secret = successor(keys.by_version[keys.current], FAMILY, step, secret)
    return secret


def at(generation: int, **changes: Any) -> FamilyFact:
    return family(generation=generation, digest=digest(secret_of(generation)), **changes)


def decide(
    fact: FamilyFact | None,
    generation: int = 0,
    *,
    secret: bytes | None = None,
    scope: str | None = None,
    later: timedelta = timedelta(0),
    **client: Any,
) -> Issuance:
    token = format_credential(Prefix.REFRESH_TOKEN, Credential(FAMILY, secret or secret_of(generation), generation))
    return refresh_token.decide(context(now=NOW + later, **client), Params(refresh_token=token, scope=scope), fact)


def refused(fact: FamilyFact | None, generation: int = 0, **how: Any) -> OAuthError:
    with pytest.raises(OAuthError) as caught:
        decide(fact, generation, **how)
    return caught.value


def mode_of(order: Issuance) -> str:
    assert isinstance(order.payment, Refresh)
    return order.payment.mode


def test_the_current_token_rotates() -> None:
    assert mode_of(decide(at(0))) == "rotate"


@pytest.mark.spec("standards", "RF-6")
@pytest.mark.spec("standards", "RF-13")
def test_an_application_that_does_not_rotate_keeps_its_token() -> None:
    order = decide(at(0), policy=ApplicationPolicy(rotate_refresh_tokens=False))
    assert mode_of(order) == "keep"
    assert not order.with_refresh_token


@pytest.mark.spec("standards", "RF-3")
@pytest.mark.spec("standards", "RF-6")
@pytest.mark.spec("standards", "O-5")
def test_a_public_application_rotates_whatever_it_was_set_to() -> None:
    order = decide(at(0), policy=ApplicationPolicy(rotate_refresh_tokens=False), auth_method="none")
    assert mode_of(order) == "rotate"


@pytest.mark.spec("standards", "RF-5")
def test_a_lost_response_gets_the_same_successor_inside_the_grace() -> None:
    first = mint(decide(at(0)), KEYS, _FRESH, SIGNING).refresh_token
    again = decide(at(1), 0, later=timedelta(seconds=30))
    assert mode_of(again) == "repeat"
    assert mint(again, KEYS, _FRESH, SIGNING).refresh_token == first


@pytest.mark.spec("standards", "RF-4")
@pytest.mark.spec("standards", "AR-10")
def test_the_previous_token_after_the_grace_revokes_the_family() -> None:
    error = refused(at(1), 0, later=timedelta(seconds=31))
    assert error.code is ErrorCode.INVALID_GRANT
    assert error.aftermath == RevokeFamily(FAMILY, "refresh_token_reused")


def test_two_steps_back_revokes_the_family_inside_the_grace_too() -> None:
    assert isinstance(refused(at(2), 0).aftermath, RevokeFamily)


@pytest.mark.spec("standards", "TR-4")
@pytest.mark.spec("standards", "RF-3")
@pytest.mark.spec("standards", "TE-4")
@pytest.mark.spec("standards", "BC-18")
@pytest.mark.parametrize(
    ("fact", "generation", "secret"),
    [
        (None, 0, None),
        (at(0), 0, b"x" * 32),
        (at(3), 1, b"x" * 32),
        (at(0), 1, None),
        (family(digest=None), 0, None),
        (at(0, origin=origin(application_id=FAMILY)), 0, None),
        (at(1, origin=origin(application_id=FAMILY)), 0, None),
    ],
    ids=["unknown", "forged", "forged and old", "from the future", "none issued", "foreign", "foreign and old"],
)
def test_what_is_not_genuine_changes_nothing(fact: FamilyFact | None, generation: int, secret: bytes | None) -> None:
    error = refused(fact, generation, secret=secret, later=timedelta(hours=1))
    assert error.code is ErrorCode.INVALID_GRANT
    assert error.aftermath is None


@pytest.mark.spec("standards", "RF-7")
@pytest.mark.spec("standards", "RF-8")
@pytest.mark.spec("standards", "TE-4")
@pytest.mark.parametrize(
    "changes",
    [
        {"revoked_at": NOW},
        {"expires_at": NOW},
        {"idle_expires_at": NOW},
        {"standing": None},
        {"standing": standing(record_revoked=True)},
        {"standing": standing(user_active=False)},
        {"standing": standing(user_epoch=3)},
        {"standing": standing(application_active=False)},
        {"standing": standing(pairs=(), since=())},
        {"standing": standing(since=(2, 2))},
    ],
)
def test_a_family_that_is_not_in_force_is_invalid_grant(changes: dict[str, Any]) -> None:
    error = refused(at(0, **changes))
    assert error.code is ErrorCode.INVALID_GRANT
    assert error.aftermath is None


@pytest.mark.spec("standards", "RF-1")
@pytest.mark.spec("standards", "RF-2")
def test_a_refresh_may_narrow_and_the_refresh_token_keeps_its_list() -> None:
    order = decide(at(0), scope="b")
    assert order.origin.scopes == ("b",)
    assert order.family_scopes == ("a", "b")


@pytest.mark.spec("standards", "RF-1")
@pytest.mark.spec("standards", "AR-5")
def test_a_refresh_never_widens() -> None:
    record_grew = at(0, standing=standing(pairs=("a", "b", "c"), since=(1, 1, 2), record_version=2))
    assert decide(record_grew).origin.scopes == ("a", "b")
    assert refused(record_grew, scope="a c").code is ErrorCode.INVALID_SCOPE


@pytest.mark.spec("standards", "AR-6")
def test_what_the_record_lost_is_gone_at_the_next_refresh() -> None:
    assert decide(at(0, standing=standing(pairs=("b",), since=(1,)))).origin.scopes == ("b",)


@pytest.mark.spec("standards", "RF-7")
def test_the_access_token_never_outlives_the_family() -> None:
    order = decide(at(0, expires_at=NOW + timedelta(minutes=5)))
    assert order.access_expires_at == NOW + timedelta(minutes=5)


def test_a_token_is_recognised_across_a_change_of_server_keys() -> None:
    keys = ServerKeys(current=2, by_version={1: b"k" * 32, 2: b"n" * 32})
    first = successor(keys.by_version[1], FAMILY, 1, SECRET)
    second = successor(keys.by_version[2], FAMILY, 2, first)
    moved_on = family(generation=2, digest=digest(second), key_since=((1, 0), (2, 2)))
    presented = Credential(FAMILY, SECRET, 0)
    assert genuine(keys, presented, moved_on)
    assert not genuine(ServerKeys(current=2, by_version={2: b"n" * 32}), presented, moved_on)


def test_no_token_is_genuine_in_a_family_without_refresh_tokens() -> None:
    assert not genuine(KEYS, Credential(FAMILY, SECRET, 0), family(digest=None))


def test_a_token_of_a_generation_to_come_is_not_genuine() -> None:
    assert not genuine(KEYS, Credential(FAMILY, secret_of(1), 1), at(0))


def test_what_must_be_known_is_the_row_that_the_token_names_and_nothing_for_garbage() -> None:
    token = format_credential(Prefix.REFRESH_TOKEN, Credential(FAMILY, SECRET, 3))
    assert refresh_token.needs(Params(refresh_token=token)) == FamilyNeed(FAMILY)
    assert refresh_token.needs(Params(refresh_token="not ours")) == FamilyNeed(None)


def test_a_refresh_for_nothing_but_withdrawn_scopes_is_invalid_grant() -> None:
    only_b = at(0, standing=standing(pairs=("b",), since=(1,)))
    assert refused(only_b, scope="a").code is ErrorCode.INVALID_GRANT


class Holder:
    """Somebody who holds a refresh token of the family."""

    def __init__(self) -> None:
        self.credential = Credential(FAMILY, SECRET, 0)

    def refresh(self, fact: FamilyFact, seconds: int) -> tuple[FamilyFact, str | None]:
        """Present the token; return the family afterwards and the alarm, if any."""
        now = NOW + timedelta(seconds=seconds)
        token = format_credential(Prefix.REFRESH_TOKEN, self.credential)
        try:
            order = refresh_token.decide(context(now=now), Params(refresh_token=token), fact)
        except OAuthError as error:
            return fact, "alarm" if isinstance(error.aftermath, RevokeFamily) else "refused"
        minted = mint(order, KEYS, _FRESH, SIGNING)
        received = parse_credential(Prefix.REFRESH_TOKEN, minted.refresh_token or "")
        assert received is not None
        self.credential = received
        if mode_of(order) == "rotate":
            fact = at(received.generation, rotated_at=now)
        return fact, None


@settings(max_examples=60)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), max_size=12))
def test_an_honest_client_with_lost_answers_never_alarms(answers: list[tuple[bool, int]]) -> None:
    fact, holder, seconds = at(0), Holder(), 0
    for lost, pause in answers:
        before = holder.credential
        fact, alarm = holder.refresh(fact, seconds)
        assert alarm is None
        if lost:
            holder.credential = before
            fact, alarm = holder.refresh(fact, seconds + 20)
            assert alarm is None
        seconds += 40 + pause


@settings(max_examples=60)
@given(st.integers(2, 6), st.integers(0, 1000))
def test_two_holders_out_of_step_always_alarm(steps: int, pause: int) -> None:
    fact, owner, thief = at(0), Holder(), Holder()
    for step in range(steps):
        fact, alarm = owner.refresh(fact, step)
        assert alarm is None
    _, alarm = thief.refresh(fact, steps + pause)
    assert alarm == "alarm"


@pytest.mark.spec("standards", "RF-10")
def test_a_bound_refresh_token_needs_its_key() -> None:
    with pytest.raises(OAuthError) as refused:
        decide(at(0, binding=Binding(jkt="k")))
    assert refused.value.code is ErrorCode.INVALID_GRANT
    assert refused.value.aftermath is None


@pytest.mark.spec("standards", "RF-10")
def test_the_first_key_that_a_public_client_proves_binds_what_it_refreshes_with() -> None:
    token = format_credential(Prefix.REFRESH_TOKEN, Credential(FAMILY, secret_of(0)))
    asking = replace(context(auth_method="none"), sender=Sender(jkt="k"))
    order = refresh_token.decide(asking, Params(refresh_token=token), at(0))
    assert (order.binding, order.family_binding) == (Binding(jkt="k"), Binding(jkt="k"))
    confidential = replace(context(), sender=Sender(jkt="k"))
    order = refresh_token.decide(confidential, Params(refresh_token=token), at(0))
    assert (order.binding, order.family_binding) == (Binding(jkt="k"), UNBOUND)
