"""Marks of what counts once."""

from datetime import timedelta

import pytest

from app.protocol.single_use import single_use
from tests.support.facts import NOW

HOUR = timedelta(hours=1)


@pytest.mark.spec("standards", "CA-7")
def test_every_hour_up_to_the_last_gets_a_mark() -> None:
    assert single_use("a", now=NOW + timedelta(minutes=59), last=NOW + 2 * HOUR).hours == (
        NOW,
        NOW + HOUR,
        NOW + 2 * HOUR,
    )
    assert single_use("a", now=NOW, last=NOW + timedelta(minutes=59)).hours == (NOW,)


def test_names_are_not_run_together() -> None:
    marks = {
        single_use(*name, now=NOW, last=NOW).digest for name in (("a", "bc"), ("ab", "c"), ("abc",), ("a", "b", "c"))
    }
    assert len(marks) == 4


def test_the_digest_stands_in_no_repr() -> None:
    use = single_use("a", now=NOW, last=NOW)
    assert use.digest.hex() not in repr(use)
    assert repr(use.digest) not in repr(use)
