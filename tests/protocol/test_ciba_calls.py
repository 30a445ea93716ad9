"""Who is told of a request to a person, and when he is called again (CB-8, CB-11)."""

from datetime import UTC, datetime, timedelta

import pytest

from app.protocol.ciba_calls import (
    DELAYS,
    Asked,
    CallRules,
    Done,
    Verdict,
    are_offered,
    judge,
    ping,
)
from app.protocol.features import Feature, FeatureSet
from app.protocol.fetching import Answer
from app.protocol.telling import Again, Silence

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
SILENT = Silence("did not answer in time")
LEFT = timedelta(minutes=5)


def verdict(heard: Answer | Silence, *, attempt: int = 1, left: timedelta = LEFT, chance: float = 0.5) -> Verdict:
    """Judge what was heard at `NOW`."""
    return judge(heard, attempt=attempt, now=NOW, expires_at=NOW + left, chance=chance)


@pytest.mark.spec("standards", "CB-8")
@pytest.mark.parametrize("status", [200, 202, 204])
def test_whoever_answers_2xx_has_been_told(status: int) -> None:
    assert verdict(Answer(status)) == Done("told")


@pytest.mark.spec("standards", "CB-8")
@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 410, 501])
def test_redirects_and_refusals_are_final(status: int) -> None:
    assert verdict(Answer(status)) == Done("refused", f"answers with status {status}")


@pytest.mark.spec("standards", "CB-8")
@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_trouble_that_may_pass_is_waited_out(status: int) -> None:
    assert verdict(Answer(status)) == Again(NOW + DELAYS[0], f"answers with status {status}")


@pytest.mark.spec("standards", "CB-8")
def test_silence_is_waited_out_unless_nobody_may_ask_there() -> None:
    assert verdict(SILENT) == Again(NOW + DELAYS[0], SILENT.problem)
    assert verdict(Silence("must use https", final=True)) == Done("refused", "must use https")
    assert verdict(Silence("x" * 500, final=True)) == Done("refused", "x" * 200)


@pytest.mark.spec("standards", "CB-8")
def test_each_delay_is_longer_and_after_a_few_attempts_there_is_none() -> None:
    moments = [verdict(SILENT, attempt=number) for number in range(1, len(DELAYS) + 2)]
    assert moments[:-1] == [Again(NOW + delay, SILENT.problem) for delay in DELAYS]
    assert moments[-1] == Done("gave_up", SILENT.problem)
    assert list(DELAYS) == sorted(DELAYS)


def test_calls_that_failed_together_do_not_come_back_together() -> None:
    early, late = (verdict(SILENT, attempt=3, chance=chance) for chance in (0.0, 1.0))
    assert isinstance(early, Again)
    assert isinstance(late, Again)
    assert early.at < NOW + DELAYS[2] < late.at


def test_nobody_is_called_about_a_request_that_is_over() -> None:
    assert verdict(SILENT, left=DELAYS[0]) == Done("gave_up", SILENT.problem)


@pytest.mark.spec("standards", "CB-8")
def test_a_ping_tells_nothing_of_the_decision() -> None:
    assert ping("asar_1") == {"auth_req_id": "asar_1"}


@pytest.mark.spec("standards", "CB-11")
def test_the_operator_s_service_learns_whom_to_tell_what() -> None:
    asked = Asked("s1", "ada", "ada@example.org", "till", "Till", "W4SCT", NOW, "https://id.example/approvals/1")
    assert asked.members == {
        "sub": "s1",
        "username": "ada",
        "email": "ada@example.org",
        "client_id": "till",
        "client_name": "Till",
        "binding_message": "W4SCT",
        "expires_at": int(NOW.timestamp()),
        "url": "https://id.example/approvals/1",
    }
    assert "email" not in Asked("s1", "ada", "", "till", "Till", "", NOW, "").members


@pytest.mark.parametrize(
    ("rules", "told", "dangerous"),
    [
        pytest.param(CallRules(), False, False, id="nothing"),
        pytest.param(CallRules(url="https://tell.example"), True, False, id="a service"),
        pytest.param(CallRules(approved=frozenset({"ada"})), True, True, id="approved"),
        pytest.param(CallRules(denied=frozenset({"ada"})), True, True, id="denied"),
    ],
)
def test_somebody_is_called_only_where_that_does_something(rules: CallRules, told: bool, dangerous: bool) -> None:
    assert (rules.heeds_people, rules.dangerous) == (told, dangerous)


def test_requests_of_named_people_decide_themselves_however_the_name_is_written() -> None:
    rules = CallRules(approved=frozenset({"ada", "both"}), denied=frozenset({"robin", "both"}))
    decided = [rules.decision_for(name) for name in ("Ada", "ROBIN", "both", "sam")]
    assert decided == ["approve", "deny", "deny", None]


def test_the_secret_of_the_service_is_in_no_text() -> None:
    assert "correct-horse" not in repr(CallRules(url="https://tell.example", secret="correct-horse"))


def test_it_is_offered_with_its_feature() -> None:
    assert are_offered(FeatureSet(Feature))
    assert not are_offered(FeatureSet())
