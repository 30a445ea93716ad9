"""The example application beside a real server, as `make run` starts both; a person walks through it by its buttons."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from app.outbound.visitor import Answer, Visitor
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

    async def connect(self) -> Answer:
        """Connect, sign in and allow."""
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


async def test_the_whole_journey_from_connect_to_disconnect(demo: RunningDemo, person: Person) -> None:
    page = await person.connect()
    assert "Connected" in _text(page)
    assert _scopes(page) == ["project:read", "team:read"]
    assert "200 OK" in _text(page)
    answered = re.search(r'id="api-answer"[^>]*>(.*?)</pre>', _text(page), re.DOTALL)
    assert answered is not None
    assert json.loads(answered[1])["username"] == demo.username

    more = await person.go("/connect?add=project:releases")
    assert "asks for 1 more permission" in _text(more)
    assert "Already allowed" in _text(more)
    page = await person.press(more, "consent-approve")
    assert _scopes(page) == ["project:read", "team:read", "project:releases"]
    assert "New: project:releases." in _text(page)

    before = _tokens(page)
    page = await person.press(page, "refresh")
    assert len(before) == 2
    assert not set(before) & set(_tokens(page))
    assert "200 OK" in _text(page)

    last = _tokens(page)
    page = await person.press(page, "disconnect")
    assert "Disconnected" in _text(page)
    refused = await person.visitor.get(f"{demo.issuer}/api/v1/me", bearer=last[0])
    assert refused.status == 401


async def test_whoever_does_not_allow_it_is_back_with_a_plain_sentence(demo: RunningDemo, person: Person) -> None:
    page = await person.go("/connect?add=org:read")
    credentials = {"username": demo.username, "password": demo.password}
    page = await person.press(page, "login-submit", **credentials)

    page = await person.press(page, "consent-deny")

    assert "You did not allow it. Nothing was connected." in _text(page)
    assert "Connect</a>" in _text(page)


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
    page = await person.connect()

    for token in _tokens(page):
        assert f"<code>{token[:5]}…{token[-10:-6]}</code>" in _text(page)
    assert "<details" in _text(page)


async def test_the_demo_is_the_same_at_the_next_start(demo: RunningDemo) -> None:
    kept = json.loads((demo.server.data_dir / "demo.json").read_text())

    assert kept["password"] == demo.password
    assert (demo.server.data_dir / "demo.json").stat().st_mode & 0o777 == 0o600
