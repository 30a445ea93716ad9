"""The life of a signing key, decided from the keys and the time alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pipeline.keyring import EVERY_SECONDS
from app.protocol.tokens.keyring import (
    SHORTEST_ANNOUNCEMENT,
    Activate,
    KeyRing,
    Make,
    Remove,
    RingKey,
    SigningPlan,
    due,
)

T0 = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
PLAN = SigningPlan(algorithms=("ES256",))


def _key(kid: str, begins: timedelta = 0 * DAY, *, alg: str = "ES256", retired: timedelta | None = None) -> RingKey:
    active_from = T0 + begins
    return RingKey(kid, alg, {"kid": kid}, active_from - DAY, active_from, None if retired is None else T0 + retired)


def _ring(*keys: RingKey, plan: SigningPlan = PLAN) -> KeyRing:
    return KeyRing(keys, plan)


def _signs(ring: KeyRing, now: datetime, alg: str = "ES256") -> str | None:
    key = ring.signer(alg, now)
    return None if key is None else key.kid


def test_the_first_keys_sign_at_once() -> None:
    both = SigningPlan()

    assert due(_ring(plan=both), T0) == (Make("ES256", T0), Make("RS256", T0))


@pytest.mark.spec("standards", "JW-3")
def test_a_key_is_published_for_a_day_before_it_signs() -> None:
    ring = _ring(_key("one"))

    assert due(ring, T0 + 89 * DAY - timedelta(seconds=1)) == ()
    assert due(ring, T0 + 89 * DAY) == (Make("ES256", T0 + 90 * DAY),)

    ring = _ring(_key("one"), _key("two", 90 * DAY))
    assert [key.kid for key in ring.published(T0 + 89 * DAY)] == ["one", "two"]
    assert _signs(ring, T0 + 90 * DAY - timedelta(seconds=1)) == "one"
    assert _signs(ring, T0 + 90 * DAY) == "two"


def test_a_server_that_slept_announces_all_the_same() -> None:
    assert due(_ring(_key("one")), T0 + 400 * DAY) == (Make("ES256", T0 + 401 * DAY),)


def test_an_announced_key_is_enough() -> None:
    ring = _ring(_key("one"), _key("two", 401 * DAY))

    assert due(ring, T0 + 400 * DAY) == ()


@pytest.mark.spec("standards", "JW-3")
def test_a_key_stays_until_the_last_token_signed_with_it_is_over() -> None:
    ring = _ring(_key("one"), _key("two", 90 * DAY))
    end = T0 + 125 * DAY

    assert ring.end_of(ring.keys[0]) == end
    assert [key.kid for key in ring.published(end - timedelta(seconds=1))] == ["one", "two"]
    assert ring.public_keys(end) == ({"kid": "two"},)
    assert due(ring, end - timedelta(seconds=1)) == ()
    assert due(ring, end) == (Remove("one"),)


def test_the_current_key_has_no_end() -> None:
    ring = _ring(_key("one"))

    assert ring.end_of(ring.keys[0]) is None


def test_a_retired_key_neither_signs_nor_is_published() -> None:
    ring = _ring(_key("one"), _key("two", 90 * DAY, retired=100 * DAY))
    now = T0 + 100 * DAY

    assert _signs(ring, now) == "one"
    assert ring.public_keys(now) == ({"kid": "one"},)
    assert ring.end_of(ring.keys[1]) == now
    assert due(ring, now) == (Make("ES256", now + DAY),)


@pytest.mark.spec("standards", "JW-3")
def test_a_retired_key_is_retired_whatever_the_clock_of_a_server_shows() -> None:
    """Whoever retired it had a clock of his own, and the key may be in wrong hands already."""
    ring = _ring(_key("one", retired=100 * DAY), _key("two", 100 * DAY))
    slow = T0 + 99 * DAY

    assert ring.public_keys(slow) == ({"kid": "two"},)
    assert ring.is_withdrawn("one", slow)
    assert _signs(ring, slow) == "two"


def test_an_announced_key_begins_early_when_the_one_before_it_is_retired() -> None:
    ring = _ring(_key("one", retired=89 * DAY), _key("two", 90 * DAY), _key("three", 180 * DAY))

    assert _signs(ring, T0 + 89 * DAY) == "two"
    assert due(ring, T0 + 89 * DAY) == (Activate("two"),)


def test_the_first_key_signs_on_a_server_whose_clock_is_slow() -> None:
    ring = _ring(_key("one"))

    assert _signs(ring, T0 - timedelta(seconds=5)) == "one"
    assert ring.choice(T0 - timedelta(seconds=5)) == "ES256"
    assert due(ring, T0 - timedelta(seconds=5)) == ()


@pytest.mark.spec("standards", "JW-3")
def test_an_algorithm_that_joins_the_others_is_announced_before_it_is_anybodys_choice() -> None:
    both = SigningPlan(algorithms=("PS256", "ES256"))
    ring = _ring(_key("one"), plan=both)
    now = T0 + 5 * DAY
    assert due(ring, now) == (Make("PS256", now + DAY),)

    ring = _ring(_key("one"), _key("ps", 6 * DAY, alg="PS256"), plan=both)
    assert due(ring, now) == ()
    assert (ring.choice(now), ring.choice(now + DAY)) == ("ES256", "PS256")
    assert _signs(ring, now, "PS256") == "ps"  # for whoever asks for it by name, there is no other


def test_who_does_not_want_to_wait_has_the_next_keys_announced_and_no_more_of_them() -> None:
    ring = _ring(_key("one"))
    now = T0 + 5 * DAY
    assert due(ring, now) == ()
    assert due(ring, now, ahead=True) == (Make("ES256", now + DAY),)

    ring = _ring(_key("one"), _key("two", 6 * DAY))
    assert due(ring, now, ahead=True) == ()
    assert due(_ring(plan=PLAN), now, ahead=True) == (Make("ES256", now),)


def test_the_last_key_of_all_is_followed_at_once() -> None:
    assert due(_ring(_key("one", retired=5 * DAY)), T0 + 5 * DAY) == (Make("ES256", T0 + 5 * DAY),)


def test_a_retired_key_is_listed_for_a_while() -> None:
    ring = _ring(_key("one", retired=5 * DAY), _key("two", 5 * DAY))

    assert due(ring, T0 + 39 * DAY) == ()
    assert due(ring, T0 + 40 * DAY) == (Remove("one"),)


def test_the_keys_of_an_algorithm_that_left_the_plan_run_out() -> None:
    ring = _ring(_key("old", alg="PS256"), _key("one"))

    assert ring.end_of(ring.keys[0]) == T0 + 125 * DAY
    assert [key.kid for key in ring.published(T0 + 50 * DAY)] == ["old", "one"]
    assert Remove("old") in due(ring, T0 + 125 * DAY)


@pytest.mark.spec("standards", "JW-5")
def test_no_key_serves_two_algorithms() -> None:
    ring = _ring(_key("rs", alg="RS256"), _key("ps", alg="PS256"), plan=SigningPlan(algorithms=("RS256", "PS256")))

    assert _signs(ring, T0, "RS256") == "rs"
    assert _signs(ring, T0, "PS256") == "ps"
    assert _signs(ring, T0, "ES256") is None


@pytest.mark.spec("standards", "JW-1")
def test_a_list_may_be_kept_until_half_of_the_announcement_is_over() -> None:
    hours = timedelta(hours=1)
    assert PLAN.cache == 12 * hours
    assert (PLAN.cache_of(6 * hours), PLAN.cache_of(6.1 * hours)) == (12 * hours, 0 * hours)


@pytest.mark.spec("standards", "JW-1")
@pytest.mark.spec("standards", "JW-3")
@given(
    announce=st.integers(int(SHORTEST_ANNOUNCEMENT.total_seconds()), 30 * 24 * 3600),
    age=st.floats(0, 40 * 24 * 3600),
    after=st.floats(0, 1),
)
def test_no_list_without_a_key_is_kept_until_the_key_signs(announce: int, age: float, after: float) -> None:
    """However long ago a server has read it. A quarter of the announcement is left for clocks, and for libraries that
    have just fetched the list."""
    plan = SigningPlan(announce=timedelta(seconds=announce))
    read_at = 0.0
    made_at = read_at + after * age  # after the list was read, and before it was handed out
    kept_until = read_at + age + plan.cache_of(timedelta(seconds=age)).total_seconds()

    if age <= announce / 4:
        assert kept_until <= made_at + announce - announce / 4 + 1e-3
    else:
        assert kept_until == read_at + age  # it is not kept at all


@pytest.mark.spec("standards", "JW-3")
def test_the_shortest_announcement_is_long_enough_for_servers_and_libraries() -> None:
    """`jose` fetches a list again for an unknown key after 30 seconds at the earliest."""
    spare = SHORTEST_ANNOUNCEMENT / 2
    assert timedelta(seconds=EVERY_SECONDS + 30 + 5) < spare
    assert timedelta(seconds=EVERY_SECONDS) < SHORTEST_ANNOUNCEMENT / 4


@given(st.lists(st.integers(1, 24 * 40), max_size=30), st.integers(0, 29))
def test_there_is_always_a_signer_that_was_announced_and_no_more_keys_than_needed(hours: list[int], bad: int) -> None:
    """Through any pauses of the server, and a key retired in between."""
    now, ring = T0, _ring()
    for number, pause in enumerate(hours):
        if number == bad and (current := ring.signer("ES256", now)):
            ring = _ring(*(replace(key, retired_at=now) if key == current else key for key in ring.keys))
        ring = _after(ring, now)
        signer = ring.signer("ES256", now)
        assert signer is not None
        assert signer in ring.published(now)
        assert signer.retired_at is None
        assert due(ring, now) == ()
        assert len([key for key in ring.keys if key.retired_at is None]) <= 3
        if number < bad:
            assert all(key.active_from == T0 or key.active_from - key.created_at >= DAY for key in ring.keys)
        now += timedelta(hours=pause)


def _after(ring: KeyRing, now: datetime) -> KeyRing:
    """Do what is due."""
    keys = list(ring.keys)
    for step in due(ring, now):
        match step:
            case Make(alg, active_from):
                keys.append(RingKey(f"{alg} {len(keys)} {active_from}", alg, {}, now, active_from))
            case Activate(kid):
                keys = [replace(key, active_from=now) if key.kid == kid else key for key in keys]
            case Remove(kid):
                keys = [key for key in keys if key.kid != kid]
    return KeyRing(tuple(keys), ring.plan)


def test_a_withdrawn_key_is_one_that_is_known_and_not_published() -> None:
    ring = _ring(_key("one"), _key("two", 90 * DAY, retired=100 * DAY))

    assert ring.is_withdrawn("two", T0 + 100 * DAY)
    assert not ring.is_withdrawn("of tomorrow", T0)
    assert not ring.is_withdrawn(None, T0)
