"""A person with a browser that runs no scripts: signs in, and allows whatever an application or a device asks for."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from app.outbound.visitor import Answer, Visitor

_HOPS = 6
_APPROVAL = re.compile(r'href="(/approvals/[^"]+)"')


@dataclass(frozen=True, slots=True)
class Person:
    """Who signs in."""

    username: str
    password: str = field(repr=False)


async def allow(person: Person, url: str, *, callback: str, ca_file: str | None = None) -> str:
    """Open an authorization request and go through whatever pages come, in a fresh browser.

    Returns the URL below `callback` that the application is called back with; nobody has to listen there.
    """
    async with Visitor(ca_file=ca_file) as browser:
        return await go(browser, person, url, callback=callback)


async def go(browser: Visitor, person: Person, url: str, *, callback: str) -> str:
    """Open an address of the server and go through whatever pages come: sign in, allow, sign out.

    Returns the URL below `callback` that the browser is sent to.
    """
    page = await browser.get(url)
    for _ in range(_HOPS):
        if page.location.startswith(callback):
            return page.location
        page = await _step(browser, page, person)
    raise AssertionError(f"no way back to the application: {page.status} at {page.url}")


async def connect(person: Person, url: str, *, ca_file: str | None = None) -> None:
    """Open the link that a device shows, in a fresh browser, and let the device act for the person."""
    async with Visitor(ca_file=ca_file) as browser:
        page = await browser.get(url)
        for _ in range(_HOPS):
            if (code := page.form_with("device-continue")) is not None:
                page = await browser.post(code.action, code.fields)
            elif (question := page.form_with("consent-approve")) is not None:
                page = await browser.post(question.action, {**question.fields, "holds": "yes"})
                assert urlsplit(page.location).path == "/device/done", f"{page.status} at {page.url}"
                return
            else:
                page = await _step(browser, page, person)
    raise AssertionError(f"no question about a device: {page.status} at {page.url}")


async def approve(person: Person, issuer: str, *, ca_file: str | None = None) -> str:
    """Sign in, in a fresh browser, and allow the newest of what waits for the person's approval.

    Returns what the page said that asked him.
    """
    async with Visitor(ca_file=ca_file) as browser:
        page = await browser.get(f"{issuer}/approvals")
        for _ in range(_HOPS):
            if (waiting := _APPROVAL.search(page.body.decode())) is not None:
                asked = await browser.get(issuer + waiting[1])
                question = asked.form_with("consent-approve")
                assert question is not None, f"{asked.status} at {asked.url}"
                decided = await browser.post(question.action, question.fields)
                assert decided.location, f"{decided.status} at {decided.url}"
                return asked.body.decode()
            page = await _step(browser, page, person)
    raise AssertionError(f"nothing waits: {page.status} at {page.url}")


async def _step(browser: Visitor, page: Answer, person: Person) -> Answer:
    if page.location:
        return await browser.get(page.location)
    if (login := page.form_with("login-submit")) is not None:
        return await browser.post(
            login.action, {**login.fields, "username": person.username, "password": person.password}
        )
    if (consent := page.form_with("consent-approve")) is not None:
        return await browser.post(consent.action, consent.fields)
    if (leaving := page.form_with("logout-confirm")) is not None:
        return await browser.post(leaving.action, leaving.fields)
    raise AssertionError(f"neither login nor consent nor sign-out: {page.status} at {page.url}\n{page.body.decode()}")
