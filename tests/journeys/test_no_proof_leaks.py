"""After everything that devices, machines and gateways do, right and wrong, nothing that proves something is kept.

Assertions, proofs, JWTs, device and user codes: in no log, no audit row, no trace, in no other row of the database.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from app.crypto import jose
from app.protocol.grant_types import device_code, jwt_bearer, token_exchange
from tests.journeys.test_no_secret_leaks import Hunt, logs_of, rows_of, visitor
from tests.support import devices
from tests.support.assertions import claims_of, form, key_of, key_set, maced, signed
from tests.support.demo import RunningDemo, running_demo
from tests.support.dpop import Holder
from tests.support.jose import b64
from tests.support.service import PASSWORD, follow, sign_in

API = "https://api.example"
SHARED = "shared-secret-of-one-that-makes-macs-0123456789-abcdefghijklmnop"
PLAIN = "secret-of-one-that-shows-it-0123456789"
GRANTS = ["client_credentials", "refresh_token", device_code.NAME, token_exchange.NAME, jwt_bearer.NAME]
DATA: dict[str, Any] = {
    "users": [{"username": "robin", "password": PASSWORD}],
    "resources": [{"identifier": API, "token_format": "jwt", "introspection_clients": ["signer"]}],
    "applications": [
        {
            "client_id": "signer",
            "grant_types": GRANTS,
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": key_set(key_of("leak"), key_of("leak", "RS256")),
        },
        {
            "client_id": "macs",
            "client_secret": SHARED,
            "grant_types": GRANTS,
            "token_endpoint_auth_method": "client_secret_jwt",
        },
        {
            "client_id": "shows",
            "client_secret": PLAIN,
            "grant_types": GRANTS,
            "token_endpoint_auth_method": "client_secret_post",
        },
        {"client_id": "tv", "grant_types": GRANTS[1:3], "token_endpoint_auth_method": "none"},
    ],
}


@dataclass(slots=True)
class Tour:
    """Whoever goes everywhere, and hides what must not be found. `user_codes` are too short to be hidden as others."""

    demo: RunningDemo
    hunt: Hunt
    browser: httpx.AsyncClient
    holder: Holder = field(default_factory=Holder)
    user_codes: list[str] = field(default_factory=list)

    def hidden(self, text: str) -> str:
        """Hide something that proves; of a JWT every part that says more than which kind it is."""
        self.hunt.hide(text, *(part for part in text.split(".")[1:] if text.count(".") == 2))
        return text

    def assertion(self, client_id: str = "signer", owner: str = "leak", **changes: Any) -> str:
        claims = claims_of(client_id, changes.pop("aud", self.demo.issuer), datetime.now(UTC), **changes)
        self.hunt.hide(claims["jti"])
        text = maced(claims, SHARED.encode()) if client_id == "macs" else signed(claims, key_of(owner))
        return self.hidden(text)

    def proof(self, path: str = "/oauth/token", method: str = "POST", **claims: Any) -> dict[str, str]:
        jti = claims.setdefault("jti", b64(jose.generate("Ed25519")["x"].encode())[:30])
        self.hunt.hide(jti)
        return {"DPoP": self.hidden(self.holder.proof(method, self.demo.issuer + path, **claims))}

    async def post(
        self, path: str, data: Mapping[str, str], expected: int = 200, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        answer = await self.browser.post(path, data=data, headers=headers)
        assert answer.status_code == expected, answer.text
        return answer

    async def token(
        self, data: Mapping[str, str], expected: int = 200, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """Ask for tokens and hide them."""
        content: dict[str, Any] = (await self.post("/oauth/token", data, expected, headers)).json()
        for name in ("access_token", "refresh_token"):
            if name in content:
                self.hidden(content[name])
        return content


async def _machines(tour: Tour) -> str:
    """Every way to authenticate, right and wrong; return a JWT of the signer's."""
    own = {"grant_type": "client_credentials"}
    for client_id in ("signer", "macs"):
        assertion = tour.assertion(client_id)
        await tour.token(own | form(assertion))
        await tour.token(own | form(assertion), 401)  # again
        await tour.token(own | form(tour.assertion(client_id, aud="https://elsewhere.example")), 401)
        await tour.token(own | form(tour.assertion(client_id, exp=5)), 401)
        await tour.token(own | form(tour.assertion(client_id)[:-6] + "AAAAAA"), 401)
        twice = {"client_secret": SHARED, "client_id": client_id}
        await tour.token(own | form(tour.assertion(client_id)) | twice, 400)
        await tour.token(own | form(tour.assertion(client_id)) | {"client_assertion_type": "nonsense"}, 401)
        await tour.token(own | {"client_assertion": tour.assertion(client_id)}, 400)
    shown = own | {"client_id": "shows", "client_secret": PLAIN}
    await tour.token(shown)
    await tour.token(shown | {"client_secret": tour.hidden(PLAIN[::-1])}, 401)
    bound = (await tour.token(shown, headers=tour.proof()))["access_token"]
    replayed = tour.proof()
    await tour.token(shown, headers=replayed)
    for proof in (replayed, tour.proof("/elsewhere"), tour.proof(nonce="n" * 24)):
        await tour.token(shown, 400, proof)
    for token in (bound, "another one"):
        proof = tour.proof("/api/v1/me", "GET", token=token)
        await tour.browser.get("/api/v1/me", headers={"Authorization": f"DPoP {bound}"} | proof)
    await tour.browser.get("/api/v1/me", headers={"Authorization": f"Bearer {bound}"})
    jwt: str = (await tour.token(own | {"resource": API} | form(tour.assertion())))["access_token"]
    assert jwt.count(".") == 2
    return jwt


