"""The way out of a running server: exemptions and limits as configured, and nothing loaded before it is needed."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from app.outbound.client import AT_ONCE_FOR_VISITORS, Failed, Refused
from app.store.database import Database
from tests.architecture.repository import ROOT
from tests.support.documents import written
from tests.support.far_server import answer, far_server, trust
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


@pytest.mark.spec("standards", "CI-15")
@pytest.mark.spec("standards", "JW-6")
async def test_nothing_else_that_visitors_set_off_keeps_a_client_from_its_document_or_its_keys(
    database: Database, tmp_path: Path
) -> None:
    full, speak = asyncio.Event(), asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if silent.connections == AT_ONCE_FOR_VISITORS:
            full.set()
        await speak.wait()

    trusted = trust(tmp_path, "127.0.0.1")
    async with far_server(None, "127.0.0.1") as silent, far_server(trusted.context, "127.0.0.1") as far:
        silent.behave = hold
        client_id = f"https://127.0.0.1:{far.port}/client.json"
        far.says = answer(written(client_id=client_id))
        places = [f"127.0.0.1:{one.port}" for one in (silent, far)]
        outbound = {"allow": places, "ca_file": trusted.ca_file}
        limits = {"document_fetches": AT_ONCE_FOR_VISITORS}  # all that visitors may ask of this host
        async with service(database, outbound=outbound, limits=limits) as running:
            objects = running.server.request_documents
            uris = [f"http://{places[0]}/{number}" for number in range(AT_ONCE_FOR_VISITORS)]
            slow = [asyncio.create_task(objects.get(uri, uri)) for uri in uris]
            await full.wait()
            assert (await running.server.client_documents.get(client_id, running.clock())).client_id == client_id
            far.says = answer()
            assert await running.server.key_sets_of_strangers.keys(f"https://{places[1]}/jwks.json") == ()
            speak.set()
            await asyncio.gather(*slow, return_exceptions=True)


def test_a_worker_loads_no_http_client_before_its_first_fetch() -> None:
    script = "import sys, app.main; print(sorted({'certifi', 'h11', 'httpcore', 'httpx'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
