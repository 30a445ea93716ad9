"""The guides' examples: settings and data files that the server takes, Python that parses, headings that exist."""

import ast
import re
import textwrap
import tomllib
from pathlib import Path

import pytest

from app.services import data_file
from app.services.data_file.document import TABLES
from app.settings import load
from tests.architecture.repository import ROOT, files, text
from tests.support.certificates import issue

PAGES = [path for path in files() if path.endswith(".md")]
GUIDES = [path for path in PAGES if path.startswith("docs/")]
EVERYTHING = {"ASSENT_FEATURES": '{"global_revocation": true, "implicit": true, "mutual_tls": true}'}

_LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]*)#([^)\s]+)\)")
_CERTIFICATES = re.compile(r'"/etc/assent/[\w-]+\.pem"')


def blocks(language: str) -> list[tuple[str, str]]:
    """Return the fenced blocks of a language, each after the page and line where it begins."""
    fence = re.compile(rf"^( *)```{language}\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
    return [
        (f"{page}:{text(page)[: block.start()].count(chr(10)) + 1}", textwrap.dedent(block[2]))
        for page in GUIDES
        for block in fence.finditer(text(page))
    ]


def anchors(page: Path) -> set[str]:
    """Return what the headings of a page can be linked by."""
    headings = re.findall(r"^#{1,6} (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


TOML = blocks("toml")


@pytest.mark.parametrize("block", [block for _, block in TOML], ids=[place for place, _ in TOML])
def test_every_settings_and_data_file_of_a_guide_is_accepted(block: str, tmp_path: Path) -> None:
    if TABLES.keys() & tomllib.loads(block).keys() and "[[" in block:
        settings = load(environment=EVERYTHING)
        data_file.parse(tomllib.loads(block), settings.scope_registry(), settings.role_set())
        return
    authority = issue("Authority", authority=True).saved(tmp_path, "authority")
    written = tmp_path / "assent.toml"
    written.write_text(_CERTIFICATES.sub(f'"{authority}"', block))
    load(config=written, environment={"ASSENT_HOST": "127.0.0.1"}).configuration()


def test_every_python_example_of_a_guide_parses() -> None:
    for place, block in blocks("python"):
        assert ast.parse(block, place).body


def test_every_link_to_a_heading_finds_it() -> None:
    dead = [
        (page, f"{target}#{anchor}")
        for page in PAGES
        for target, anchor in _LINK.findall(text(page))
        if anchor not in anchors((ROOT / page).parent / target if target else ROOT / page)
    ]
    assert not dead
