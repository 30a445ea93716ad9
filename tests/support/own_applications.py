"""People who manage their applications: as a script of our own pages, and below the web."""

from dataclasses import dataclass
from typing import Any

import httpx

from app.crypto.secrets import new_id
from app.protocol.facts import OrganizationFact
from app.protocol.roles import Roles
from app.protocol.scopes import DEFAULT, ScopeRegistry
from app.services.own_applications import Holder
from app.store import members, organizations, users
from app.store.database import Database
from app.store.users import NewUser
from tests.support.api_person import HERE, Person
from tests.support.facts import VERIFIER
from tests.support.service import REDIRECT_URI, Clock, sign_in

PATH = "/api/v1/applications"
CALLBACK = "https://diary.example/callback"
SCOPES = ScopeRegistry(DEFAULT)
ROLES = Roles.chosen({}, SCOPES)


@dataclass(frozen=True, slots=True)
class Developer:
    """A person in his browser. Header names are given with `_` for `-`."""

    person: Person

    @property
    def browser(self) -> httpx.AsyncClient:
        """The browser."""
        return self.person.browser

    async def get(self, path: str) -> httpx.Response:
        """Read something."""
        return await self.browser.get(path, headers=HERE)

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Change something, with everything that a change must carry."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        content = {} if body is None else {"json": body}
        return await self.browser.request(method, path, headers=self.person.headers | more, **content)

    async def made(self, **members: Any) -> dict[str, Any]:
        """Register an application and return the answer with its secret."""
        answer = await self.send("POST", PATH, members)
        assert answer.status_code == 201, answer.text
        content: dict[str, Any] = answer.json()
        return content

    async def read(self, made: dict[str, Any]) -> dict[str, Any]:
        """Return an application as it is now."""
        answer = await self.get(of(made))
        assert answer.status_code == 200, answer.text
        content: dict[str, Any] = answer.json()
        return content


def of(made: dict[str, Any], below: str = "") -> str:
    """Return where an application is, or something below it."""
    return f"{PATH}/{made['client_id']}{below}"


async def developer(browser: httpx.AsyncClient, username: str) -> Developer:
    """Sign somebody in."""
    assert (await sign_in(browser, username)).status_code == 303
    session = (await browser.get("/api/v1/session", headers=HERE)).json()
    return Developer(Person(browser, session["csrf"]))


async def exchange(browser: httpx.AsyncClient, made: dict[str, Any], code: str) -> httpx.Response:
    """Exchange a code as the application, with the secret that it got when it was made."""
    data = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
    return await browser.post("/oauth/token", data=data, auth=(made["client_id"], made["client_secret"]))


async def holder(database: Database, clock: Clock, username: str = "ada", *slugs: str) -> Holder:
    """Register a person, who founds organizations with these slugs."""
    person = NewUser(
        id=new_id(clock()),
        username=username,
        username_key=username,
        email=None,
        email_key=None,
        password_hash=None,
        created_at=clock(),
    )
    founded = tuple(OrganizationFact(new_id(clock()), slug, slug.title(), 1, clock()) for slug in slugs)
    async with database.transaction() as transaction:
        await users.insert_user(transaction, person)
        for organization in founded:
            await organizations.insert_organization(transaction, organization)
            await members.insert_member(transaction, organization.id, person.id, "owner", clock())
    return Holder(person.id, username, founded, ROLES)
