"""When a notice of a session's end is sent again, and when it is not (LB-4)."""

from datetime import UTC, datetime, timedelta

import pytest

from app.protocol.features import Feature, FeatureSet
from app.protocol.fetching import Answer
from app.protocol.logout_delivery import (
    ABREAST,
    DELAYS,
    WINDOW,
    Done,
    Verdict,
    abreast,
    delay,
    is_offered,
    judge,
)
from app.protocol.telling import Again, Silence

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
SILENT = Silence("did not answer in time")


def verdict(heard: Answer | Silence, *, attempt: int = 1, left: timedelta = WINDOW, chance: float = 0.5) -> Verdict:
    """Judge what was heard at `NOW`."""
    return judge(heard, attempt=attempt, now=NOW, expires_at=NOW + left, chance=chance)


def after(heard: Answer | Silence) -> timedelta:
    """Return when a first attempt is followed by the second."""
    decided = verdict(heard)
    assert isinstance(decided, Again)
    return decided.at - NOW


@pytest.mark.spec("standards", "LB-4")
@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_an_answer_2xx_is_the_end_of_it(status: int) -> None:
    assert verdict(Answer(status, "60")) == Done("delivered")


@pytest.mark.spec("standards", "LB-4")
@pytest.mark.parametrize("status", [302, 400, 401, 404, 410, 501, 505])
def test_what_another_attempt_would_not_change_is_final(status: int) -> None:
    assert verdict(Answer(status)) == Done("refused", f"answers with status {status}")


@pytest.mark.spec("standards", "LB-4")
@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_trouble_that_may_pass_is_waited_out(status: int) -> None:
    assert verdict(Answer(status)) == Again(NOW + DELAYS[0], f"answers with status {status}")


@pytest.mark.spec("standards", "LB-4")
def test_silence_is_waited_out_unless_nobody_may_ask_there() -> None:
    assert verdict(SILENT) == Again(NOW + DELAYS[0], SILENT.problem)
    assert verdict(Silence("must use https", final=True)) == Done("refused", "must use https")


def test_what_is_written_down_about_a_problem_is_short() -> None:
    assert len(verdict(Silence("x" * 10_000)).problem) == 200


@pytest.mark.spec("standards", "LB-4")
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 1),
        ("0", 1),
        ("90", 90),
        ("Mon, 02 Nov 2026 12:00:30 GMT", 30),
        ("Mon, 02 Nov 2026 12:00:30 -0000", 30),
        ("Mon, 02 Nov 2026 11:00:00 GMT", 1),
        ("soon", 1),
        ("-5", 1),
        ("999999999", 4 * 3600),
        ("Fri, 31 Dec 9999 23:59:59 -1200", 4 * 3600),
        ("Mon, 02 Nov 2026 12:00:30 +99999999999999999999", 1),
        ("1.5", 1),
    ],
)
def test_the_receiver_says_how_long_it_wants_to_be_left_alone(status: int, header: str, seconds: int) -> None:
    assert after(Answer(status, header)) == timedelta(seconds=seconds)


@pytest.mark.spec("standards", "LB-4")
def test_delays_grow_and_stop_growing() -> None:
    waits = [delay(attempt, 0.5) for attempt in range(1, 20)]
    assert waits[: len(DELAYS)] == list(DELAYS)
    assert set(waits[len(DELAYS) :]) == {DELAYS[-1]}
    assert list(DELAYS) == sorted(DELAYS)


def test_no_delay_is_longer_than_the_operator_wants() -> None:
    longest = timedelta(seconds=20)
    assert [delay(attempt, 0.5, longest).seconds for attempt in (1, 2, 3, 9)] == [1, 5, 20, 20]


def test_chance_moves_a_delay_by_a_quarter_at_the_most() -> None:
    assert delay(5, 0.0) == DELAYS[4] * 0.75
    assert delay(5, 1.0) == DELAYS[4] * 1.25


@pytest.mark.spec("standards", "LB-4")
def test_it_ends_when_the_next_attempt_would_come_too_late() -> None:
    assert verdict(SILENT, left=timedelta(seconds=1)) == Done("gave_up", SILENT.problem)
    assert isinstance(verdict(SILENT, left=timedelta(seconds=1.001)), Again)
    assert verdict(Answer(503, "300"), left=timedelta(seconds=300)) == Done("gave_up", "answers with status 503")


def test_a_day_has_more_than_ten_attempts() -> None:
    now, attempt = NOW, 0
    while True:
        attempt += 1
        decided = judge(SILENT, attempt=attempt, now=now, expires_at=NOW + WINDOW, chance=1.0)
        if isinstance(decided, Done):
            break
        now = decided.at
    assert decided.outcome == "gave_up"
    assert attempt > 10


def test_who_fails_time_and_again_gets_one_at_a_time() -> None:
    assert [abreast(failures) for failures in (0, ABREAST - 1, ABREAST, 1000)] == [ABREAST, ABREAST, 1, 1]


def test_nobody_is_told_where_the_feature_is_off() -> None:
    assert is_offered(FeatureSet({Feature.BACKCHANNEL_LOGOUT}))
    assert not is_offered(FeatureSet())
