"""docs/reference/openid-conformance.md: the certification plans, module by module, each with the test of its name.

`python -m tests.conformance.page` writes it anew.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.conformance.catalogue import FUNCTIONS, INTENTS, NOT_APPLICABLE, PLANS, function_of
from tests.conformance.plan import Plan

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "openid-conformance.md"

_HEAD = """\
<!-- Made by `python -m tests.conformance.page` (`make docs`): change the tables or the tests. -->

# The OpenID certification plans, module by module

The OpenID Foundation certifies servers with the plans of its conformance suite. What follows is the structure of those
plans for the profiles that this server has, and for each module a test of the same intent. `make test` runs it in every
variant that is named. Modules of single ecosystems are left out. It is no certification: the suite itself has to be run
for that.
"""


def render() -> str:
    """Return the page."""
    places = _places()
    return "\n".join([_HEAD, *(line for plan in PLANS for line in _section(plan, places))]).rstrip() + "\n"


def _section(plan: Plan, places: dict[str, str]) -> Iterator[str]:
    yield f"## {plan.profile}\n"
    how = f", {plan.how}" if plan.how else ""
    yield f"`{plan.name}`: {len(plan.runs)} {'runs' if len(plan.runs) > 1 else 'run'}{how}.\n"
    yield "| Module | What it is about | Test |"
    yield "| --- | --- | --- |"
    for module in plan.modules:
        test = f"`{places[function_of(module)]}`" if module not in NOT_APPLICABLE else NOT_APPLICABLE[module]
        yield f"| `{module}` | {INTENTS[module]} | {test} |"
    yield ""


def _places() -> dict[str, str]:
    """Return the file of every test of a module."""
    home = Path(__file__).parent
    return {
        name: f"tests/conformance/{path.name}"
        for path in sorted(home.glob("test_*.py"))
        for name in re.findall(r"^async def (test_\w+)", path.read_text(), re.MULTILINE)
        if name in FUNCTIONS
    }


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
