"""A whole world of somebody's: a person and an organization with one of everything, marked so that it can be found.

Every text that people write holds the mark, in one spelling or another, and so do the addresses; ids are told by kind.
Rows go straight into the database, which is what another worker would have left there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
from sqlalchemy import insert

from app.crypto.hashing import digest
from app.crypto.secrets import new_id, random_bytes
from app.models import (
    AccessToken,
    ApiKey,
    Application,
    ApplicationSecret,
    Audit,
    Authorization,
    AuthorizationScope,
    BackchannelRequest,
    BrowserSession,
    DecisionTrace,
    GrantCode,
    InitialAccessToken,
    Organization,
    OrganizationInvitation,
    OrganizationMember,
    PersonalToken,
    Resource,
    TokenFamily,
    User,
)
from app.protocol.grant_types import ciba
from app.protocol.scopes import ABOUT_PEOPLE
from app.protocol.token_format import Credential, Prefix, format_credential
from app.store.transaction import Transaction
from app.views.addresses import segment_of
from tests.support.api_person import HERE
from tests.support.facts import CHALLENGE
from tests.support.service import ISSUER, REDIRECT_URI, Service

BROWSER = "A" * 43
"""What the cookie of every browser here holds: the tokens in forms are then the same."""

LAST_FOUR = "¤{}¤"
"""What stands for the last characters of secrets: no credential of ours can hold it by chance."""


PAIRS = ["project:read", "event:read", "claim:nickname", "detail:payment"]
"""What everybody has allowed his application."""


@dataclass(frozen=True, slots=True)
class World:
    """What one person has. `ids` are by kind, as paths and bodies name them; `secrets` are credentials by kind."""

    mark: str
    user_id: UUID
    organization_id: UUID
    ids: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)

    @property
    def marks(self) -> tuple[str, ...]:
        """By these texts its rows and everything that tells of them are known."""
        return (
            self.mark,
            self.mark.lower(),
            LAST_FOUR.format(self.mark[:2]),
            *self.ids.values(),
            *self.secrets.values(),
        )


class _Builder:
    """Inserts the rows of one world, one kind after the other."""

    def __init__(self, site: Service, transaction: Transaction, mark: str, scopes: tuple[str, ...]) -> None:
        self.now, self.transaction, self.mark, self.scopes = site.clock(), transaction, mark, list(scopes)
        self.name, self.last_four = mark.lower(), LAST_FOUR.format(mark[:2])
        self.ids: dict[str, str] = {}
        self.secrets: dict[str, str] = {}
        self.user_id, self.companion_id, self.organization_id = (new_id(self.now) for _ in range(3))
        self.application_id, self.record_id, self.family_id = (new_id(self.now) for _ in range(3))

    async def add(self, model: type[Any], **values: Any) -> UUID:
        """Insert a row and return its id; moments that every row has are filled in."""
        for name in ("created_at", "updated_at"):
            if name in model.model_fields:
                values.setdefault(name, self.now)
        if "id" in model.model_fields:
            values.setdefault("id", new_id(self.now))
        await self.transaction.execute(insert(model).values(**values))
        row_id: UUID = values.get("id", self.user_id)
        return row_id

    def credential(self, prefix: Prefix, row_id: UUID | None = None) -> tuple[UUID, bytes, str]:
        """Return a new credential: id, digest and text."""
        made = Credential(row_id or new_id(self.now), random_bytes())
        return made.id, digest(made.secret), format_credential(prefix, made)

    async def people(self, *, operator: bool) -> None:
        """A person, and a companion who has the same role in all of his organizations."""
        for user_id, name in ((self.user_id, self.name), (self.companion_id, f"{self.name}-2")):
            await self.add(
                User, id=user_id, sub=user_id.hex, username=name, username_key=name, email=f"{name}@mail.example",
                email_key=f"{name}@mail.example", claims={"name": f"{self.mark} {name[-1]}"}, operator=operator,
            )  # fmt: skip
        self.ids |= {"user": str(self.user_id), "username": self.name, "companion": str(self.companion_id)}
        self.ids["sub"] = self.user_id.hex

    async def organizations(self) -> None:
        """One organization that owns things and one that owns nothing, with an open invitation and two keys."""
        for kind, organization_id in (("slug", self.organization_id), ("spare", new_id(self.now))):
            slug = self.name if kind == "slug" else f"{self.name}-spare"
            await self.add(Organization, id=organization_id, slug=slug, name=f"{self.mark} Works")
            for user_id in (self.user_id, self.companion_id):
                await self.add(
                    OrganizationMember, organization_id=organization_id, user_id=user_id, role="owner",
                    joined_at=self.now,
                )  # fmt: skip
            self.ids[kind] = slug
        self.ids["organization_id"] = str(self.organization_id)
        invitation_id, kept, link = self.credential(Prefix.INVITATION)
        await self.add(
            OrganizationInvitation, id=invitation_id, digest=kept, organization_id=self.organization_id, role="member",
            note=f"{self.mark} note", invited_by=self.user_id, expires_at=self.now + timedelta(days=7),
        )  # fmt: skip
        self.ids["invitation"], self.secrets["link"] = str(invitation_id), link
        for kind, retiring in (("key", None), ("rotated", digest(b"before"))):
            key_id, kept, text = self.credential(Prefix.API_KEY)
            await self.add(
                ApiKey, id=key_id, digest=kept, last_four=self.last_four, organization_id=self.organization_id,
                label=f"{self.mark} key", scopes=self.scopes, allowed_origins=[f"https://{self.name}.example"],
                retiring_digest=retiring, retiring_last_four=retiring and self.last_four, created_by=self.user_id,
            )  # fmt: skip
            self.ids[kind], self.secrets[kind] = str(key_id), text

    async def applications(self) -> None:
        """An application in every state, and one of the organization; the first has two secrets."""
        states = {"client": "active", "inactive": "inactive", "leaving": "pending_deletion", "shared": "active"}
        for kind, status in states.items():
            application_id = self.application_id if kind == "client" else new_id(self.now)
            owner = {"owner_user_id": self.user_id, "owner_name": f"{self.mark} person"}
            if kind == "shared":
                owner = {"owner_organization_id": self.organization_id, "owner_name": f"{self.mark} Works"}
            kept = [self.credential(Prefix.CLIENT_SECRET) for _ in range(2 if kind == "client" else 1)]
            self.ids[kind], self.secrets[f"{kind}_secret"] = uuid4().hex, kept[0][2]
            await self.add(
                Application, id=application_id, client_id=self.ids[kind], name=f"{self.mark} application", kind="web",
                status=status, off_by="" if status == "active" else "owner", auth_method="client_secret_basic",
                secret_digests=[digest(text.encode()) for _, _, text in kept], redirect_uris=[REDIRECT_URI],
                grant_types=["authorization_code", "refresh_token", ciba.NAME], response_types=["code"],
                delete_after=self.now + timedelta(hours=1) if kind == "leaving" else None,
                registration={"client_name": f"{self.mark} application", "application_type": "web"}, **owner,
            )  # fmt: skip
            for secret_id, _, text in kept:
                await self.add(
                    ApplicationSecret, id=secret_id, application_id=application_id, digest=digest(text.encode()),
                    last_four=self.last_four, created_by=self.user_id,
                )  # fmt: skip
                self.ids.setdefault("secret", str(secret_id))

    async def authorizations(self) -> None:
        """What the person has allowed the application: a record with all that hangs on it, and one that has ended."""
        ended_id = new_id(self.now)
        for record_id, revoked_at in ((self.record_id, None), (ended_id, self.now)):
            await self.add(
                Authorization, id=record_id, user_id=self.user_id, application_id=self.application_id,
                pairs=PAIRS, since=[1] * len(PAIRS), last_change=new_id(self.now), revoked_at=revoked_at,
            )  # fmt: skip
            for pair in PAIRS:
                await self.add(
                    AuthorizationScope, authorization_id=record_id, pair=pair, first_granted=self.now,
                    last_granted=self.now,
                )  # fmt: skip
        await self.add(
            Audit, at=self.now, event="authorization.revoked", request_id=f"req_{uuid4().hex[:20]}", actor_kind="user",
            actor_id=str(self.user_id), user_id=self.user_id, application_id=self.application_id,
            authorization_id=ended_id, subject_id=str(ended_id), actor_label=self.name,
            data={"before": ["project:read", "event:read"], "after": [], "version": 2},
        )  # fmt: skip
        origin = {
            "application_id": self.application_id, "user_id": self.user_id, "authorization_id": self.record_id,
            "record_version": 1, "user_epoch": 0, "application_epoch": 0, "resources": [],
        }  # fmt: skip
        sign_in = {"auth_time": self.now, "acr": "", "amr": ["pwd"]}
        later = self.now + timedelta(days=1)
        await self.add(
            TokenFamily, id=self.family_id, **origin, **sign_in, scopes=["project:read", "event:read"],
            key_since=[1, 0], rotated_at=self.now, idle_expires_at=later, expires_at=later,
        )  # fmt: skip
        token_id, kept, self.secrets["access_token"] = self.credential(Prefix.ACCESS_TOKEN)
        await self.add(
            AccessToken, id=token_id, digest=kept, **origin, family_id=self.family_id,
            scopes=["project:read", "event:read"], issued_at=self.now, expires_at=later,
        )  # fmt: skip
        code_id, kept, self.secrets["code"] = self.credential(Prefix.AUTHORIZATION_CODE)
        await self.add(
            GrantCode, id=code_id, digest=kept, **origin, **sign_in, scopes=["project:read"], offline=True,
            redirect_uri=REDIRECT_URI, code_challenge=CHALLENGE, expires_at=self.now + timedelta(minutes=1),
        )  # fmt: skip
        self.ids |= {"record": str(self.record_id), "ended": str(ended_id), "family": str(self.family_id)}

    async def approvals(self) -> None:
        """What the application asks the person elsewhere."""
        request_id, kept, self.secrets["auth_req_id"] = self.credential(Prefix.BACKCHANNEL_REQUEST)
        await self.add(
            BackchannelRequest, id=request_id, digest=kept, application_id=self.application_id, application_epoch=0,
            user_id=self.user_id, user_epoch=0, scopes=["openid", "project:read"], resources=[], poll_seconds=5,
            binding_message=f"{self.mark} message", expires_at=self.now + timedelta(minutes=5),
        )  # fmt: skip
        self.ids["approval"] = str(request_id)

    async def tokens(self) -> None:
        """A personal token."""
        token_id, kept, text = self.credential(Prefix.PERSONAL_TOKEN)
        await self.add(
            PersonalToken, id=token_id, digest=kept, last_four=self.last_four, user_id=self.user_id, user_epoch=0,
            name=f"{self.mark} token", scopes=self.scopes, expires_at=self.now + timedelta(days=90),
        )  # fmt: skip
        self.ids["token"], self.secrets["personal_token"] = str(token_id), text

    async def registration_tokens(self) -> None:
        """A token with which others may register applications, which an operator made."""
        token_id, kept, text = self.credential(Prefix.INITIAL_ACCESS)
        await self.add(InitialAccessToken, id=token_id, digest=kept, label=f"{self.mark} partner", created_by=self.name)
        self.ids["registration token"], self.secrets["initial_access_token"] = str(token_id), text

    async def resources(self) -> None:
        """An API that an operator has declared."""
        identifier = f"https://{self.name}.example/mcp"
        await self.add(Resource, identifier=identifier, name=f"{self.mark} tools", scopes=["event:read"])
        self.ids["resource"] = segment_of(identifier)

    async def past(self) -> None:
        """Rows of the audit trail of the person and of the organization, and why a request was answered as it was."""
        self.ids["request"] = f"req_{uuid4().hex[:20]}"
        for event, subject in (("login.succeeded", self.user_id), ("organization.changed", self.organization_id)):
            await self.add(
                Audit, at=self.now, event=event, request_id=self.ids["request"], actor_kind="user",
                actor_id=str(self.user_id), actor_label=self.name, user_id=self.user_id,
                organization_id=self.organization_id if event.startswith("organization") else None,
                subject_id=str(subject), address="198.51.100.77", user_agent=f"{self.mark} browser",
                data={"before": {"name": f"{self.mark} before"}, "after": {"name": f"{self.mark} Works"}},
            )  # fmt: skip
        await self.add(
            DecisionTrace, request_id=self.ids["request"], at=self.now, client_id=self.ids["client"],
            endpoint="authorize", outcome="refused", steps=[],
        )  # fmt: skip

    async def session(self) -> None:
        """A browser in which the person has just signed in, another one of his, and one of his companion's."""
        session_id, kept, self.secrets["session"] = self.credential(Prefix.SESSION)
        await self.add(BrowserSession, **session_row(self.user_id, session_id, kept, self.now))
        for kind, user_id in (("another session", self.user_id), ("companion session", self.companion_id)):
            session_id, kept, _ = self.credential(Prefix.SESSION)
            described = session_row(user_id, session_id, kept, self.now) | {"user_agent": f"{self.mark} browser"}
            await self.add(BrowserSession, **described)
            self.ids[kind] = str(session_id)


