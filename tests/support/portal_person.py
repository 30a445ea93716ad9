"""The developer pages as a person uses them in a browser: forms by where they are sent, and what the answers say."""

import re
from collections.abc import Mapping, Sequence
from html import unescape

import httpx
import pytest

from tests.support import membership
from tests.support.browser import Browser, hidden_fields
from tests.support.site import Site

APPS = "/apps"
CALLBACK = "https://client.example/callback"
_FORM = re.compile(r"<form([^>]*)>(.*?)</form>", re.DOTALL)
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


@pytest.fixture
async def ada(pages: Site) -> Browser:
    """Ada, owner of one organization and member of another, signed in just now, without applications."""
    person = await pages.add_user("ada")
    for slug, role in (("northquay", "owner"), ("saltbarn", "member")):
        organization = await membership.found(pages.server.database, slug, pages.clock())
        await membership.join(pages.server.database, organization, person, role, pages.clock())
    return await pages.signed_in("ada")


@pytest.fixture
async def url(ada: Browser) -> str:
    """The address of a web application of Ada's."""
    return await created(ada)


async def create(browser: Browser, **typed: str) -> httpx.Response:
    """Fill in the form for a new application: a web one of the person himself, unless changed by keyword."""
    fields = hidden_fields(await browser.get(f"{APPS}/new"))
    wanted = {"name": "Deploy Diary", "kind": "web", "owner": "me", "redirect_uris": CALLBACK}
    return await browser.post(f"{APPS}/new", fields | wanted | typed)


async def created(browser: Browser, **typed: str) -> str:
    """Register an application and return the address of its page."""
    answer = await create(browser, **typed)
    assert answer.status_code == 200, answer.text
    return f"{APPS}/{client_id_on(answer)}"


async def press(browser: Browser, page: str, below: str, **typed: str | Sequence[str]) -> httpx.Response:
    """Open a page, fill in the form on it that is sent to `{page}/{below}`, and send it."""
    return await send(browser, await browser.get(page), f"{page}/{below}", typed)


async def send(
    browser: Browser, shown: httpx.Response, action: str, typed: Mapping[str, str | Sequence[str]]
) -> httpx.Response:
    """Fill in a form of a page that is open, and send it."""
    fields: dict[str, str | Sequence[str]] = {**form_to(shown, action), **typed}
    pairs = [
        (name, value) for name, values in fields.items() for value in ([values] if isinstance(values, str) else values)
    ]
    return await browser.post(action, pairs)


async def done(browser: Browser, answer: httpx.Response) -> str:
    """Follow the answer of a form and return the sentence about what was done."""
    assert answer.status_code == 303, answer.text
    shown = await browser.get(answer.headers["location"])
    assert shown.status_code == 200, shown.text
    [sentence] = re.findall(r'<div class="banner banner--done" role="status">.*?<h2>([^<]+)</h2>', shown.text)
    return unescape(sentence)


def form_to(shown: httpx.Response, action: str) -> dict[str, str]:
    """Return the hidden fields of the first form that is sent to this address."""
    found = [inside for attributes, inside in _FORM.findall(shown.text) if f' action="{action}"' in attributes]
    assert found, f"no form to {action}: {shown.status_code}"
    return {name: unescape(value) for name, value in _HIDDEN.findall(found[0])}


def client_id_on(shown: httpx.Response) -> str:
    """Return the client_id that a page shows."""
    [client_id] = re.findall(r'<code class="id" id="client-id">([^<]+)</code>', shown.text)
    return unescape(client_id)


def secret_on(shown: httpx.Response) -> str:
    """Return the secret that a page shows."""
    [secret] = re.findall(r'<textarea[^>]* id="secret"[^>]*>([^<]+)</textarea>', shown.text)
    return unescape(secret)


def problems_on(shown: httpx.Response) -> dict[str, str]:
    """Return the problems of the summary by field; each leads to a field that the page has."""
    assert shown.status_code == 422, shown.text
    assert "<title>Error: " in shown.text
    summary = shown.text.partition('id="problems"')[2].partition("</ul>")[0]
    found = {field: unescape(message) for field, message in re.findall(r'<a href="#([^"]+)">([^<]+)</a>', summary)}
    assert all(f'id="{field}"' in shown.text for field in found)
    return found


def listed(shown: httpx.Response) -> list[str]:
    """Return the names in a list."""
    assert shown.status_code == 200, shown.text
    return [unescape(name) for name in re.findall(r'<a href="/apps/[^"]+"><bdi>([^<]+)</bdi></a>', shown.text)]


def table_secrets(shown: httpx.Response) -> list[str]:
    """Return the addresses behind the Remove links of the secrets, the newest first."""
    return re.findall(r'href="(/apps/[^"]+/secrets/[0-9a-f-]{36}/remove)"', shown.text)
