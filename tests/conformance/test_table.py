"""Every module of the plans has its test, or says why it has none; no test is of a module that there is not."""

import ast
from pathlib import Path

from tests.conformance.catalogue import FUNCTIONS, INTENTS, NOT_APPLICABLE, PLANS, function_of
from tests.conformance.page import PAGE, render

MODULES = tuple(FUNCTIONS.values())
FAMILIES = ("test_oidcc_", "test_fapi2_", "test_fapi_ciba_")


def functions() -> list[str]:
    """Return the tests of modules, by their functions' names."""
    trees = [ast.parse(path.read_text()) for path in sorted(Path(__file__).parent.glob("test_*.py"))]
    defined = [node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)]
    return [name for name in defined if name.startswith(FAMILIES)]


def test_every_module_has_one_test_of_its_name_or_a_reason() -> None:
    tested = functions()
    assert len(tested) == len(set(tested))
    assert {module for module in MODULES if function_of(module) not in tested} == set(NOT_APPLICABLE)
    assert all(len(reason.split()) > 3 for reason in NOT_APPLICABLE.values())


def test_no_test_is_of_a_module_that_no_plan_has() -> None:
    assert not set(functions()) - set(FUNCTIONS)


def test_every_module_is_explained() -> None:
    assert set(INTENTS) == set(MODULES)


def test_a_plan_names_no_run_twice() -> None:
    for plan in PLANS:
        assert len(plan.runs) == len(set(plan.runs)), plan.name


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "python -m tests.conformance.page writes it anew"
