"""Which tests say that they prove a rule: the `spec` marks of the test functions, read without running them."""

import ast
from functools import cache
from typing import TypeGuard

from tests.architecture.repository import modules

Test = tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]
"""A test as `path::name`, and its syntax tree."""


def marked(document: str) -> dict[str, list[Test]]:
    """Return, by section of a document, the tests that carry its mark."""
    found: dict[str, list[Test]] = {}
    for test, named, section in _marks():
        if named == document and test not in (tests := found.setdefault(section, [])):
            tests.append(test)
    return found


def proofs(document: str) -> dict[str, list[str]]:
    """Return, by section of a document, the names of the tests that carry its mark."""
    return {section: sorted({name for name, _ in tests}) for section, tests in marked(document).items()}


def astray() -> list[str]:
    """Return where a mark stands that is no decorator of a test, so that nobody counts it."""
    counted = {decorator for _, node in _tests() for decorator in node.decorator_list}
    return [
        f"{module.path}:{node.lineno}"
        for module in modules("tests")
        for node in ast.walk(module.tree)
        if _is_mark(node) and node not in counted
    ]


@cache
def _tests() -> tuple[Test, ...]:
    return tuple(
        (f"{module.path}::{node.name}", node)
        for module in modules("tests")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    )


@cache
def _marks() -> tuple[tuple[Test, str, str], ...]:
    """Return every mark: its test, the document, the section."""
    return tuple(
        ((name, node), *(ast.literal_eval(argument) for argument in decorator.args))
        for name, node in _tests()
        for decorator in node.decorator_list
        if _is_mark(decorator)
    )


def _is_mark(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.spec"
