"""Whose logo is shown, and what counts as one."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.protocol import logos
from app.protocol.facts import ClientFact
from app.protocol.introductions import Introduction
from tests.support.facts import client

DOCUMENT = "https://notes.example/client.json"


def known_by(document: str, *, verified: bool = False) -> ClientFact:
    return client(client_id=document, self_registered=True, verified=verified)


def sides(width: int, height: int) -> bytes:
    return width.to_bytes(4) + height.to_bytes(4)


def png(width: int = 64, height: int = 64) -> bytes:
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR" + sides(width, height) + b"\x08\x06\x00\x00\x00"


def gif(width: int = 64, height: int = 64, *, picture: tuple[int, int, int, int] = (0, 0, 64, 64)) -> bytes:
    """A GIF with a table of two colours, a remark, and a picture at a place, of a size."""
    screen = b"GIF89a" + width.to_bytes(2, "little") + height.to_bytes(2, "little") + b"\x80\x00\x00" + b"\x00" * 6
    return screen + b"!\xfe\x02,,\x01,\x00" + b"," + b"".join(one.to_bytes(2, "little") for one in picture) + b"\x00"


def jpeg(width: int = 64, height: int = 64, frame: int = 0xC2) -> bytes:
    app = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    table = b"\xff\xc4\x00\x04\x00\x00"
    return b"\xff\xd8" + app + table + bytes((0xFF, frame, 0, 17, 8)) + height.to_bytes(2) + width.to_bytes(2) + b"\x03"


def webp(kind: bytes, rest: bytes) -> bytes:
    return b"RIFF\x00\x00\x00\x00WEBP" + kind + b"\x00\x00\x00\x00" + rest


def lossy(width: int = 64, height: int = 64) -> bytes:
    return webp(b"VP8 ", b"\x00\x00\x00\x9d\x01\x2a" + width.to_bytes(2, "little") + height.to_bytes(2, "little"))


def lossless(width: int = 64, height: int = 64) -> bytes:
    return webp(b"VP8L", b"\x2f" + (width - 1 | height - 1 << 14).to_bytes(4, "little"))


def extended(width: int = 64, height: int = 64) -> bytes:
    return webp(b"VP8X", b"\x10\x00\x00\x00" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"))


@pytest.mark.spec("standards", "CI-12")
@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (png(), "image/png"),
        (gif(), "image/gif"),
        (gif()[:10] + b"\x00" + gif()[11:13] + gif()[19:], "image/gif"),
        (jpeg(), "image/jpeg"),
        (jpeg(frame=0xC0), "image/jpeg"),
        (lossy(), "image/webp"),
        (lossless(), "image/webp"),
        (extended(), "image/webp"),
        (png(4096, 1), "image/png"),
    ],
    ids=[
        "png",
        "gif",
        "gif without colours",
        "jpeg",
        "jpeg of the first kind",
        "lossy webp",
        "lossless webp",
        "extended webp",
        "wide png",
    ],
)
def test_a_picture_is_what_its_bytes_say(body: bytes, media_type: str) -> None:
    assert logos.read(body) == logos.Picture(media_type, body)


@pytest.mark.spec("standards", "DR-13")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!doctype html><script>alert(1)</script>",
        b"\x89PNG\r\n\x1a\n<script>",
        png(4097, 1),
        png(64, 0),
        gif(65_535, 65_535),
        gif(picture=(0, 0, 30_000, 64)),
        gif(picture=(0, 4090, 64, 64)),
        gif()[:12],
        gif()[:19] + b";",
        gif()[:22],
        b"\xff\xd8\xff\xff\xc0\x00\x11\x08\xff\xff\xff\xff".ljust(4 + 0xC000, b"\x00") + jpeg()[-11:],
        b"\xff\xd8\xff\x01\x00\x02" + jpeg()[2:],
        jpeg(1, 4097),
        lossy(8192, 1),
        lossless(16_384, 1),
        extended(70_000, 1),
        b"\xff\xd8",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe0\xff\xff",
        b"\xff\xd8\x00\x00",
        webp(b"ALPH", b"\x00" * 20),
        b"RIFF\x00\x00\x00\x00WAVE",
        png()[:18],
    ],
    ids=[
        *("nothing", "svg", "html", "half a png", "too wide", "flat", "huge gif"),
        *("gif with a wide picture", "gif with a low one", "gif of a head", "gif of nothing", "gif that ends"),
        *("jpeg that pads its frame", "jpeg with a marker alone"),
        *("huge jpeg", "huge webp"),
        *("huge lossless", "huge extended", "jpeg without a frame", "jpeg of three bytes", "jpeg that ends"),
        "jpeg that is none",
        *("webp of nothing", "sound", "png that ends"),
    ],
)
def test_everything_else_is_no_logo(body: bytes) -> None:
    assert logos.read(body) is None


@pytest.mark.spec("standards", "CI-12")
@pytest.mark.spec("standards", "DR-13")
@pytest.mark.parametrize(
    ("who", "logo_uri", "shown"),
    [
        (client(verified=True), "https://cdn.example/logo.png", True),
        (client(owner_name="Saltbarn", verified=True), "https://cdn.example/logo.png", True),
        (client(owner_name="Saltbarn", verified=False), "https://cdn.example/logo.png", False),
        (client(self_registered=True, verified=False), "https://cdn.example/logo.png", False),
        (known_by(DOCUMENT), "https://notes.example/logo.png", True),
        (known_by(DOCUMENT), "https://cdn.example/logo.png", False),
        (known_by(DOCUMENT), "https://notes.example:8443/logo.png", False),
        (known_by(DOCUMENT), "https://a@notes.example/logo.png", False),
        (known_by(DOCUMENT, verified=True), "https://cdn.example/logo.png", True),
        (client(), "", False),
    ],
    ids=[
        *("operator", "checked", "unchecked", "registered itself", "document", "document, elsewhere"),
        *("document, other port", "document, no address", "document, checked", "none"),
    ],
)
def test_a_logo_is_shown_where_somebody_answers_for_it(who: ClientFact, logo_uri: str, shown: bool) -> None:
    found = logos.logo_of(replace(who, introduction=Introduction(logo_uri=logo_uri)))
    assert found == (logo_uri if shown else "")


@pytest.mark.parametrize(
    ("said", "kept"), [(None, 300), (0, 300), (1800, 1800), (10_000_000, 86_400)], ids=["nothing", "no", "some", "ever"]
)
def test_a_logo_is_kept_as_long_as_its_server_says_within_bounds(said: int | None, kept: int) -> None:
    assert logos.kept_for(said) == timedelta(seconds=kept)
