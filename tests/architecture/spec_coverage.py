"""docs/reference/spec-coverage.md: every line of the specifications, the file with its rule, the tests that prove it.

`python -m tests.architecture.spec_coverage` writes it anew. The catalogue is `spec_lines`; a test says by
`@pytest.mark.spec("standards", "DP-6")` what it proves, and a rule file cites the line in a docstring or comment. A
member of the metadata is proved by a test with the mark `A7.1` that names it.
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.architecture.citations import rule_files
from tests.architecture.marks import marked, proofs
from tests.architecture.spec_lines import LINES, SECTIONS
from tests.architecture.spec_lines.line import Line, Section

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "spec-coverage.md"

STANDARDS = "standards"
"""The document that marks name for the lines of this page."""

ELSEWHERE = ("PW",)
"""Families that tests and rules name before their part has its own lines here."""

MEMBERS = "A7.1"
"""The mark of tests about members of the metadata."""


def proved() -> dict[str, list[str]]:
    """Return the tests by the line that they prove."""
    found = proofs(STANDARDS)
    for test, node in marked(STANDARDS).get(MEMBERS, []):
        words = {part.value for part in ast.walk(node) if isinstance(part, ast.Constant)}
        for line in LINES.values():
            if line.kind == "member" and line.id.removeprefix(f"{MEMBERS} ") in words:
                found.setdefault(line.id, []).append(test)
    return found


def missing(line: Line, rules: Mapping[str, list[str]], tests: Mapping[str, list[str]]) -> str:
    """Return what the line lacks; empty when it lacks nothing, or says why."""
    if line.reason:
        return ""
    lacks = ["a test"] if line.id not in tests else []
    if line.kind != "test" and line.id not in rules:
        lacks.append("a rule that cites it")
    return " and ".join(lacks)


def render() -> str:
    """Return the page."""
    rules, tests = rule_files(), proved()
    whole = sum(not line.reason and not missing(line, rules, tests) for line in LINES.values())
    reasoned = sum(bool(line.reason) for line in LINES.values())
    parts = [
        "<!-- Made by `python -m tests.architecture.spec_coverage` (`make docs`): change the code or the tests. -->\n",
        "# The specifications, line by line\n",
        "What the specifications ask of an authorization server, in one sentence each, with the file that has the rule",
        "and the tests that prove it. Rules and tests name the lines by the ids of this page. A line without a test",
        "says why: it comes with a later feature, it was decided otherwise, or it is not a server's to test.\n",
        f"{len(LINES)} lines: {whole} proved, {reasoned} with a reason.\n",
    ]
    for section in SECTIONS:
        parts += _table(section, rules, tests)
    return "\n".join(parts).rstrip() + "\n"


def _table(section: Section, rules: Mapping[str, list[str]], tests: Mapping[str, list[str]]) -> Iterator[str]:
    yield f"## {section.title}\n"
    yield "| Line | From | Level | Says | Rule | Proved by |"
    yield "|---|---|---|---|---|---|"
    for line in section.lines:
        rule = _paths(rules.get(line.id, []))
        proof = _paths(tests.get(line.id, [])) if line.id in tests else (line.reason or "–")
        yield f"| {line.id} | {line.source} | {line.level} | {line.says} | {rule} | {proof} |"
    yield ""


def _paths(paths: list[str]) -> str:
    return "<br>".join(f"`{path}`" for path in paths) or "–"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
