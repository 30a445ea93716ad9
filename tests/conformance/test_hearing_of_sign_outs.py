"""Modules about how applications hear of a sign-out: behind the browser's back, in a frame, and by asking a frame."""

import asyncio
import contextlib
import re
from hashlib import sha256
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from app.jobs.deliver import Deliveries
from tests.conformance.parties import AFTERWARDS, FRAME, TOLD_BEHIND, TOLD_IN_FRONT
from tests.conformance.plans import Variant
from tests.conformance.receiver import Receiver
from tests.conformance.relying_party import RelyingParty
from tests.support.service import ISSUER, Service

EVENT = "http://schemas.openid.net/event/backchannel-logout"


async def _sign_out(party: RelyingParty, id_token: str) -> httpx.Response:
    asked = {"id_token_hint": id_token, "post_logout_redirect_uri": AFTERWARDS, "state": "of this sign-out"}
    return await party.browser.get(f"{(await party.known())['end_session_endpoint']}?{urlencode(asked)}")


async def _is_signed_out(party: RelyingParty) -> bool:
    return party.read(await party.page(prompt="none")).get("error") == "login_required"


@pytest.mark.spec("standards", "LB-1")
@pytest.mark.spec("standards", "LB-2")
@pytest.mark.spec("standards", "LB-3")
async def test_oidcc_backchannel_rp_initiated_logout(
    site: Service, receiver: Receiver, newcomer: RelyingParty, variant: Variant
) -> None:
    party = RelyingParty(site, newcomer.browser, variant, TOLD_BEHIND)
    id_token = (await party.sign_in())["id_token"]
    claims = await party.claims(id_token)
    left = await _sign_out(party, id_token)
    assert left.headers["location"] == f"{AFTERWARDS}?state=of+this+sign-out"
    await _delivered(site, receiver)
    assert receiver.requests[0].startswith("POST /logout ")
    assert "content-type: application/x-www-form-urlencoded" in receiver.requests[0].lower()
    [[token]] = [fields.pop("logout_token") for fields in receiver.heard]
    await _check_logout_token(party, token, claims)
    assert await _is_signed_out(party)


async def _delivered(site: Service, receiver: Receiver) -> None:
    """Let a worker deliver until something has been heard."""
    worker = asyncio.create_task(Deliveries(site.server).run(look_every=0.01))
    async with asyncio.timeout(60):
        await receiver.came.wait()
    worker.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await worker


async def _check_logout_token(party: RelyingParty, token: str, login: dict[str, Any]) -> None:
    """OpenID Connect Back-Channel Logout §2.4, §2.6."""
    keys = (await party.browser.get((await party.known())["jwks_uri"])).json()
    read = jwt.decode(token, KeySet.import_key_set(keys), algorithms=["RS256"])
    assert read.header["typ"] == "logout+jwt"
    assert (read.claims["iss"], read.claims["aud"]) == (ISSUER, TOLD_BEHIND)
    assert (read.claims["sub"], read.claims["sid"]) == (login["sub"], login["sid"])
    now = party.site.clock().timestamp()
    assert now - 60 <= read.claims["iat"] <= now < read.claims["exp"] <= now + 300
    assert read.claims["jti"]
    assert read.claims["events"] == {EVENT: {}}
    assert "nonce" not in read.claims


@pytest.mark.spec("standards", "LF-1")
@pytest.mark.spec("standards", "LF-2")
async def test_oidcc_frontchannel_rp_initiated_logout(site: Service, newcomer: RelyingParty, variant: Variant) -> None:
    party = RelyingParty(site, newcomer.browser, variant, TOLD_IN_FRONT)
    id_token = (await party.sign_in())["id_token"]
    claims = await party.claims(id_token)
    page = await _sign_out(party, id_token)
    assert page.status_code == 200
    [frame] = (unescape(source) for source in re.findall(r'<iframe src="([^"]+)"', page.text))
    assert frame.startswith(f"{FRAME}&")
    assert parse_qs(urlsplit(frame).query) == {"tenant": ["1"], "iss": [ISSUER], "sid": [claims["sid"]]}
    assert re.search(r"frame-src [^;]*https://client\.example", page.headers["content-security-policy"])
    assert f'href="{AFTERWARDS}?state=of+this+sign-out"' in page.text
    assert await _is_signed_out(party)


@pytest.mark.spec("standards", "LS-1")
@pytest.mark.spec("standards", "LS-3")
@pytest.mark.spec("standards", "SR-6")
async def test_oidcc_session_management_rp_initiated_logout(newcomer: RelyingParty) -> None:
    answer = await newcomer.answer()
    assert " " not in answer["session_state"]
    assert await _asked_of_the_frame(newcomer, answer["session_state"]) == "unchanged"
    tokens = await newcomer.exchange(answer["code"])
    left = await _sign_out(newcomer, tokens["id_token"])
    assert left.headers["location"].startswith(AFTERWARDS)
    assert await _asked_of_the_frame(newcomer, answer["session_state"]) == "changed"


async def _asked_of_the_frame(party: RelyingParty, session_state: str) -> str:
    """Answer what the server's frame answers a page of the application, from the cookie that the frame reads."""
    frame = await party.browser.get((await party.known())["check_session_iframe"])
    assert (frame.status_code, "x-frame-options" in frame.headers) == (200, False)
    named = re.search(r'data-cookie="([^"]+)"', frame.text)
    assert named is not None
    salt = session_state.partition(".")[2]
    asked = f"{party.client_id} https://client.example {party.browser.cookies.get(named[1], '')} {salt}"
    made = f"{sha256(asked.encode()).hexdigest()}.{salt}"
    return "unchanged" if made == session_state else "changed"
