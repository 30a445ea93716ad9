"""Logos that applications keep elsewhere: fetched once for all who look, kept for a while, and not without end."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.outbound import logos
from app.outbound.logos import Logos
from tests.protocol.test_logos import png
from tests.support.far_server import FarServer, answer, far_server, way_out
from tests.support.service import Clock

PICTURE = answer(png(), content_type="image/png")


@pytest.fixture
async def far() -> AsyncIterator[FarServer]:
    async with far_server(None) as running:
        running.says = PICTURE
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def known(far: FarServer, clock: Clock) -> AsyncIterator[Logos]:
    kept = Logos(way_out(far.place), clock)
    yield kept
    await kept.close()


@pytest.mark.spec("standards", "CI-12")
async def test_a_logo_is_fetched_once_for_all_who_look_and_then_kept(
    far: FarServer, known: Logos, clock: Clock
) -> None:
    uri = f"http://{far.place}/logo.png"
    pictures = await asyncio.gather(*(known.get(uri) for _ in range(20)))
    assert {picture and picture.media_type for picture in pictures} == {"image/png"}
    clock.forward(299)
    await known.get(uri)
    assert far.connections == 1
    clock.forward(2)
    await known.get(uri)
    assert far.connections == 2
    assert "Accept: image/png, image/jpeg, image/gif, image/webp\r\n" in far.requests[0]
    assert "cookie" not in far.requests[0].lower()


@pytest.mark.spec("standards", "DR-13")
@pytest.mark.parametrize(
    "says",
    [
        answer(b"<svg/>", content_type="image/svg+xml"),
        answer(b"<script>alert(1)</script>", content_type="image/png"),
        answer(png(), content_type="text/html"),
        answer(png() + b"\0" * 98_304, content_type="image/png"),
        answer(png(), status="404 Not Found", content_type="image/png"),
        answer(b"", "Location: http://127.0.0.1/", status="302 Found", content_type="image/png"),
    ],
    ids=["svg", "script", "html", "too large", "not there", "redirect"],
)
async def test_what_is_no_picture_is_not_shown_and_not_asked_for_again_at_once(
    far: FarServer, known: Logos, clock: Clock, says: bytes
) -> None:
    far.says = says
    uri = f"http://{far.place}/logo.png"
    assert await known.get(uri) is None
    assert await known.get(uri) is None
    assert far.connections == 1
    far.says = PICTURE
    clock.forward(61)
    assert await known.get(uri) is not None


async def test_nothing_leaves_for_an_address_that_is_not_acceptable(far: FarServer, clock: Clock) -> None:
    guarded = Logos(way_out(), clock)
    assert await guarded.get(f"http://{far.place}/logo.png") is None
    assert await guarded.get(f"https://127.0.0.1:{far.port}/logo.png") is None
    assert far.connections == 0


async def test_a_page_waits_only_so_long_and_the_next_one_has_it(far: FarServer, known: Logos) -> None:
    goes_on = asyncio.Event()

    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await goes_on.wait()
        writer.write(PICTURE)

    far.behave = slowly
    uri = f"http://{far.place}/logo.png"
    assert await known.get(uri, within=0.01) is None
    goes_on.set()
    assert await known.get(uri) is not None
    assert far.connections == 1


async def test_what_was_shown_last_is_kept_longest(
    far: FarServer, known: Logos, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logos, "MAX_LOGOS", 2)
    for name in ("one", "two", "one", "three", "one"):
        await known.get(f"http://{far.place}/{name}")
    assert far.connections == 3
    await known.get(f"http://{far.place}/two")
    assert far.connections == 4
