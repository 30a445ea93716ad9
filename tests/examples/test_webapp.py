"""The example application beside a real server, as `make run` starts both; a person walks through it by its buttons."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from app.outbound.visitor import Answer, Visitor
from examples.webapp.back_channel import EVENT
from tests.support.demo import RunningDemo, running_demo

SECRET = re.compile(r'<code class="whole">([^<]+)</code>')


@pytest.fixture(scope="module")
def demo() -> Iterator[RunningDemo]:
    with running_demo() as running:
        yield running


class Person:
    """Somebody with a browser who presses what he sees."""

    def __init__(self, demo: RunningDemo, visitor: Visitor) -> None:
        self.demo = demo
        self.visitor = visitor

    async def follow(self, answer: Answer) -> Answer:
        """Let the browser follow redirects up to a page."""
        for _ in range(12):
            if not answer.location:
                return answer
            answer = await self.visitor.get(answer.location)
        raise AssertionError("the browser goes round in circles")

    async def go(self, path: str) -> Answer:
        """Open a page of the application, or press a link of it."""
        return await self.follow(await self.visitor.get(f"{self.demo.url}{path}"))

    async def press(self, page: Answer, button: str, **typed: str) -> Answer:
        """Press a button of a form, after typing into its fields."""
        form = page.form_with(button)
        assert form is not None, f"no {button} on {page.url}"
        return await self.follow(await self.visitor.post(form.action, {**form.fields, **typed}))

    async def sign_in(self) -> Answer:
        """Sign in and allow."""
        page = await self.go("/connect")
        if page.form_with("login-submit") is not None:
            credentials = {"username": self.demo.username, "password": self.demo.password}
            page = await self.press(page, "login-submit", **credentials)
        return await self.press(page, "consent-approve") if page.form_with("consent-approve") else page


@pytest.fixture
async def person(demo: RunningDemo) -> AsyncIterator[Person]:
    async with Visitor() as visitor:
        yield Person(demo, visitor)


def _text(page: Answer) -> str:
    return unescape(page.body.decode())


def _tokens(page: Answer) -> list[str]:
    return SECRET.findall(_text(page))


def _scopes(page: Answer) -> list[str]:
    (listed,) = re.findall(r'id="scopes">(.*?)</ul>', _text(page), re.DOTALL)
    return re.findall(r"<code>([^<]+)</code>", listed)


FIRST = ["openid", "profile", "email", "project:read", "team:read"]


def _claims(page: Answer) -> dict[str, str]:
    """Return what the page says of the ID token."""
    (listed,) = re.findall(r'<dl id="claims">(.*?)</dl>', _text(page), re.DOTALL)
    return dict(re.findall(r"<dt>(.+?)</dt><dd>(.*?)</dd>", listed))


async def test_the_whole_journey_from_sign_in_to_disconnect(demo: RunningDemo, person: Person) -> None:
    page = await person.sign_in()
    assert "Signed in" in _text(page)
    assert _scopes(page) == FIRST
    claims = _claims(page)
    assert (claims["iss"], claims["aud"]) == (demo.issuer, "assent-demo")
    assert "200 OK" in _text(page)
    answered = re.search(r'id="api-answer"[^>]*>(.*?)</pre>', _text(page), re.DOTALL)
    assert answered is not None
    assert json.loads(answered[1])["username"] == demo.username

    more = await person.go("/connect?add=project:releases")
    assert "asks for 1 more permission" in _text(more)
    assert "Already allowed" in _text(more)
    page = await person.press(more, "consent-approve")
    assert _scopes(page) == [*FIRST, "project:releases"]
    assert "New: project:releases." in _text(page)

    before = _tokens(page)
    page = await person.press(page, "refresh")
    assert len(before) == 3
    assert not set(before) & set(_tokens(page))
    assert _scopes(page) == [*FIRST, "project:releases"]
    assert "200 OK" in _text(page)

    last = _tokens(page)
    page = await person.press(page, "disconnect")
    assert "Disconnected" in _text(page)
    refused = await person.visitor.get(f"{demo.issuer}/api/v1/me", bearer=last[1])
    assert refused.status == 401


async def test_whoever_does_not_allow_it_is_back_with_a_plain_sentence(demo: RunningDemo, person: Person) -> None:
    page = await person.go("/connect?add=org:read")
    credentials = {"username": demo.username, "password": demo.password}
    page = await person.press(page, "login-submit", **credentials)

    page = await person.press(page, "consent-deny")

    assert "You did not allow it. Nothing was connected." in _text(page)
    assert "Sign in</a>" in _text(page)


async def test_userinfo_is_about_who_signed_in(demo: RunningDemo, person: Person) -> None:
    subject = _claims(await person.sign_in())["sub"]
    page = await person.go("/userinfo")
    assert "GET /oauth/userinfo" in _text(page)
    answered = re.search(r'id="api-answer"[^>]*>(.*?)</pre>', _text(page), re.DOTALL)
    assert answered is not None
    told = json.loads(answered[1])
    assert (told["sub"], told["preferred_username"]) == (subject, demo.username)


async def test_a_sign_out_goes_to_the_server_and_comes_back(demo: RunningDemo, person: Person) -> None:
    page = await person.press(await person.sign_in(), "sign-out")
    assert "Signed out, here and at the server." in _text(page)
    assert not _tokens(page)
    asked = await person.go("/connect")
    assert asked.form_with("login-submit") is not None


async def test_who_signs_out_at_the_server_is_signed_out_here_without_a_click(
    demo: RunningDemo, person: Person
) -> None:
    await person.sign_in()
    asked = await person.visitor.get(f"{demo.issuer}/logout")
    await person.press(asked, "logout-confirm")
    page = await _once_signed_out(person)
    assert "You were signed out at the server, and so here." in _text(page)


async def _once_signed_out(person: Person) -> Answer:
    """Look at the application again and again until it has heard of the sign-out."""
    for _ in range(1200):
        if not _tokens(page := await person.go("/")):
            return page
        await asyncio.sleep(0.05)
    raise AssertionError("it has not heard of the sign-out")


async def test_no_logout_token_is_believed_that_the_server_did_not_sign(demo: RunningDemo, person: Person) -> None:
    claims = _claims(await person.sign_in())
    forged = {
        "iss": demo.issuer,
        "aud": "assent-demo",
        "iat": int(time.time()),
        "exp": int(time.time()) + 120,
        "jti": "forged",
        "sid": claims["sid"],
        "events": {EVENT: {}},
    }
    token = jwt.encode({"alg": "ES256", "typ": "logout+jwt"}, forged, ECKey.generate_key("P-256"))
    for sent in (token, _tokens(await person.go("/"))[0], "nonsense"):
        answer = await person.visitor.post(f"{demo.url}/backchannel-logout", {"logout_token": sent})
        assert answer.status == 400
    assert _tokens(await person.go("/"))


async def test_an_answer_from_another_server_is_refused(demo: RunningDemo, person: Person) -> None:
    leaving = await person.visitor.get(f"{demo.url}/connect")
    state = parse_qs(urlsplit(leaving.location).query)["state"][0]

    page = await person.go(f"/callback?code=stolen&state={state}&iss=https://evil.example")

    assert "issuer_mismatch" in _text(page)
    assert not _tokens(page)


async def test_a_state_that_this_browser_did_not_begin_is_refused(demo: RunningDemo, person: Person) -> None:
    page = await person.go(f"/callback?code=stolen&state=guessed&iss={demo.issuer}")

    assert "The server refused" in _text(page)
    assert not _tokens(page)


async def test_tokens_are_masked_and_never_in_the_cookie(person: Person) -> None:
    page = await person.sign_in()

    for token in _tokens(page):
        assert f"<code>{token[:5]}…{token[-10:-6]}</code>" in _text(page)
    assert "<details" in _text(page)


async def test_the_demo_is_the_same_at_the_next_start(demo: RunningDemo) -> None:
    kept = json.loads((demo.server.data_dir / "demo.json").read_text())

    assert kept["password"] == demo.password
    assert (demo.server.data_dir / "demo.json").stat().st_mode & 0o777 == 0o600
