"""The JSON API as a script of our own pages calls it, and the one shape of its errors."""

from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.service import ISSUER, sign_in

AUTHORIZATIONS = "/api/v1/authorizations"
HERE = {"Sec-Fetch-Site": "same-origin"}
PROBLEM = "application/problem+json"
NOBODYS = "00000000-0000-4000-8000-000000000000"
"""An id that no record has."""


@dataclass(frozen=True, slots=True)
class Person:
    """A signed-in browser as a script of our own pages drives it."""

    browser: httpx.AsyncClient
    csrf: str

    @property
    def headers(self) -> dict[str, str]:
        """What a change must carry."""
        return HERE | {"X-CSRF-Token": self.csrf}

    async def get(self, path: str) -> Any:
        """Return the content of what can be read."""
        answer = await self.browser.get(path, headers=HERE)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def delete(self, path: str, **headers: str) -> httpx.Response:
        """Delete with everything that a change must carry; `If_Match` stands for the header."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.browser.delete(path, headers=self.headers | more)

    async def only(self) -> str:
        """Return the path of the one connection there is."""
        [item] = (await self.get(AUTHORIZATIONS))["items"]
        return f"{AUTHORIZATIONS}/{item['id']}"


async def enter(browser: httpx.AsyncClient, username: str) -> Person:
    """Sign somebody in, and leave him without connections."""
    await sign_in(browser, username)
    session = (await browser.get("/api/v1/session", headers=HERE)).json()
    assert session["username"] == username
    person = Person(browser, session["csrf"])
    for item in (await person.get(AUTHORIZATIONS))["items"]:
        assert (await person.delete(f"{AUTHORIZATIONS}/{item['id']}")).status_code == 204
    return person


def assert_problem(answer: httpx.Response, status: int, kind: str) -> None:
    """Check the one error shape."""
    content = answer.json()
    assert (answer.status_code, content["status"]) == (status, status), answer.text
    assert content["type"] == f"{ISSUER}/docs#problem-{kind}"
    assert answer.headers["content-type"] == PROBLEM
    assert answer.headers["cache-control"] == "no-store"
    assert content["instance"] == answer.headers["x-request-id"]
    assert content["title"]
    assert content["detail"]
    assert not [name for name in answer.headers if name.startswith("access-control-")]
