"""The image: its rules, and the commands of its build stage run for real in a clean place."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.architecture.repository import ROOT, files, text


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of a Dockerfile: `COPY`, `app app`."""

    word: str
    value: str


def instructions(dockerfile: str) -> Iterator[Instruction]:
    """Yield the instructions, continuation lines joined, comments dropped."""
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        if line.strip():
            word, _, value = line.strip().partition(" ")
            yield Instruction(word.upper(), value.strip())


def stages() -> list[list[Instruction]]:
    """Return the instructions of each stage, its FROM first."""
    found: list[list[Instruction]] = []
    for instruction in instructions(text("Dockerfile")):
        if instruction.word == "FROM":
            found.append([])
        found[-1].append(instruction)
    return found


BUILD, RUN = stages()


def values(stage: list[Instruction], word: str) -> list[str]:
    """Return the values of all instructions of one kind."""
    return [instruction.value for instruction in stage if instruction.word == word]


def test_the_linter_has_nothing_to_say() -> None:
    command = [f"{sysconfig.get_path('scripts')}/hadolint", "--no-color", "Dockerfile"]
    linted = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (linted.stdout, linted.returncode) == ("", 0)


def test_both_stages_stand_on_the_same_slim_image_pinned_by_tag() -> None:
    [build], [run] = values(BUILD, "FROM"), values(RUN, "FROM")
    assert build == f"{run} AS build"
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", run)


def test_the_run_stage_takes_nothing_but_the_installed_product() -> None:
    assert values(RUN, "COPY") == ["--from=build /opt/assent /opt/assent"]
    assert not values(RUN, "ADD")


def test_the_process_is_an_unprivileged_user_that_the_system_knows() -> None:
    assert values(RUN, "USER") == ["10001:10001"]
    accounts = " ".join(values(RUN, "RUN"))
    assert "groupadd --gid 10001 assent" in accounts
    assert "useradd --uid 10001 --gid 10001" in accounts
    words = [instruction.word for instruction in RUN]
    assert words.index("RUN") < words.index("USER") < words.index("ENTRYPOINT")


def test_data_lies_in_the_volume() -> None:
    assert values(RUN, "VOLUME") == ["/var/lib/assent"]
    assert any("ASSENT_DATA_DIR=/var/lib/assent/" in value for value in values(RUN, "ENV"))


def test_no_secret_is_baked_in() -> None:
    assert not [
        value for value in values(RUN, "ENV") + values(RUN, "ARG") if re.search(r"SECRET|PASSWORD|TOKEN", value)
    ]


def test_the_health_check_is_a_program_that_the_image_has() -> None:
    [check] = values(RUN, "HEALTHCHECK")
    program, flag, code = json.loads(check.partition("CMD ")[2])
    assert (program, flag) == ("python", "-c")
    compile(code, "healthcheck", "exec")
    assert "http://127.0.0.1:8000/health/live" in code


def test_signals_reach_the_server() -> None:
    assert json.loads(*values(RUN, "ENTRYPOINT")) == ["assent"]
    assert json.loads(*values(RUN, "CMD"))[0] == "serve"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that stands for `/` after the build stage: COPY and RUN were carried out in it, in their order."""
    root = tmp_path_factory.mktemp("image")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", root / "usr"], check=True)
    environment = {"PATH": f"{root}/usr/bin:{os.environ['PATH']}", "HOME": str(root), "LC_ALL": "C.UTF-8"}
    environment["PIP_NO_COMPILE"] = "false"  # which pip reads as "do not compile"; nobody runs that bytecode
    environment |= {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "REQUESTS_"))}
    [workdir] = values(BUILD, "WORKDIR")
    source = root / workdir.removeprefix("/")
    source.mkdir()
    for instruction in BUILD:
        if instruction.word == "COPY":
            *origins, target = shlex.split(instruction.value)
            for origin in origins:
                copy(
                    origin,
                    source / target if len(origins) == 1 and target != "./" else source / target / Path(origin).name,
                )
        elif instruction.word == "RUN":
            command = instruction.value.replace("/opt/", f"{root}/opt/")
            subprocess.run(["/bin/sh", "-ec", command], cwd=source, env=environment, check=True, timeout=300)
    return root / "opt/assent"


def copy(origin: str, target: Path) -> None:
    """Copy a file or a folder of the repository, without what is not committed."""
    for path in files():
        if path == origin or path.startswith(f"{origin}/"):
            destination = target / Path(path).relative_to(origin)
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, destination)


@pytest.mark.slow
def test_the_build_stage_installs_the_whole_product(image: Path) -> None:
    [packages] = image.glob("lib/python3*/site-packages")
    product = {path for path in files() if path.startswith("app/")}
    assert not [path for path in product if not (packages / path).is_file()]


@pytest.mark.slow
def test_the_installed_product_starts(image: Path, tmp_path: Path) -> None:
    command = [f"{image}/bin/assent", "version"]
    answer = subprocess.run(
        command, cwd=tmp_path, env={"PATH": ""}, capture_output=True, text=True, check=True, timeout=60
    )
    assert re.search(r"\b\d+\.\d+\.\d+\b", answer.stdout)


@pytest.mark.slow
def test_the_image_carries_no_installer_and_no_test_tool(image: Path) -> None:
    [packages] = image.glob("lib/python3*/site-packages")
    assert not [name for name in ("pip", "setuptools", "pytest", "hatchling", "mypy") if (packages / name).exists()]
