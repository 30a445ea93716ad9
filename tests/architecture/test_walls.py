"""The import contracts of pyproject.toml, which `make check` runs: each is broken by the offence it is there for."""

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.architecture.repository import ROOT

PACKAGES = (
    *("cli", "routers", "jobs", "pipeline", "services", "migrations", "store", "outbound", "views", "telemetry"),
    *("models", "protocol", "protocol/grant_types", "protocol/client_auth", "crypto"),
)

LAWFUL = {
    "pipeline/settle.py": "import app.store.hot",
    "store/hot.py": "import asyncpg, app.models.user",
    "models/user.py": "import sqlmodel",
    "outbound/client.py": "import httpx",
    "main.py": "import app.pipeline.settle",
    "cli/serve.py": "import app.settings",
    "protocol/grant_types/refresh_token.py": "import urllib.parse",
}

OFFENCES = {
    "layers": {"store/user.py": "import app.pipeline.settle"},
    "neighbours": {"pipeline/page.py": "import app.services.login", "services/login.py": ""},
    "an unlisted package": {"extras/__init__.py": ""},
    "pure": {"protocol/pkce.py": "import asyncio"},
    "settings": {"routers/token.py": "import app.settings"},
    "models": {"services/login.py": "import app.models.user"},
    "sql": {"jobs/expire.py": "import sqlalchemy.orm"},
    "http-clients": {"cli/doctor.py": "import httpx"},
    "grant-types": {"protocol/grant_types/device.py": "import app.protocol.grant_types.refresh_token"},
    "client-auth": {
        "protocol/client_auth/none.py": "import app.protocol.client_auth.mtls",
        "protocol/client_auth/mtls.py": "",
    },
    "acyclic": {"views/render.py": "import app.views.forms", "views/forms.py": "import app.views.render"},
}

WITH_EVERY_TEST = ("layers", "pure", "sql")

CONTRACTS = {"neighbours": "layers", "an unlisted package": "layers"}


def contract_holds(house: Path, contract: str) -> bool:
    """Run one contract on a copy of the house."""
    command = [f"{sysconfig.get_path('scripts')}/lint-imports", "--no-cache", "--no-logo", "--contract", contract]
    run = subprocess.run(command, cwd=house, capture_output=True, text=True, check=False)
    assert "Contracts: " in run.stdout, run.stdout
    return run.returncode == 0


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A tiny house with all packages and nothing forbidden in it."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in ("", *PACKAGES):
        write(tmp_path, {f"{package}/__init__.py": ""})
    write(tmp_path, {"settings.py": "", **LAWFUL})
    return tmp_path


def write(house: Path, sources: dict[str, str]) -> None:
    """Write modules below the house's `app`."""
    for path, source in sources.items():
        file = house / "app" / path.removeprefix("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)


@pytest.mark.parametrize(
    "offence",
    [offence if offence in WITH_EVERY_TEST else pytest.param(offence, marks=pytest.mark.slow) for offence in OFFENCES],
)
def test_a_wall_stands(house: Path, offence: str) -> None:
    contract = CONTRACTS.get(offence, offence)
    assert contract_holds(house, contract)
    write(house, OFFENCES[offence])
    assert not contract_holds(house, contract)
