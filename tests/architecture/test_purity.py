"""Rules get the time and chance as arguments; the environment is read in one place."""

import ast

import pytest

from tests.architecture.repository import Module, calls, imports, modules

CHANCE = "app.crypto.secrets"
"""The one module that asks the operating system for random bytes."""

CLOCK_CALLS = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter"}
CHANCE_CALLS = {"uuid1", "uuid3", "uuid4", "uuid5", "uuid6", "uuid7", "uuid8", "urandom", "getrandom", "token_bytes"}
IMPURE_IMPORTS = {"time", "random", "secrets", "os", "subprocess", "threading", "http.client", "urllib.request"}


def pure() -> list[Module]:
    """Return the modules that are to be pure."""
    return [module for module in modules("app") if module.is_in("app.protocol", "app.crypto")]


def impurities(module: Module) -> list[str]:
    """Return what in the module reaches for clock, chance or the outside, with lines."""
    called = {f"{name}() in line {line}" for name, line in calls(module.tree) if name in CLOCK_CALLS | CHANCE_CALLS}
    imported = {f"import {name} in line {line}" for name, line in imports(module.tree) if name in IMPURE_IMPORTS}
    return sorted(called | imported)


def test_no_rule_reads_the_clock_or_throws_dice() -> None:
    found = {module.path: impurities(module) for module in pure() if module.name != CHANCE}
    assert not {path: reasons for path, reasons in found.items() if reasons}


def test_the_source_of_chance_reads_no_clock() -> None:
    [module] = [module for module in pure() if module.name == CHANCE]
    assert not [name for name, _ in calls(module.tree) if name in CLOCK_CALLS]


@pytest.mark.parametrize(
    "line",
    [
        "import time",
        "import random",
        "from os import urandom",
        "x = datetime.now(UTC)",
        "x = uuid.uuid4()",
        "x = uuid4()",
    ],
)
def test_an_impure_line_is_found(line: str) -> None:
    assert impurities(Module("app.protocol.example", "example.py", ast.parse(line)))


def test_taking_a_type_or_an_argument_is_pure() -> None:
    source = "from uuid import UUID\nfrom datetime import datetime\ndef due(now: datetime) -> bool: return now > LIMIT"
    assert not impurities(Module("app.protocol.example", "example.py", ast.parse(source)))


def environment_readers(module: Module) -> list[int]:
    """Return the lines that read the environment. `os.environ.update(…)`, for children and libraries, reads nothing."""
    nodes = list(ast.walk(module.tree))
    written = {id(node.value) for node in nodes if isinstance(node, ast.Attribute) and node.attr == "update"}
    names = {"environ", "environb", "getenv", "getenvb"}
    found = [
        node for node in nodes if isinstance(node, ast.Attribute) and node.attr in names and id(node) not in written
    ]
    return [node.lineno for node in found]


def test_only_settings_read_the_environment() -> None:
    readers = {
        module.path: environment_readers(module) for module in modules("app") if not module.is_in("app.settings")
    }
    assert not {path: lines for path, lines in readers.items() if lines}


@pytest.mark.parametrize("line", ["os.environ['HOME']", "os.getenv('HOME')", "run(env={**os.environ})"])
def test_reading_the_environment_is_found(line: str) -> None:
    assert environment_readers(Module("app.example", "example.py", ast.parse(line)))


def test_environment_is_not_imported_by_name() -> None:
    names = {"os.environ", "os.environb", "os.getenv"}
    assert not [module.path for module in modules("app") for name, _ in imports(module.tree) if name in names]
