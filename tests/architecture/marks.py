"""Which tests say that they prove a rule: the `spec` marks of the test functions, read without running them."""

import ast
from collections.abc import Iterator, Sequence
from typing import TypeGuard

from tests.architecture.repository import modules

Test = tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]
"""A test as `path::name`, and its syntax tree."""


def marked(document: str) -> dict[str, list[Test]]:
    """Return, by section of a document, the tests that carry its mark."""
    found: dict[str, list[Test]] = {}
    for name, node in _tests():
        for section in dict.fromkeys(_sections(node.decorator_list, document)):
            found.setdefault(section, []).append((name, node))
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


def _tests() -> Iterator[Test]:
    for module in modules("tests"):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield f"{module.path}::{node.name}", node


def _sections(decorators: Sequence[ast.expr], document: str) -> Iterator[str]:
    for decorator in decorators:
        if _is_mark(decorator):
            named, section = (ast.literal_eval(argument) for argument in decorator.args)
            if named == document:
                yield section


def _is_mark(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.spec"
