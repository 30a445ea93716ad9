"""What must not stand in any file: places of one machine, download hosts, unfinished business."""

import re

import pytest

from tests.architecture.repository import files, text

VENDORED = ("app/views/static/swagger/",)
THIS_FILE = "tests/architecture/test_contents.py"

MACHINE_PATHS = re.compile(r"(?<![\w.$}~])/(?:root|home/\w+|Users/\w+|workspaces?|builds)/[\w.]")
HOSTS = re.compile(r"pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|yarnpkg\.com|deb\.debian\.org|crates\.io")
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b|^(?:<<<<<<<|>>>>>>>) ", re.MULTILINE)

OWN_FILES = [path for path in files() if path != THIS_FILE and not path.startswith(VENDORED)]


def findings(pattern: re.Pattern[str]) -> dict[str, list[str]]:
    """Return what the pattern finds in our own files, by path."""
    return {path: found for path in OWN_FILES if (found := pattern.findall(text(path)))}


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    assert not findings(MACHINE_PATHS)


def test_no_file_names_a_download_host() -> None:
    assert not findings(HOSTS)


def test_every_file_is_finished() -> None:
    assert not findings(UNFINISHED)


@pytest.mark.parametrize("line", ['PATH = "/Users/ann/main"', "cd /root/project", "--data /home/ann/data"])
def test_a_path_of_one_machine_is_found(line: str) -> None:
    assert MACHINE_PATHS.search(line)


@pytest.mark.parametrize("line", ["https://example.com/builds/", "network/root/x", "/var/lib/assent/data"])
def test_other_paths_are_free(line: str) -> None:
    assert not MACHINE_PATHS.search(line)
