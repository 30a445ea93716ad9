"""Attacks on what demanding applications rely on: pushed and signed requests, signed answers, FAPI 2.0."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.crypto import jose
from app.crypto.jose_text import encoded
from app.store.database import Database
from tests.support import assertions
from tests.support.assertions import key_of, key_set
from tests.support.fapi import Bank
from tests.support.front_channel import walk
from tests.support.pushing import pushed_url, request_of
from tests.support.request_objects import TYP, address, claims_of, query_of, register_signing, request_object
from tests.support.service import ISSUER, REDIRECT_URI, SECRET, Service, authorize_url, service
from tests.support.signing import keep_keys


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    async with service(database, signing={"algorithms": ["RS256", "PS256", "ES256"]}) as running:
        await keep_keys(running.server)
        await running.user("robin")
        await register_signing(running, "signer")
        await register_signing(running, "mallory")
        async with running.browser() as browser:
            await Bank(running, browser, "bank").register()
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with site.browser() as fresh:
        yield fresh


@pytest.fixture
async def bank(site: Service, browser: httpx.AsyncClient) -> Bank:
    return Bank(site, browser, "bank")


async def push(browser: httpx.AsyncClient, text: str, client_id: str = "signer", **beside: str) -> httpx.Response:
    return await browser.post("/oauth/par", data={"request": text, **beside}, auth=(client_id, SECRET))


HOSTILE: dict[str, Any] = {
    "exp": [10**400, -1, 1e308, True, "1", [], {}, 253402300799],
    "nbf": [10**400, -62135596800, "x"],
    "iat": [-(10**300), False],
    "aud": [[], [ISSUER, 1], {}, None, [[ISSUER]], ""],
    "iss": [1, "", ["signer"]],
    "sub": [1, [], "signer"],
    "jti": [1, [], "", "x" * 5000],
    "client_id": [1, ["signer"], "", "mallory", "signer "],
    "max_age": [10**4000, -1, 1.5, True, "", [], {}],
    "resource": [[1], {}, [[]], ["a"] * 300, "\r\n"],
    "claims": [[], "{", 1, {"id_token": 1}, {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {}}}}}}}}}],
    "authorization_details": [{}, "[", [1], 1],
    "redirect_uri": [[REDIRECT_URI], "", "javascript:alert(1)", REDIRECT_URI + "\n", "https://mallory.example/"],
    "state": [1, "\r\nSet-Cookie: a=b", "\"'<>\\", "\u2028", "x" * 4097, []],
    "response_mode": ["jwt\n", [], "x"],
    "prompt": [["none"], "none login", "\x7f"],
    "scope": [["openid"], "a\"b", "\\", 'openid\u0000', "\u00e9"],
    "nonce": [1, "\n", []],
    "dpop_jkt": ["x", 1],
    "id_token_hint": ["x", "a.b.c", 1],
    "registration": [{}, "{}", 1],
    "request": ["", [], {}, 0],
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_whatever_an_object_says_it_is_an_answer_or_an_error_and_no_fault(
    site: Service, browser: httpx.AsyncClient, name: str
) -> None:
    for value in HOSTILE[name]:
        text = request_object(site, **{name: value})
        pushed = await push(browser, text)
        print(name, repr(value)[:40], pushed.status_code, pushed.text[:200])
        assert pushed.status_code in (201, 400), (value, pushed.text)
        loose = request_object(site, header={"typ": None}, **{name: value})
        for request in (
            address(request=text, redirect_uri=REDIRECT_URI),
            authorize_url("signer", request=loose, scope="openid"),
        ):
            got = await browser.get(request)
            print("   ", got.status_code, got.headers.get("location", "")[:200])
            assert got.status_code in (303, 400), (value, got.text)
            assert got.headers.get("location", REDIRECT_URI).startswith((REDIRECT_URI, "/"))
            assert "mallory.example" not in got.headers.get("location", "")
