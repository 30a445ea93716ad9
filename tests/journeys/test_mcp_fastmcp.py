"""FastMCP's client as it comes, in an environment of its own: it opens a browser, and listens for the answer itself."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.cli import demo_notes
from tests.support import opened_page
from tests.support.mcp_place import Place, mcp_place, person

pytestmark = pytest.mark.slow

PACKAGE = "fastmcp==4.2.3"
PATIENCE = 120.0
_CHECKOUT = Path(__file__).parents[2]
_AGENT = _CHECKOUT / "tests" / "support" / "fastmcp_agent.py"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The interpreter of an environment with FastMCP, which pip fetches: without a package index these tests fail."""
    home = tmp_path_factory.mktemp("fastmcp")
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    pip = str(home / "bin" / "pip")
    subprocess.run([pip, "install", "--quiet", "--disable-pip-version-check", PACKAGE], check=True)
    return str(home / "bin" / "python")


@pytest.fixture(scope="module")
async def place() -> AsyncIterator[Place]:
    async with mcp_place() as found:
        yield found


@pytest.mark.parametrize("way", ["registered", "registering", "by-document"])
async def test_an_agent_on_fastmcp_connects_refreshes_and_asks_for_more(place: Place, python: str, way: str) -> None:
    options: dict[str, Any] = {
        "registered": {"client_id": demo_notes.CLIENT_ID},
        "registering": {"client_name": "Field agent"},
        "by-document": {"client_metadata_url": place.document},
    }[way]
    environment = {**os.environ, **opened_page.command(person("robin")), "PYTHONPATH": str(_CHECKOUT)}
    pipe = asyncio.subprocess.PIPE
    agent = await asyncio.create_subprocess_exec(
        *(python, str(_AGENT), place.checks, json.dumps(options)),
        env=environment,
        cwd=_CHECKOUT,
        stdout=pipe,
        stderr=pipe,
    )
    try:
        said, complaints = await asyncio.wait_for(agent.communicate(), PATIENCE)
    finally:
        if agent.returncode is None:
            agent.kill()
            await agent.wait()

    assert agent.returncode == 0, complaints.decode()
    told = json.loads(said)
    _, (_, second), (added, _), (notes, _) = told["seen"]
    assert added.startswith("That is note ")
    assert "Water the figs" in notes
    assert len({token for _, token in told["seen"]}) == 3
    assert second
    assert (told["client_id"] == place.document) is (way == "by-document")