async def a_world(site: Service, mark: str, *, operator: bool = False) -> World:
    """Make everything that a person can have; texts and names hold `mark`."""
    scopes = tuple(one.name for one in site.server.scopes if one.name not in ABOUT_PEOPLE)
    async with site.database.transaction() as transaction:
        builder = _Builder(site, transaction, mark, scopes)
        await builder.people(operator=operator)
        await builder.organizations()
        await builder.applications()
        await builder.authorizations()
        await builder.approvals()
        await builder.tokens()
        await builder.registration_tokens()
        await builder.resources()
        await builder.past()
        await builder.session()
    return World(mark, builder.user_id, builder.organization_id, builder.ids, builder.secrets)


def browser_headers(csrf: str, session: str | None) -> dict[str, str]:
    """Return what a page of ours sends: cookies, the token, and where it comes from."""
    cookies = f"__Host-assent_browser={BROWSER}" + (f"; __Host-assent_session={session}" if session else "")
    return HERE | {"Cookie": cookies, "X-CSRF-Token": csrf, "Origin": ISSUER}


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody in his browser, which sends what a page of ours would send unless told otherwise."""

    client: httpx.AsyncClient
    csrf: str
    session: str

    async def send(self, method: str, path: str, body: Any = None, **more: str) -> httpx.Response:
        """Call the JSON API; header names are given with `_` for `-`."""
        content = {} if body is None else {"json": body}
        return await self._send(method, path, more, **content)

    async def get(self, path: str, **more: str) -> httpx.Response:
        """Open a page, or read from the API."""
        return await self._send("GET", path, more)

    async def form(self, path: str, **fields: Any) -> httpx.Response:
        """Send a form from a page of ours."""
        return await self._send("POST", path, {}, data={"csrf": self.csrf, **fields})

    async def _send(self, method: str, path: str, more: dict[str, str], **content: Any) -> httpx.Response:
        headers = browser_headers(self.csrf, self.session) | {
            name.replace("_", "-"): value for name, value in more.items()
        }
        self.client.cookies.clear()
        return await self.client.request(method, path, headers=headers, **content)


async def visit(client: httpx.AsyncClient, session: str) -> Visit:
    """Return somebody in his browser, by what the cookie of his session holds."""
    asked = await client.get("/api/v1/session", headers=browser_headers("", session))
    return Visit(client, asked.json()["csrf"], session)


async def every_row(connection: asyncpg.Connection) -> set[str]:
    """Return every row of the database as text, with the name of its table."""
    tables = await connection.fetch(
        "select relname from pg_class where relkind in ('r', 'p') and not relispartition"
        " and relnamespace = 'public'::regnamespace"
    )
    every = " union all ".join(f"select '{name}' || t::text as row from \"{name}\" t" for (name,) in tables)
    return {row for (row,) in await connection.fetch(every)}


def absent(world: World) -> dict[str, str]:
    """Return ids that nothing has, each as long and of the same form as the one in the world."""
    return {kind: _unlike(text) for kind, text in world.ids.items()}


def session_row(user_id: UUID, session_id: UUID, kept: bytes, now: Any) -> dict[str, Any]:
    """Return the row of a sign-in that has just happened."""
    later = now + timedelta(hours=8)
    return {
        "id": session_id, "digest": kept, "user_id": user_id, "user_epoch": 0, "auth_time": now, "amr": ["pwd"],
        "created_at": now, "last_used_at": now, "idle_expires_at": later, "expires_at": later,
    }  # fmt: skip


async def sign_in_again(site: Service, user_id: UUID) -> str:
    """Begin another session of a person and return what its cookie holds."""
    credential = Credential(new_id(site.clock()), random_bytes())
    row = session_row(user_id, credential.id, digest(credential.secret), site.clock())
    async with site.database.transaction() as transaction:
        await transaction.execute(insert(BrowserSession).values(**row))
    return format_credential(Prefix.SESSION, credential)


def _unlike(text: str) -> str:
    """Return another id of the same form: hexadecimal digits and letters turned round, marks and length as they are."""
    if text.startswith("req_"):
        return f"req_{uuid4().hex[:20]}"
    if len(text) == 36 and text.count("-") == 4:
        return str(UUID(int=UUID(text).int ^ 0xFFF1))  # made in the same moment: it stands at the same place of a list
    if len(text) == 32 and not set(text) - set("0123456789abcdef"):
        return uuid4().hex
    return "".join(_letters(text))


def _letters(text: str) -> Iterator[str]:
    for letter in text:
        yield chr(ord("a") + (ord(letter) - ord("a") + 7) % 26) if "a" <= letter <= "z" else letter
