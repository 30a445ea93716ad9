"""The self-check about requests to people: each rule has a case that is fine and one that is not."""

import pytest

from app.protocol.ciba_calls import CallRules
from app.services.doctor import Level
from app.services.doctor_ciba import check_calls


@pytest.mark.parametrize(
    ("rules", "seen"),
    [
        pytest.param(CallRules(), "no ciba.notification_url", id="pages"),
        pytest.param(CallRules("https://tell.example", "s" * 32), "through your service", id="service"),
    ],
)
def test_people_who_can_hear_of_requests_are_fine(rules: CallRules, seen: str) -> None:
    [finding] = check_calls(rules, on=True)
    assert finding.level is Level.OK
    assert seen in finding.seen


def test_a_service_that_cannot_tell_who_calls_is_warned_of() -> None:
    [finding] = check_calls(CallRules("https://tell.example"), on=True)
    assert finding.level is Level.WARN
    assert "stranger" in finding.seen


def test_requests_that_decide_themselves_are_warned_of_by_name() -> None:
    rules = CallRules(approved=frozenset({"robin", "ada"}), denied=frozenset({"sam"}))
    approved, denied, _ = check_calls(rules, on=True)
    assert [finding.level for finding in (approved, denied)] == [Level.WARN, Level.WARN]
    assert approved.seen == "requests to ada, robin are approved without anybody (ciba.danger_auto_approve)"
    assert denied.seen == "requests to sam are denied without anybody (ciba.danger_auto_deny)"


def test_what_is_switched_off_endangers_nobody() -> None:
    [finding] = check_calls(CallRules(approved=frozenset({"ada"})), on=False)
    assert (finding.level, finding.seen) == (Level.OK, "off")
