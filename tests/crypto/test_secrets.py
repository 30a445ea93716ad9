"""Identifiers and keys."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

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


def test_keys_differ_by_label_and_root() -> None:
    keys = {derive_key(root, label) for root in (b"a" * 32, b"b" * 32) for label in ("form", "refresh")}
    assert len(keys) == 4
    assert derive_key(b"a" * 32, "form") == derive_key(b"a" * 32, "form")


def test_random_bytes_have_the_length_that_is_asked() -> None:
    assert len(random_bytes()) == 32
    assert random_bytes(8) != random_bytes(8)
