"""Every line of the specifications has its rule and its proof, or says why not."""

import re

import pytest

from tests.architecture import spec_coverage
from tests.architecture.citations import FAMILIES, citations, rule_files
from tests.architecture.marks import astray
from tests.architecture.repository import files
from tests.architecture.spec_coverage import ELSEWHERE, MEMBERS, PAGE, missing, proved, render
from tests.architecture.spec_lines import LINES, SECTIONS

LEVEL = re.compile(r"(MUST|SHOULD|SHALL)( NOT)?|MAY|recommended")
REASON = re.compile(r"later: with \S.*|choice: (?P<decision>\d{4})|not a server's: \S.*")


def test_every_line_has_an_id_of_its_own_a_level_and_words() -> None:
    assert len(LINES) == sum(len(section.lines) for section in SECTIONS)
    assert not [line.id for line in LINES.values() if not LEVEL.fullmatch(line.level)]
    assert not [line.id for line in LINES.values() if not (line.source and line.says) or "|" in line.says]


def test_a_reason_is_a_later_feature_a_decision_or_that_no_server_can_be_tested_for_it() -> None:
    reasons = {line.id: line.reason for line in LINES.values() if line.reason}
    assert not [name for name, reason in reasons.items() if not REASON.fullmatch(reason)]
    decisions = {path.split("/")[2][:4] for path in files() if re.match(r"docs/decisions/\d{4}-", path)}
    named = [found["decision"] for reason in reasons.values() if (found := REASON.fullmatch(reason))]
    assert not [decision for decision in named if decision and decision not in decisions]


def test_every_line_has_a_rule_and_a_proof_or_a_reason() -> None:
    rules, tests = rule_files(), proved()
    lacking = {line.id: missing(line, rules, tests) for line in LINES.values()}
    assert {name: lack for name, lack in lacking.items() if lack} == {}


def test_what_comes_later_is_not_proved_yet() -> None:
    tests = proved()
    assert not [line.id for line in LINES.values() if line.reason.startswith("later") and line.id in tests]


def test_no_mark_names_a_line_that_there_is_not() -> None:
    known = {*LINES, MEMBERS}
    assert not [name for name in proved() if name not in known and name.split("-")[0] not in ELSEWHERE]


def test_every_mark_stands_at_a_test() -> None:
    assert astray() == []


def test_no_rule_cites_a_line_that_there_is_not() -> None:
    unknown = {name: paths for name, paths in rule_files().items() if name not in LINES}
    assert unknown == {}


def test_families_are_listed_here_or_elsewhere() -> None:
    assert not set(FAMILIES) & set(ELSEWHERE)


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "make docs writes it anew"


@pytest.mark.parametrize(
    ("remark", "cited"),
    [
        ("refused (DP-6)", ["DP-6"]),
        ("RF-1, RF-2, AR-6: at most its own list", ["RF-1", "RF-2", "AR-6"]),
        ("for grants (JB-2 to JB-4)", ["JB-2", "JB-3", "JB-4"]),
        ("for grants (JB-2–JB-3)", ["JB-2", "JB-3"]),
        ("AR-17 (h) and AR-1", ["AR-17 (h)", "AR-1"]),
        ("standards G1; A1-3, A1.2 step 6, A1.2 steps 3, 4", ["G1", "A1-3", "A1.2 (6)", "A1.2 (3)", "A1.2 (4)"]),
        ("A1.2 (5) and A1.3 state", ["A1.2 (5)", "A1.3 state"]),
        ("SHA-1, AT-1, X-T-1, T-1a, ES-256, P-256, P-1-bit, UTF-8, draft-T-1, 4.T-1", ["AT-1"]),
    ],
    ids=["one", "several", "words", "dash", "cases", "steps", "parameters", "words that only look so"],
)
def test_a_citation_is_found_and_nothing_else(remark: str, cited: list[str]) -> None:
    assert list(citations(remark)) == cited


def test_the_page_tells_what_is_proved_by_what(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spec_coverage, "rule_files", lambda: {"P-1": ["app/protocol/pkce.py"]})
    monkeypatch.setattr(spec_coverage, "proved", lambda: {"P-1": ["tests/a.py::test_b"]})
    page = render()
    assert "| `app/protocol/pkce.py` | `tests/a.py::test_b` |" in page
    assert f"{len(LINES)} lines: 1 proved" in page
