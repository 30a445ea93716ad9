"""A till asks for its customer, his phone is told, he allows it with the keyboard alone, and the till hears of that.

Over HTTP, with two workers, and without scripts (CIBA; CB-5, CB-8, CB-11).
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from app.protocol.ciba import PATH
from app.protocol.grant_types import ciba
from tests.journeys.conftest import PASSWORD
from tests.journeys.test_keyboard_journeys import Hands
from tests.support.call_receiver import CallReceiver, call_receiver_beside
from tests.support.chromium import PATIENCE
from tests.support.elsewhere import NOTIFICATION_TOKEN
from tests.support.far_server import HOST, trust
from tests.support.server import Server, directory_for_server, running_server
from tests.support.service import SECRET

HOOK_SECRET = "secret-of-the-service-that-tells-0123456789"
WITHIN = 60.0
"""Seconds. Requests of test set-ups decide themselves at the next look, but this machine may have much else to do."""


@dataclass(frozen=True, slots=True)
class Till:
    """The till, the phones' service, and the server between them."""

    server: Server
    pinged: CallReceiver
    hook: CallReceiver
    http: httpx.Client = field(repr=False)

    def ask(self, person: str, **params: str) -> dict[str, Any]:
        """Ask for somebody."""
        data = {
            "scope": "openid project:read",
            "login_hint": person,
            "client_notification_token": NOTIFICATION_TOKEN,
            **params,
        }
        answer = self.http.post(PATH, data=data, auth=("till", SECRET))
        assert answer.status_code == 200, answer.text
        asked: dict[str, Any] = answer.json()
        return asked

    def poll(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Ask for the tokens."""
        data = {"grant_type": ciba.NAME, "auth_req_id": asked["auth_req_id"]}
        answer: dict[str, Any] = self.http.post("/oauth/token", data=data, auth=("till", SECRET)).json()
        return answer


@pytest.fixture(scope="module")
def till(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Till]:
    """A server with two workers, whose calls go to listeners of this test."""
    trusted = trust(tmp_path_factory.mktemp("trust"), HOST, "127.0.0.1")
    with call_receiver_beside(trusted.context) as pinged, call_receiver_beside() as hook:
        people = [
            {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
            for name in ("robin", "sam", "toni", "noa")
        ]
        application = {
            "client_id": "till",
            "client_name": "Till",
            "client_secret": SECRET,
            "client_uri": "https://till.example",
            "grant_types": [ciba.NAME, "refresh_token"],
            "token_endpoint_auth_method": "client_secret_basic",
            "backchannel_token_delivery_mode": "ping",
            "backchannel_client_notification_endpoint": pinged.url,
        }
        settings = {
            "CIBA__NOTIFICATION_URL": hook.url,
            "CIBA__NOTIFICATION_SECRET": HOOK_SECRET,
            "CIBA__DANGER_AUTO_APPROVE": "toni",
            "CIBA__DANGER_AUTO_DENY": "noa",
            "OUTBOUND__ALLOW": f"{pinged.place},{hook.place}",
            "OUTBOUND__CA_FILE": str(trusted.ca_file),
        }
        data = {"users": people, "applications": [application]}
        with (
            directory_for_server() as directory,
            running_server(directory, workers=2, data=data, settings=settings) as server,
            server.client() as client,
        ):
            yield Till(server, pinged, hook, client)


@contextmanager
def phone(browser: Browser, till: Till) -> Iterator[Hands]:
    """Somebody's phone, which runs no scripts."""
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    context.set_default_timeout(PATIENCE)
    yield Hands(context.new_page(), till.server.issuer)
    context.close()


@pytest.mark.spec("standards", "CB-5")
@pytest.mark.spec("standards", "CB-8")
@pytest.mark.spec("standards", "CB-11")
def test_a_customer_allows_what_his_phone_shows_and_the_till_is_pinged(till: Till, browser: Browser) -> None:
    asked = till.ask("robin", binding_message="Till 4, 12.50 EUR")
    told = till.hook.await_calls(1)[-1]
    assert told.headers["authorization"] == f"Bearer {HOOK_SECRET}"
    assert (told.members["username"], told.members["binding_message"]) == ("robin", "Till 4, 12.50 EUR")
    with phone(browser, till) as robin:
        robin.go(told.members["url"])
        robin.sign_in("robin")
        expect(robin.headline).to_have_text("Allow Till to use your Assent account?")
        expect(robin.page.locator("#binding-message")).to_have_text("Till 4, 12.50 EUR")
        assert till.poll(asked)["error"] == "authorization_pending"
        robin.press("#consent-approve")
        expect(robin.headline).to_have_text("Till is allowed")
        heard = till.pinged.await_calls(1)[-1]
        assert heard.members == {"auth_req_id": asked["auth_req_id"]}
        assert heard.headers["authorization"] == f"Bearer {NOTIFICATION_TOKEN}"
        tokens = till.poll(asked)
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        assert till.http.get("/api/v1/me", headers=bearer).json()["username"] == "robin"
        robin.press(robin.link("See what it may do, or disconnect it"))
        expect(robin.headline).to_contain_text("Till")
    said = till.server.log + till.server.said
    secrets = (asked["auth_req_id"], NOTIFICATION_TOKEN, HOOK_SECRET, tokens["access_token"])
    assert not [secret for secret in secrets if secret in said]


def test_from_his_account_a_person_finds_what_waits_and_refuses_it(till: Till, browser: Browser) -> None:
    asked = till.ask("sam")
    with phone(browser, till) as sam:
        sam.go("/account")
        sam.sign_in("sam")
        sam.press(sam.link("See who asks, and decide"))
        sam.press(sam.link("Till"))
        sam.page.keyboard.press("Tab")
        sam.press("#consent-deny")
        expect(sam.headline).to_have_text("Till was not allowed")
        assert till.poll(asked)["error"] == "access_denied"
        sam.press(sam.link("See what else waits for you"))
        expect(sam.page.get_by_role("heading", level=2, name="Nothing waits for you")).to_be_visible()


def test_requests_of_test_set_ups_decide_themselves_in_time_and_the_operator_is_told(till: Till) -> None:
    assert "Requests to toni are approved by themselves." in till.server.said
    assert "Requests to noa are denied by themselves." in till.server.said
    report = till.server.assent("doctor", check=False).stdout
    assert "requests to toni are approved without anybody" in report
    before = len(till.hook.heard)
    asked = [till.ask("toni"), till.ask("noa")]
    begun = time.monotonic()
    answers: dict[int, str] = {}  # whoever has his answer asks no more: a second time it would be another one
    while len(answers) < len(asked) and time.monotonic() < begun + WITHIN:
        for place, one in enumerate(asked):
            if place not in answers:
                said = till.poll(one).get("error", "tokens")
                if said not in ("authorization_pending", "slow_down"):
                    answers[place] = said
        time.sleep(0.2)
    assert answers == {0: "tokens", 1: "access_denied"}
    assert len(till.hook.heard) == before
