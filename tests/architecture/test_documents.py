"""Documents that say something twice: what they say must be so."""

import re
import tomllib
from pathlib import Path, PurePosixPath

import app
from tests.architecture.repository import ROOT, files, text

PAGES = [path for path in files() if path.endswith(".md")]
LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)")
DECISION_HEADINGS = ["Context", "Decision", "Consequences", "Alternatives"]


def test_one_version_is_spoken_of_everywhere() -> None:
    released = re.findall(r"^## \[(\d[^\]]*)\]", text("CHANGELOG.md"), re.MULTILINE)
    project = tomllib.loads(text("pyproject.toml"))["project"]
    assert released[0] == project["version"] == app.__version__


def test_every_link_between_pages_leads_somewhere() -> None:
    dead = [
        (page, link)
        for page in PAGES
        for link in LINK.findall(text(page))
        if not (ROOT / page).parent.joinpath(link).exists()
    ]
    assert not dead


def test_every_make_target_has_a_help_text_and_is_phony() -> None:
    makefile = text("Makefile")
    phony = re.findall(r"^\.PHONY: (\w+)$", makefile, re.MULTILINE)
    helped = re.findall(r"^(\w+):.* ## \S", makefile, re.MULTILINE)
    assert set(phony) - {"install"} == set(helped)


def test_every_make_target_that_a_page_names_exists() -> None:
    targets = set(re.findall(r"^\.PHONY: (\w+)$", text("Makefile"), re.MULTILINE))
    named = {
        (page, target) for page in PAGES for target in re.findall(r"(?:^|`)make ([a-z]+)", text(page), re.MULTILINE)
    }
    assert not [(page, target) for page, target in named if target not in targets]


def test_every_dependency_has_its_line_with_a_reason() -> None:
    listed = re.findall(r"^\| (\w[\w-]*) \|", text("docs/dependencies.md"), re.MULTILINE)
    project = tomllib.loads(text("pyproject.toml"))
    groups = project["dependency-groups"]
    declared = [
        *project["project"]["dependencies"],
        *groups["build"],
        *(line for line in groups["dev"] if isinstance(line, str)),
    ]
    assert sorted(name for name in listed if name != "dependency") == sorted(
        re.split(r"[><=\[]", line)[0] for line in declared
    )


def decisions() -> list[PurePosixPath]:
    """Return the decision records in their order."""
    return [PurePosixPath(path) for path in files() if re.match(r"docs/decisions/\d{4}-[a-z0-9-]+\.md$", path)]


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(path.name[:4]) for path in decisions()] == list(range(1, len(decisions()) + 1))


def test_a_decision_has_the_four_parts_and_fits_on_a_page() -> None:
    for path in decisions():
        content = text(str(path))
        assert re.findall(r"^## (.+)$", content, re.MULTILINE) == DECISION_HEADINGS, path
        assert content.count("\n") <= 60, path


def test_every_decision_is_listed_with_its_title() -> None:
    index = text("docs/decisions/README.md")
    for path in decisions():
        title = re.sub(r"^# \d+\. ", "", text(str(path)).partition("\n")[0])
        assert f"[{title}]({path.name})" in index


def test_the_licence_is_the_one_that_is_declared() -> None:
    project = tomllib.loads(text("pyproject.toml"))["project"]
    assert project["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0, January 2004" in Path(ROOT / "LICENSE").read_text()
