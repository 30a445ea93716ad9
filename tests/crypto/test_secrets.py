"""Identifiers and keys."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from app.crypto import secrets
from app.crypto.derivation import derive_key
from app.crypto.secrets import id_time, new_id, random_bytes

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_an_id_is_a_version_7_uuid_that_carries_its_moment(moment: datetime) -> None:
    identifier = new_id(moment)
    assert identifier.version == 7
    assert identifier.variant == "specified in RFC 4122"
    assert abs(id_time(identifier) - moment) <= timedelta(milliseconds=1)


def test_later_ids_sort_after_earlier_ones() -> None:
    ids = [new_id(NOW + timedelta(milliseconds=step)) for step in range(50)]
    assert ids == sorted(ids)
    assert len({new_id(NOW) for _ in range(1000)}) == 1000


def test_ids_of_one_millisecond_sort_in_the_order_of_their_making_also_when_moments_take_turns() -> None:
    moments = [NOW + timedelta(days=1, milliseconds=step) for step in range(5)]
    made = [[new_id(moment) for moment in moments] for _ in range(300)]
    for of_one_moment in zip(*made, strict=True):
        assert list(of_one_moment) == sorted(of_one_moment)


def test_more_ids_than_a_millisecond_can_order_are_different_still_and_carry_its_moment() -> None:
    moment = NOW + timedelta(days=2)
    made = [new_id(moment) for _ in range(5000)]
    assert len(set(made)) == 5000
    assert {id_time(one) for one in made} == {moment}
    assert made[:2048] == sorted(made[:2048])


def test_62_bits_of_an_id_are_drawn_anew_each_time() -> None:
    moment = NOW + timedelta(days=3)
    tails = [new_id(moment).int & (1 << 62) - 1 for _ in range(2000)]
    for bit in range(62):
        ones = sum(tail >> bit & 1 for tail in tails)
        assert 800 < ones < 1200, bit


def test_counters_of_moments_long_gone_are_forgotten() -> None:
    for step in range(3000):
        new_id(NOW + timedelta(days=4, milliseconds=step))
    assert len(secrets._counters) <= 1025


def test_threads_share_the_order() -> None:
    moment = NOW + timedelta(days=5)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: new_id(moment), range(1500)))
    counters = [one.int >> 64 & 0xFFF for one in made]
    assert len(set(counters)) == 1500


def test_keys_differ_by_label_and_root() -> None:
    keys = {derive_key(root, label) for root in (b"a" * 32, b"b" * 32) for label in ("form", "refresh")}
    assert len(keys) == 4
    assert derive_key(b"a" * 32, "form") == derive_key(b"a" * 32, "form")


@pytest.mark.spec("standards", "G5")
def test_random_bytes_have_the_length_that_is_asked() -> None:
    assert len(random_bytes()) == 32
    assert random_bytes(8) != random_bytes(8)


@pytest.mark.parametrize(
    "root", [b"", b"r" * 32, b"a root secret of more than one block of the hash, which is 64 bytes long"]
)
def test_derived_keys_are_those_of_hkdf(root: bytes) -> None:
    """The library's own, which the product does without (RFC 5869)."""
    other = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"assent/form").derive(root)
    assert derive_key(root, "form") == other
