"""Lock files pin what pyproject.toml asks for, by hash, and leave the choice of the download host to who installs."""

import json
import re
import tomllib
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.architecture.repository import files, text

PIN = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>[^\s;]+)(?P<marker> ;[^\\]+)? \\\n(?P<hashes>(?:    --hash=\S+.*\n)+)", re.M
)
LOCKS = {"run": ("project",), "dev": ("project", "dev"), "build": ("build",)}


def project() -> dict[str, Any]:
    """Return pyproject.toml."""
    return tomllib.loads(text("pyproject.toml"))


def declared(source: str) -> list[Requirement]:
    """Return the direct requirements of the project itself, or of a dependency group with the groups in it."""
    if source == "project":
        return [Requirement(line) for line in project()["project"]["dependencies"]]
    found: list[Requirement] = []
    for entry in project()["dependency-groups"][source]:
        found += [Requirement(entry)] if isinstance(entry, str) else declared(entry["include-group"])
    return found


def pins(lock: str) -> dict[str, set[str]]:
    """Return the pinned versions by name; a name may have several, each for its platform."""
    found: dict[str, set[str]] = {}
    for match in PIN.finditer(text(f"requirements/{lock}.txt")):
        found.setdefault(canonicalize_name(match["name"]), set()).add(match["version"])
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_satisfies_the_declaration(lock: str) -> None:
    pinned = pins(lock)
    for requirement in (requirement for source in LOCKS[lock] for requirement in declared(source)):
        versions = pinned[canonicalize_name(requirement.name)]
        assert all(requirement.specifier.contains(Version(version)) for version in versions), requirement


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_of_a_lock_file_is_a_pin_with_a_hash_or_a_comment(lock: str) -> None:
    rest = PIN.sub("", text(f"requirements/{lock}.txt"))
    assert not [line for line in rest.splitlines() if not line.lstrip().startswith("#")]


def test_tests_run_with_the_versions_that_users_run_with() -> None:
    developed = pins("dev")
    assert {name: developed.get(name) for name in pins("run")} == pins("run")


def test_npm_packages_are_pinned_by_hash_without_a_host() -> None:
    for path in (path for path in files() if path.endswith("package-lock.json")):
        packages = json.loads(text(path))["packages"]
        installed = {name: entry for name, entry in packages.items() if name and not entry.get("link")}
        assert not [name for name, entry in installed.items() if "integrity" not in entry or "resolved" in entry]


def test_every_npm_project_has_a_lock_file() -> None:
    projects = [path for path in files() if path.endswith("package.json")]
    assert not [path for path in projects if path.replace("package.json", "package-lock.json") not in files()]
