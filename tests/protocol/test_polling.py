"""The pace of polling: a rule without a server. Who gets what is in the tests of the grant types."""

from datetime import timedelta

import pytest

from app.protocol import polling
from app.protocol.polling import Pace
from tests.support.facts import NOW

INTERVAL = timedelta(seconds=5)


@pytest.mark.spec("standards", "DC-3")
@pytest.mark.parametrize(
    ("seconds_ago", "pace"),
    [
        pytest.param(None, Pace.STEADY, id="never before"),
        pytest.param(5.0, Pace.STEADY, id="after the interval"),
        pytest.param(4.5, Pace.STEADY, id="early by what a network may do"),
        pytest.param(4.4, Pace.TOO_FAST, id="too early"),
        pytest.param(0.0, Pace.TOO_FAST, id="at once"),
        pytest.param(-0.1, Pace.TOO_FAST, id="before another one that came in later"),
    ],
)
def test_a_client_waits_between_two_questions(seconds_ago: float | None, pace: Pace) -> None:
    asked_last = None if seconds_ago is None else NOW - timedelta(seconds=seconds_ago)
    assert polling.pace(asked_last, INTERVAL, now=NOW) is pace
