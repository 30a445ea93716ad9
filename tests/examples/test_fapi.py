"""The example of a FAPI 2.0 application beside a real server: it goes the whole way, and says where that ends."""

import asyncio
import json
import re
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.errors import BadSignatureError

from examples.fapi import register
from examples.fapi.jwts import Signer
from examples.fapi.main import Bank, Refused, discover, flow, main
from tests.support.client_round import ROBIN
from tests.support.login import allow
from tests.support.server import Server, directory_for_server, running_server

DETAILS = [{"type": "account_information", "actions": ["read"]}]
_SETTINGS = {
    "AUTHORIZATION_DETAILS": '{"account_information": {"description": "See your bank accounts"}}',
    "DPOP__REQUIRE_NONCE": "true",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the program has made its key and its registration."""
    made = tmp_path_factory.mktemp("fapi") / "made"
    assert register.main(["--folder", str(made)]) == 0
    return made


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """A server that wants nonces in proofs, so that the program has to repeat what it sends."""
    data = tomllib.loads((folder / register.REGISTRATION).read_text())
    data["users"] = [{"username": ROBIN.username, "password": ROBIN.password, "claims": {"name": "Robin Ashdown"}}]
    with directory_for_server() as directory, running_server(directory, data=data, settings=_SETTINGS) as running:
        yield running


@pytest.fixture
def bank(server: Server, folder: Path) -> Iterator[Bank]:
    with httpx.Client(timeout=60) as http:
        yield discover(http, server.issuer, Signer.of("ledger", folder / register.KEY))


class Agreeing:
    """A person who opens the address that the program prints, and allows what it asks for."""

    def __init__(self, change: tuple[str, str] = ("", "")) -> None:
        self.said: list[str] = []
        self._change = change

    def __call__(self, line: str) -> None:
        self.said.append(line)
        if (address := re.search(r"^http\S+$", line, re.MULTILINE)) is not None:
            threading.Thread(target=self._go, args=(address[0],)).start()

    def _go(self, address: str) -> None:
        back = asyncio.run(allow(ROBIN, address, callback="http://127.0.0.1:"))
        httpx.get(back.replace("/callback", "/favicon.ico"), timeout=60)
        httpx.get(re.sub(*self._change, back), timeout=60)


def test_it_goes_the_whole_way(bank: Bank) -> None:
    person = Agreeing()
    asked: dict[str, Any] = {"scope": "openid profile project:read", "authorization_details": DETAILS}
    renewed = flow(bank, asked, say=person)
    assert [line[0] for line in person.said] == ["1", "2", "3", "4", " ", "5", "6"]
    assert person.said[-2].endswith("Robin Ashdown")
    assert (renewed["token_type"], renewed["authorization_details"]) == ("DPoP", DETAILS)
    assert "refresh_token" not in renewed


def test_it_takes_no_answer_that_somebody_has_changed(bank: Bank) -> None:
    with pytest.raises(BadSignatureError):
        flow(bank, {"scope": "openid"}, say=Agreeing((r"\.[^.]{20}([^.]*)$", r".AAAAAAAAAAAAAAAAAAAA\1")))


def test_it_says_what_the_server_refuses(bank: Bank) -> None:
    with pytest.raises(Refused, match=r"invalid_scope: .*project:burn"):
        flow(bank, {"scope": "project:burn"}, say=lambda _: None)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        pytest.param(["--client-id", "nobody"], "invalid_client", id="not registered"),
        pytest.param(["--details", json.dumps([{"type": "gold"}])], "invalid_authorization_details", id="type"),
        pytest.param(["--issuer", "http://127.0.0.1:9"], "refused", id="no server"),
        pytest.param(["--key", "missing.json"], "missing.json", id="no key"),
    ],
)
def test_it_says_where_it_ended(
    server: Server, folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], why: str
) -> None:
    known = ["--issuer", server.issuer, "--key", str(folder / register.KEY)]
    assert main([*known, *arguments]) == 1
    assert why in capsys.readouterr().err


def test_its_key_is_for_nobody_else_and_is_made_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = folder / register.KEY
    assert key.stat().st_mode & 0o077 == 0
    before = key.read_bytes()
    assert json.loads(before)["d"] not in (folder / register.REGISTRATION).read_text()
    assert register.main(["--folder", str(folder)]) == 1
    assert "is there already" in capsys.readouterr().err
    assert key.read_bytes() == before
