"""Names, sizes and idioms that hold everywhere in the repository."""

import ast
import re

import pytest

from tests.architecture.repository import Module, calls, files, imports, modules, text

VAGUE = {"utils", "util", "helpers", "helper", "common", "shared", "base", "manager", "managers", "misc"}
"""Names that say where something lies because nobody decided what it is."""

MAX_LINES = 400
LONGER: dict[str, str] = {}
"""Path → why this file may be longer."""

APP = {
    *("__init__.py", "main.py", "settings", "py.typed"),
    *("cli", "crypto", "jobs", "migrations", "models", "outbound", "pipeline", "protocol", "routers", "services"),
    *("store", "telemetry", "views"),
}
RULES = {"authorize", "client_auth", "grant_types", "tokens"}
"""Parts of `protocol` whose tests have a folder of their own."""

TESTS = APP - {"__init__.py", "main.py", "py.typed"} | RULES
TESTS |= {"architecture", "bench", "conftest.py", "endpoints", "examples", "journeys", "original", "support"}
TESTS |= {"conformance", "test_main.py"}
PYTHON = ("app", "bench", "examples", "tests")

SELECT_STAR = re.compile(r"\b(?:SELECT|RETURNING)\s+(?:\w+\.)?\*", re.IGNORECASE)


def below(folder: str) -> set[str]:
    """Return what lies directly in a folder."""
    return {path.removeprefix(f"{folder}/").split("/")[0] for path in files() if path.startswith(f"{folder}/")}


def test_the_product_has_the_rooms_of_the_plan_and_no_others() -> None:
    assert below("app") <= APP


def test_tests_mirror_the_product() -> None:
    assert below("tests") <= TESTS


def test_nothing_has_a_vague_name() -> None:
    paths = [path for path in files() if path.endswith(".py")]
    assert not [path for path in paths if VAGUE & set(path.removesuffix(".py").split("/"))]


def test_no_class_manages_or_helps() -> None:
    classes = [
        f"{module.path}: {node.name}"
        for module in modules(*PYTHON)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and re.search(r"(Manager|Helper|Utils?)$", node.name)
    ]
    assert not classes


def test_exactly_the_files_with_a_reason_are_long() -> None:
    long = {path for path in files() if path.endswith(".py") and text(path).count("\n") > MAX_LINES}
    assert long == set(LONGER)


def test_every_module_says_what_it_is() -> None:
    assert not [module.path for module in modules(*PYTHON) if not ast.get_docstring(module.tree)]


def test_middleware_is_pure_asgi() -> None:
    imported = {name for module in modules("app", "examples") for name, _ in imports(module.tree)}
    assert not [name for name in imported if name.endswith("BaseHTTPMiddleware")]
    assert not [module.path for module in modules("app") for name, _ in calls(module.tree) if name == "middleware"]


def strings(module: Module) -> list[str]:
    """Return the strings of a module, docstrings included."""
    constants = [node.value for node in ast.walk(module.tree) if isinstance(node, ast.Constant)]
    return [value for value in constants if isinstance(value, str)]


def test_sql_names_its_columns() -> None:
    store = [module for module in modules("app") if module.is_in("app.store")]
    assert not [module.path for module in store for string in strings(module) if SELECT_STAR.search(string)]


@pytest.mark.parametrize("sql", ["select * from x", "SELECT t.* FROM t", "delete from t returning\n *"])
def test_a_star_is_found(sql: str) -> None:
    assert SELECT_STAR.search(sql)


def test_counting_is_no_star() -> None:
    assert not SELECT_STAR.search("SELECT count(*) FROM t WHERE a = b * 2")
