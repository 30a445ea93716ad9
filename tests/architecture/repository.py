"""The repository as the architecture tests see it: its files, and the syntax trees of its modules."""

import ast
import gc
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Module:
    """A Python file: its dotted name, its path below the root, and its syntax tree."""

    name: str
    path: str
    tree: ast.Module

    def is_in(self, *packages: str) -> bool:
        """Tell whether the module is one of the packages, or inside one."""
        return any(self.name == package or self.name.startswith(f"{package}.") for package in packages)


@cache
def files() -> tuple[str, ...]:
    """Return the paths of all files that are, or would be, committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(sorted(path for path in set(listed.split("\0")) if path and (ROOT / path).is_file()))


def text(path: str) -> str:
    """Return a file's text; bytes that are no UTF-8 are replaced."""
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


@cache
def modules(*roots: str) -> tuple[Module, ...]:
    """Return the modules below the given top-level folders."""
    with _no_search_for_garbage():
        return tuple(_parse(path) for path in files() if path.endswith(".py") and path.split("/")[0] in roots)


def calls(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield the last name of every called expression, and its line: `datetime.now(UTC)` is "now"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Attribute(attr=name) | ast.Name(id=name):
                    yield name, node.lineno


def imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield everything imported, and its line: `from uuid import UUID` is "uuid" and "uuid.UUID"."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                yield from ((alias.name, node.lineno) for alias in aliases)
            case ast.ImportFrom(module=str(origin), names=aliases):
                yield origin, node.lineno
                yield from ((f"{origin}.{alias.name}", node.lineno) for alias in aliases)


@contextmanager
def _no_search_for_garbage() -> Iterator[None]:
    """Trees are millions of objects that all stay; to look for garbage among them takes longer than to parse."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@cache
def _parse(path: str) -> Module:
    name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return Module(name, path, ast.parse(text(path), path))
