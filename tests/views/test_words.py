"""Durations, dates and counts in words."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.views import words

NOW = datetime(2026, 11, 22, 14, 28, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (2_592_000, "30 days"),
        (86_400, "1 day"),
        (43_200, "12 hours"),
        (3_600, "1 hour"),
        (5_400, "90 minutes"),
        (61, "61 seconds"),
        (1, "1 second"),
        (0, "0 seconds"),
    ],
)
def test_duration_is_exact(seconds: int, said: str) -> None:
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (30, "30 seconds"),
        (60, "1 minute"),
        (61, "2 minutes"),
        (230, "4 minutes"),
        (3_600, "1 hour"),
        (3_601, "2 hours"),
    ],
)
def test_waiting_time_never_brings_anybody_back_too_early(seconds: int, said: str) -> None:
    assert words.waiting_time(seconds) == said


@pytest.mark.parametrize(
    ("passed", "said"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=2, minutes=59), "2 hours ago"),
        (timedelta(days=6, hours=23), "6 days ago"),
        (timedelta(days=7), "on 15 November 2026"),
    ],
)
def test_recent_past_is_relative_and_the_rest_a_date(passed: timedelta, said: str) -> None:
    assert words.ago(NOW - passed, NOW) == said


def test_times_are_said_in_utc_whatever_zone_they_come_in() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=14)))
    assert words.date(elsewhere) == "22 November 2026"
    assert words.short_date(elsewhere) == "22 Nov 2026"
    assert words.date_and_clock(elsewhere) == "22 November 2026, 14:28 UTC"
    assert words.machine(elsewhere) == "2026-11-22T14:28:07Z"


def test_logs_tell_the_day_with_its_weekday_and_the_time_to_the_second() -> None:
    moment = datetime(2026, 11, 22, 9, 5, 7, tzinfo=UTC)
    assert words.day(moment) == "Sunday, 22 November 2026"
    assert words.clock_to_the_second(moment) == "09:05:07"
    elsewhere = moment.astimezone(timezone(timedelta(hours=-10)))
    assert (words.day(elsewhere), words.clock_to_the_second(elsewhere)) == (
        words.day(moment),
        words.clock_to_the_second(moment),
    )
