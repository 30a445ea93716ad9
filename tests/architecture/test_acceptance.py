"""Nothing of the original system is forgotten: every line, case and bug has its row and its proof."""

import re

from tests.architecture.acceptance import BEHAVIOUR, BUGS, DOCUMENT, UNTESTED, proofs, render


def numbered(letter: str, last: int, first: int = 1) -> list[str]:
    """Return the names of a run of lines."""
    return [f"{letter}{number:02}" for number in range(first, last + 1)]


EXPECTED = [
    *(numbered("A", 17) + numbered("T", 17) + numbered("R", 11) + numbered("M", 10) + numbered("P", 18)),
    *(numbered("I", 5) + numbered("K", 6) + numbered("W", 5) + numbered("L", 4)),
]
LATER = {*numbered("P", 17, 9), *numbered("W", 5)}
STATUS = re.compile(r"kept|later|changed because (BUG \d+|RFC \d+ §|architecture §).*")


def test_every_acceptance_line_is_listed() -> None:
    assert [line.name for line in BEHAVIOUR] == EXPECTED


def test_every_line_is_kept_or_changed_for_a_reason_and_only_projects_and_webhooks_come_later() -> None:
    assert not [line for line in BEHAVIOUR if not STATUS.fullmatch(line.status)]
    assert {line.name for line in BEHAVIOUR if line.status == "later"} == LATER


def test_every_line_case_and_bug_has_a_proof() -> None:
    tests = proofs()
    everything = [line.name for line in (*BEHAVIOUR, *UNTESTED, *BUGS) if line.status != "later"]
    assert not [name for name in everything if name not in tests]


def test_every_bug_has_a_regression_test_named_after_it() -> None:
    tests = proofs()
    assert [line.name for line in BUGS] == [f"BUG {number}" for number in range(1, 36)]
    nameless = []
    for line in BUGS:
        number = line.name.removeprefix("BUG ")
        if not any(re.search(rf"::test_bug_0?{number}_", test) for test in tests.get(line.name, ())):
            nameless.append(line.name)
    assert not nameless


def test_no_mark_names_a_line_that_there_is_not() -> None:
    known = {line.name for line in (*BEHAVIOUR, *UNTESTED, *BUGS)}
    assert not [name for name in proofs() if name not in known]


def test_the_document_is_fresh() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == render(), "make docs writes it anew"