async def _devices(tour: Tour) -> str:
    """A device of a public application, bound to a key; return the access token that it got."""
    grant = {"grant_type": device_code.NAME, "client_id": "tv"}
    asked = {"client_id": "tv", "scope": "project:read"}
    begun = (await tour.post(devices.ENDPOINT, asked, headers=tour.proof(devices.ENDPOINT))).json()
    tour.hidden(begun["device_code"])
    user_code: str = begun["user_code"]
    ask = grant | {"device_code": begun["device_code"]}
    for proof in (tour.proof(), tour.proof(), None):  # pending, too soon, without the key
        await tour.token(ask, 400, proof)
    await tour.browser.get("/device", params={"user_code": user_code})  # signed out: sent to sign in
    assert (await sign_in(tour.browser, "robin")).status_code == 303
    await tour.browser.get("/device", params={"user_code": user_code})
    wrong = user_code[:-1] + ("C" if user_code.endswith("B") else "B")
    tour.user_codes += [user_code, wrong]
    assert (await devices.type_code(tour.browser, wrong)).status_code == 422
    page = await devices.question(tour.browser, user_code)
    await follow(tour.browser, await devices.answer(tour.browser, page))
    bought = await tour.token(ask, headers=tour.proof())
    await tour.token(ask, 400, tour.proof())  # again
    again = {"grant_type": "refresh_token", "client_id": "tv", "refresh_token": bought["refresh_token"]}
    await tour.token(again, headers=tour.proof())
    await tour.token(again, 400)
    for misplaced in (user_code, bought["access_token"]):
        await tour.token(grant | {"device_code": misplaced}, 400)
    token: str = bought["access_token"]
    return token


async def _gateways(tour: Tour, jwt: str, bound: str) -> None:
    """Exchanges and assertions of others, mostly refused; introspection in both forms; revocation."""
    exchange = {"grant_type": token_exchange.NAME, "subject_token_type": token_exchange.ACCESS_TOKEN}
    bearer = {"grant_type": jwt_bearer.NAME}
    await tour.token(exchange | {"subject_token": jwt, "resource": API} | form(tour.assertion()))
    for subject in (bound, tour.assertion("robin"), jwt[:-6] + "AAAAAA"):
        shown = {"subject_token": subject}
        await tour.token(exchange | shown | {"actor_token": jwt} | form(tour.assertion()), 400)
        await tour.token(exchange | shown | {"subject_token_type": token_exchange.JWT} | form(tour.assertion()), 400)
        await tour.token(bearer | {"assertion": subject} | form(tour.assertion()), 400)
    for accept in ("application/json", "application/token-introspection+jwt"):
        data = {"token": jwt, **form(tour.assertion())}
        answer = await tour.post("/oauth/introspect", data, headers={"accept": accept})
        if "jwt" in accept:
            tour.hidden(answer.text)
    await tour.post("/oauth/introspect", {"token": jwt, "client_id": "signer"}, 401)
    await tour.post("/oauth/revoke", {"token": jwt, **form(tour.assertion())})
    await tour.post("/oauth/revoke", {"token": bound, **form(tour.assertion())}, 400)


