"""Durations, dates and counts the way the pages say them. All times are aware and shown in UTC."""

from datetime import UTC, datetime, timedelta

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def count(number: int, singular: str, plural: str) -> str:
    """Return "1 permission", "2 permissions"."""
    return f"{number} {singular if number == 1 else plural}"


def duration(seconds: int) -> str:
    """Return a duration in the largest unit that measures it exactly: "30 days", "90 minutes", "45 seconds"."""
    length, unit = next(entry for entry in _UNITS if (seconds % entry[0] == 0 and seconds >= entry[0]) or entry[0] == 1)
    return count(seconds // length, unit, unit + "s")


def waiting_time(seconds: int) -> str:
    """Return how long to wait, rounded up so that nobody comes back too early: "4 minutes", "30 seconds"."""
    length, unit = _largest_unit(seconds)
    return count(-(-seconds // length), unit, unit + "s")


def date(moment: datetime) -> str:
    """Return "3 March 2026"."""
    moment = moment.astimezone(UTC)
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def short_date(moment: datetime) -> str:
    """Return "3 Mar 2026", for tables."""
    moment = moment.astimezone(UTC)
    return f"{moment.day} {_MONTHS[moment.month - 1][:3]} {moment.year}"


def clock(moment: datetime) -> str:
    """Return "14:32 UTC"."""
    return f"{moment.astimezone(UTC):%H:%M} UTC"


def clock_to_the_second(moment: datetime) -> str:
    """Return "14:32:07"; the page says that it is UTC."""
    return f"{moment.astimezone(UTC):%H:%M:%S}"


def day(moment: datetime) -> str:
    """Return "Sunday, 22 November 2026"."""
    return f"{_WEEKDAYS[moment.astimezone(UTC).weekday()]}, {date(moment)}"


def date_and_clock(moment: datetime) -> str:
    """Return "22 November 2026, 09:41 UTC"."""
    return f"{date(moment)}, {clock(moment)}"


def machine(moment: datetime) -> str:
    """Return the exact value for `<time datetime>`: "2026-11-22T09:41:07Z"."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def ago(moment: datetime, now: datetime) -> str:
    """Return "2 hours ago" for less than a week back, then "on 3 March 2026"."""
    passed = now - moment
    if passed < timedelta(minutes=1):
        return "just now"
    if passed >= timedelta(days=7):
        return f"on {date(moment)}"
    seconds = int(passed.total_seconds())
    length, unit = _largest_unit(seconds)
    return f"{count(seconds // length, unit, unit + 's')} ago"


def _largest_unit(seconds: int) -> tuple[int, str]:
    return next((entry for entry in _UNITS if seconds >= entry[0]), _UNITS[-1])
