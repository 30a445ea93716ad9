"""The way out of a running server: exemptions and limits as configured, and nothing loaded before it is needed."""

import subprocess
import sys

import pytest

from app.outbound.client import Failed, Refused
from app.store.database import Database
from tests.architecture.repository import ROOT
from tests.support.far_server import far_server
from tests.support.service import service


@pytest.mark.spec("standards", "NS-4")
async def test_a_server_fetches_key_sets_by_its_settings(database: Database) -> None:
    async with far_server(None, "127.0.0.1") as far, far_server(None, "127.0.0.1") as other:
        place = f"127.0.0.1:{far.port}"
        async with service(database, outbound={"allow": [place]}, limits={"document_fetches": 2}) as running:
            key_sets = running.server.key_sets
            with pytest.raises(Refused, match="must use https"):
                await key_sets.keys(f"http://127.0.0.1:{other.port}/")
            with pytest.raises(Refused, match="its address is loopback"):
                await key_sets.keys(f"https://127.0.0.1:{other.port}/")
            for path in ("a", "b"):
                assert await key_sets.keys(f"http://{place}/{path}") == ()
            with pytest.raises(Failed, match="asked too often"):
                await key_sets.keys(f"http://{place}/c")
            running.clock.forward(60)
            assert await key_sets.keys(f"http://{place}/c") == ()
            assert (far.connections, other.connections) == (3, 0)


def test_a_worker_loads_no_http_client_before_its_first_fetch() -> None:
    script = "import sys, app.main; print(sorted({'certifi', 'h11', 'httpcore', 'httpx'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