async def _misplace(tour: Tour, jwt: str) -> None:
    """Everything where it does not belong: as a name, in a path, in a query, in another header."""
    for text in (tour.assertion(), tour.proof()["DPoP"], jwt):
        await tour.browser.get(f"/oauth/token/{text}", params={"client_assertion": text, "device_code": text})
        await tour.browser.post("/oauth/token", params={"client_assertion": text}, data={"grant_type": text})
        for grant in GRANTS:
            for name in ("client_id", "scope", "device_code", "subject_token", "resource", "audience", "assertion"):
                values = {"client_id": "tv", "grant_type": grant, name: text}
                await tour.browser.post("/oauth/token", data=values, headers={"DPoP": text, "X-Request-Id": text})
        await tour.browser.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=(text, text))
        await tour.browser.post(devices.ENDPOINT, data={"client_id": "tv", "scope": text, "resource": text})
        await tour.browser.get("/device", params={"user_code": text})
        await devices.type_code(tour.browser, text)
        await tour.browser.get("/device/confirm", params={"device": text})
        await tour.browser.get("/api/v1/me", headers={"Authorization": f"DPoP {text}", "DPoP": text})
        await tour.browser.get("/oauth/jwks", headers={"If-None-Match": text}, params={"kid": text})
        await tour.browser.post("/oauth/global-token-revocation", json={"sub_id": {"format": text, text: text}})


@pytest.fixture(scope="module")
def hunt() -> Hunt:
    hunt = Hunt()
    hunt.hide(PASSWORD, SHARED, PLAIN)
    hunt.hide(*(key_of("leak", alg)["d"] for alg in ("ES256", "RS256")))
    return hunt


@pytest.fixture(scope="module")
async def tour(hunt: Hunt) -> AsyncIterator[Tour]:
    """A server where all of that has happened."""
    with running_demo(data=DATA) as running:
        async with visitor(running, hunt) as browser:
            tour = Tour(running, hunt, browser)
            jwt = await _machines(tour)
            bound = await _devices(tour)
            await _gateways(tour, jwt, bound)
            await _misplace(tour, jwt)
        yield tour


def codes_in(tour: Tour, text: str) -> list[str]:
    """Return the user codes that a text holds, in any spelling."""
    return [code for code in tour.user_codes if code in text or code.replace("-", "") in text]


@pytest.mark.spec("standards", "NS-5")
async def test_nothing_that_proves_something_is_logged(tour: Tour) -> None:
    logs = logs_of(tour.demo)
    assert '"outcome":"invalid_dpop_proof"' in logs["stderr"]
    assert '"outcome":"slow_down"' in logs["stderr"]
    assert '"status":500' not in logs["stderr"]
    assert {name: found for name, text in logs.items() if (found := tour.hunt.found_in(text))} == {}
    assert {name: codes for name, text in logs.items() if (codes := codes_in(tour, text))} == {}


@pytest.mark.spec("standards", "G5")
async def test_nothing_that_proves_something_is_stored_as_it_was_sent(tour: Tour) -> None:
    rows = await rows_of(tour.demo)
    for _ in range(600):  # traces are written every half second
        if "device code" in rows["decision_trace"]:
            break
        await asyncio.sleep(0.1)
        rows = await rows_of(tour.demo)
    assert "device code" in rows["decision_trace"]
    assert "device_code.exchanged" in rows["audit"]
    assert all(rows[table] for table in ("proof", "device_grant", "access_token", "revoked_token", "signing_key"))
    assert {name: found for name, text in rows.items() if (found := tour.hunt.found_in(text))} == {}
    assert {name: codes for name, text in rows.items() if (codes := codes_in(tour, text))} == {}


@pytest.mark.spec("standards", "NS-5")
async def test_no_address_that_we_give_out_holds_one(tour: Tour) -> None:
    seen = "\n".join(tour.hunt.seen)
    assert "/device/confirm?device=" in seen
    assert tour.hunt.found_in(seen) == set()
    # The address that the person came with, and no other, has the code that it is for.
    assert codes_in(tour, seen.replace(f"/device?user_code={tour.user_codes[0]}", "")) == []
