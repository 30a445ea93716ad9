"""Forms that are sent to addresses of others: by the same rules as documents are fetched (NS-4)."""

import asyncio
import socket
from collections.abc import AsyncIterator
from threading import Event
from typing import Any
from urllib.parse import parse_qs

import pytest

from app.outbound.client import AT_ONCE, Answer, Failed, Outbound, Refused
from app.outbound.guard import LOOKUPS
from app.protocol.configuration import OutboundRules
from tests.outbound.test_fetch import flood, put_off_in_a_hurry, say_nothing
from tests.support.far_server import HOST, Count, FarServer, Names, Trust, answer, far_server, trust, way_out

FORM = {"logout_token": "a.b+c/d=", "more": "ü &"}


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    """An authority for this module."""
    return trust(tmp_path_factory.mktemp("trust"), HOST, "127.0.0.1")


@pytest.fixture
async def far(trusted: Trust) -> AsyncIterator[FarServer]:
    """A server of somebody else's."""
    async with far_server(trusted.context) as server:
        yield server


@pytest.mark.spec("standards", "NS-4")
@pytest.mark.spec("standards", "LB-1")
async def test_a_form_is_sent_with_nothing_else(trusted: Trust, far: FarServer) -> None:
    bodies = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int(far.requests[0].split("Content-Length: ")[1].split("\r\n")[0])
        bodies.append((await reader.readexactly(size)).decode("ascii"))
        writer.write(answer(b"", "Set-Cookie: a=b; Path=/"))

    far.behave = take
    assert await way_out(far.place, ca_file=trusted.ca_file).post(far.url, FORM) == Answer(200)
    assert parse_qs(bodies[0]) == {name: [value] for name, value in FORM.items()}
    assert far.requests == [
        f"POST /jwks.json HTTP/1.1\r\nHost: {far.place}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(bodies[0])}\r\nAccept-Encoding: identity\r\nUser-Agent: Assent\r\n"
        "Connection: close\r\n\r\n"
    ]


@pytest.mark.spec("standards", "NS-4")
@pytest.mark.spec("standards", "CB-8")
@pytest.mark.parametrize(
    ("token", "line"),
    [pytest.param("a.b~c", "Authorization: Bearer a.b~c\r\n", id="token"), pytest.param("", "", id="none")],
)
async def test_somebody_is_told_in_json_by_whom_he_knows(trusted: Trust, far: FarServer, token: str, line: str) -> None:
    bodies = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int(far.requests[0].split("Content-Length: ")[1].split("\r\n")[0])
        bodies.append((await reader.readexactly(size)).decode())
        writer.write(answer(b"nobody reads this", status="204 No Content"))

    far.behave = take
    outbound = way_out(far.place, ca_file=trusted.ca_file)
    assert await outbound.tell(far.url, {"auth_req_id": "ü"}, token=token) == Answer(204)
    assert bodies == ['{"auth_req_id":"ü"}']
    assert far.requests == [
        f"POST /jwks.json HTTP/1.1\r\nHost: {far.place}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(bodies[0].encode())}\r\n{line}Accept-Encoding: identity\r\nUser-Agent: Assent\r\n"
        "Connection: close\r\n\r\n"
    ]


@pytest.mark.parametrize("status", [200, 204, 302, 400, 429, 503])
async def test_whatever_is_answered_is_told(trusted: Trust, far: FarServer, status: int) -> None:
    async with far_server(None) as inside:
        far.says = answer(b"", "Retry-After: 7", f"Location: http://{inside.place}/", status=f"{status} Said")
        outbound = way_out(far.place, inside.place, ca_file=trusted.ca_file)
        assert await outbound.post(far.url, FORM) == Answer(status, "7")
        assert inside.connections == 0


@pytest.mark.spec("standards", "NS-4")
@pytest.mark.parametrize(
    ("url", "why"),
    [
        pytest.param("https://10.0.0.1/logout", "must name a public host", id="private address"),
        pytest.param(f"https://{HOST}/logout", "public addresses only", id="name of a private address"),
        pytest.param("http://client.example/logout", "must use https", id="plain"),
        pytest.param("https://client.example:25/logout", "must use port", id="mail"),
    ],
)
async def test_nobody_is_asked_where_nobody_may_be_asked(url: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        await way_out().post(url, FORM)


@pytest.mark.spec("standards", "NS-4")
@pytest.mark.spec("standards", "LB-4")
@pytest.mark.parametrize(
    ("behave", "why"),
    [(say_nothing, "did not answer in time"), (put_off_in_a_hurry, "sends far more")],
)
async def test_who_gives_no_answer_is_not_waited_for(trusted: Trust, far: FarServer, behave: object, why: str) -> None:
    far.behave = behave  # type: ignore[assignment]
    outbound = way_out(far.place, ca_file=trusted.ca_file, deadline=0.5 if behave is say_nothing else 5)
    with pytest.raises(Failed, match=why):
        await outbound.post(far.url, FORM)


@pytest.mark.spec("standards", "NS-4")
async def test_of_an_answer_nothing_is_read_but_its_head(trusted: Trust, far: FarServer) -> None:
    far.behave = flood
    assert (await way_out(far.place, ca_file=trusted.ca_file).post(far.url, FORM)).status == 200


async def test_a_server_that_is_away_is_told_without_its_address(trusted: Trust) -> None:
    async with far_server(None) as gone:
        pass
    with pytest.raises(Failed) as failed:
        await way_out(gone.place).post(gone.url, FORM)
    assert str(failed.value) == "cannot be connected to"


@pytest.mark.spec("standards", "NS-4")
async def test_forms_neither_wait_for_documents_nor_count_as_such() -> None:
    full = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if inside.requests[-1].startswith("GET"):
            full.set()
            await asyncio.Event().wait()
        writer.write(answer(b""))

    count = Count()
    names = Names({HOST: [("127.0.0.1",)]})
    async with far_server(None) as inside:
        inside.behave = hold
        outbound = way_out(inside.place, count=count, names=names, deadline=60)
        url = inside.url.replace("https:", "http:")
        reading = [
            asyncio.create_task(outbound.get(url, accept=("application/json",), max_bytes=9)) for _ in range(AT_ONCE)
        ]
        await full.wait()
        assert (await outbound.post(url, FORM)).status == 200
        assert len(count.hosts) == AT_ONCE
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)


@pytest.mark.spec("standards", "NS-4")
async def test_silent_name_servers_of_receivers_keep_no_document_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    answered, real = Event(), socket.getaddrinfo

    def lookup(host: str, *rest: Any, **named: Any) -> Any:
        if host == "silent.example":
            assert answered.wait(60)
        return real("127.0.0.1", *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    outbound = Outbound(OutboundRules(), Count(), deadline=0.5)
    try:
        heard = await asyncio.gather(
            *(outbound.post("https://silent.example/", FORM) for _ in range(LOOKUPS)), return_exceptions=True
        )
        assert {type(one) for one in heard} == {Failed}
        with pytest.raises(Refused, match="public addresses"):  # it was looked up
            await outbound.get("https://other.example/", accept=("application/json",), max_bytes=1)
    finally:
        answered.set()
