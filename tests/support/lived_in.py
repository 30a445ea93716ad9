"""A real server on which people have lived: of everything that has a page, one in every state that the page can tell.

What there is is made as people and applications make it, over HTTP. Only what takes months, or an operator's console,
is written into the database: a token that has ended, who is an operator.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import asyncpg
import httpx

from app.protocol import ciba as ciba_rules
from app.protocol.grant_types import ciba, device_code
from app.store import embedded
from app.views.addresses import segment_of
from tests.support.facts import VERIFIER
from tests.support.server import Server, directory_for_server, running_server
from tests.support.service import PASSWORD, REDIRECT_URI, SECRET, authorize_url, fields_of

OPERATOR = "ada"
_HERE = {"Sec-Fetch-Site": "same-origin"}
_PHONE = "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"
_PEOPLE = (OPERATOR, "robin", "sam", "kim", "lee", "noa")
_WEB: Mapping[str, Any] = {
    "client_secret": SECRET,
    "grant_types": ["authorization_code", "refresh_token"],
    "token_endpoint_auth_method": "client_secret_basic",
}
_WIDGET: Mapping[str, Any] = {
    "response_types": ["token"],
    "grant_types": ["implicit"],
    "token_endpoint_auth_method": "none",
    "allow_implicit": True,
}
_DEVICE: Mapping[str, Any] = {
    "grant_types": [device_code.NAME, "refresh_token"],
    "token_endpoint_auth_method": "none",
}
_TILL: Mapping[str, Any] = {
    "client_secret": SECRET,
    "grant_types": [ciba.NAME, "refresh_token"],
    "token_endpoint_auth_method": "client_secret_basic",
    "backchannel_token_delivery_mode": "poll",
}
_CLIENTS: Mapping[str, Mapping[str, Any]] = {
    "deploy-diary": {"client_name": "Deploy Diary", "optional_scopes": ["member:read"], **_WEB},
    "sheet-export": {"client_name": "Sheet Export", **_WEB},
    "long-name": {"client_name": "Wonderfully long names for applications that nobody can remember", **_WEB},
    "old-widget": {"client_name": "Old Widget", **_WIDGET},
    "living-room": {"client_name": "Living Room", "optional_scopes": ["member:read"], **_DEVICE},
    "radio": {"client_name": "Radio", "owner": "kim", **_DEVICE},
    "till": {"client_name": "Till", "client_uri": "https://till.example", "optional_scopes": ["member:read"], **_TILL},
    "kiosk": {"client_name": "Kiosk", "owner": "kim", **_TILL},
}
"""What the operator has registered, and checked by doing so."""

_DATA: dict[str, Any] = {
    "users": [
        {
            "username": name,
            "email": f"{name}@example.org",
            "password": PASSWORD,
            "claims": {"name": f"{name.capitalize()} Ashdown"},
        }
        for name in _PEOPLE
    ],
    "organizations": [
        {
            "slug": "northquay",
            "name": "Northquay Harbour and Lighthouse Maintenance Cooperative",
            "members": [
                {"user": "robin", "role": "owner"},
                {"user": "sam", "role": "member"},
                {"user": "noa", "role": "admin"},
            ],
        },
        {"slug": "saltbarn", "name": "Saltbarn", "members": [{"user": "robin", "role": "owner"}]},
    ],
    "applications": [
        {"client_id": client_id, "redirect_uris": [REDIRECT_URI], **described}
        for client_id, described in _CLIENTS.items()
    ],
}


_SETTINGS = {
    "FEATURES__IMPLICIT": "true",
    "FEATURES__SIGN_UP": "true",
    "LIFETIMES__BACKCHANNEL_REQUEST": "3600",
}


@dataclass(slots=True)
class Resident:
    """A person with a browser that runs no scripts of ours, signed in."""

    browser: httpx.Client
    csrf: str = field(repr=False)

    def send(self, method: str, path: str, content: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Have something done through the JSON API, and return the answer."""
        answer = self.browser.request(
            method, f"/api/v1/{path}", json=content, headers=_HERE | {"X-CSRF-Token": self.csrf}
        )
        assert answer.status_code < 300, answer.text
        made: dict[str, Any] = answer.json() if answer.content else {}
        return made

    def make(self, path: str, **content: Any) -> dict[str, Any]:
        """Make something."""
        return self.send("POST", path, content)

    def allow(self, client_id: str, scope: str, secret: str = SECRET) -> None:
        """Allow an application something, and have it exchange the code."""
        answer = self.browser.get(authorize_url(client_id, scope=scope), follow_redirects=False)
        while not (location := answer.headers.get("location", "")).startswith(REDIRECT_URI):
            if location:
                answer = self.browser.get(location)
            else:
                answer = self.browser.post("/consent", data={**fields_of(answer), "decision": "approve"})
        [code] = parse_qs(urlsplit(location).query)["code"]
        redeemed = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": VERIFIER,
        }
        exchanged = self.browser.post("/oauth/token", data=redeemed, auth=(client_id, secret))
        assert exchanged.status_code == 200, exchanged.text

    def connection(self, name: str) -> str:
        """Return the id of the connection to an application."""
        items = self.send("GET", "authorizations")["items"]
        return next(str(item["id"]) for item in items if item["application"]["name"] == name)


@dataclass(frozen=True, slots=True)
class LivedIn:
    """The server, its people by name, and what can stand in an address, by a word for it."""

    server: Server
    residents: Mapping[str, Resident]
    named: Mapping[str, str]

    def address(self, path: str) -> str:
        """Return the address for a path that has words for things in braces."""
        return re.sub(r"\{([^}]+)\}", lambda word: quote(self.named[word[1]], safe=""), path)

    @contextmanager
    def not_set_up(self) -> Iterator[None]:
        """Go back to the time when the server had no operator and the link of the first start was good."""
        write(self.server, f"update user_account set operator = false where username = '{OPERATOR}'")
        try:
            yield
        finally:
            write(self.server, f"update user_account set operator = true where username = '{OPERATOR}'")


@contextmanager
def lived_in() -> Iterator[LivedIn]:
    """Start a server, have people live on it, yield it, and end it."""
    with (
        directory_for_server() as directory,
        running_server(directory, data=_DATA, settings=_SETTINGS) as server,
        ExitStack() as browsers,
    ):
        write(server, f"update user_account set operator = true where username = '{OPERATOR}'")
        residents = {name: _enter(browsers.enter_context(server.client()), name) for name in _PEOPLE}
        robin, operator = residents["robin"], residents[OPERATOR]
        _enter(browsers.enter_context(server.client(headers={"User-Agent": _PHONE})), "robin")
        _enter_besides(residents["kim"].browser, "lee")
        named = {
            **{person["username"]: person["id"] for person in operator.send("GET", "admin/users")["items"]},
            **_connections(robin, residents["kim"]),
            **_applications(robin, operator),
            **_tokens(robin),
            **_organizations(robin),
            **_devices(server, residents["sam"]),
            **_approvals(server, residents["sam"]),
            "registration token": operator.make("admin/registration-tokens", label="Partner portal", uses=10)["id"],
            **_resources(server, operator),
            "request": _refused_request(server),
            "setup link": _setup_link(server),
            "nobody": "00000000-0000-4000-8000-000000000000",
        }
        operator.make(f"admin/users/{named['noa']}/disable")
        ended = "created_at = created_at - interval '91 days', expires_at = now() - interval '1 day'"
        write(server, f"update personal_token set {ended} where id = '{named['ended token']}'")
        yield LivedIn(server, residents, named)


def write(server: Server, statement: str) -> None:
    """Write into the server's database what would take time, or an operator's console."""

    async def execute() -> None:
        connection = await asyncpg.connect(embedded.guest(server.data_dir).owner.url())
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as other:  # a browser that is driven from this thread has its event loop here
        other.submit(asyncio.run, execute()).result()


def _enter(browser: httpx.Client, username: str) -> Resident:
    form = fields_of(browser.get("/login"))
    assert browser.post("/login", data={**form, "username": username, "password": PASSWORD}).status_code == 303
    return Resident(browser, browser.get("/api/v1/session", headers=_HERE).json()["csrf"])


def _enter_besides(browser: httpx.Client, username: str) -> None:
    """Have somebody else sign in on the browser, and make its person the present one again."""
    [present] = re.findall(r'name="account" value="([^"]+)"', browser.get("/select-account").text)
    form = fields_of(browser.get("/login", params={"account": "another"}))
    assert browser.post("/login", data={**form, "username": username, "password": PASSWORD}).status_code == 303
    form = fields_of(browser.get("/select-account"))
    assert browser.post("/select-account", data={**form, "account": present}).status_code == 303


def _resources(server: Server, operator: Resident) -> dict[str, str]:
    """Declare an API beside the server's own."""
    declared = {"identifier": "https://mcp.example.com/diary", "name": "Diary tools", "scopes": ["project:read"]}
    return {
        "resource": operator.make("admin/resources", **declared)["id"],
        "own api": segment_of(f"{server.issuer}/api/v1"),
    }


def _setup_link(server: Server) -> str:
    link = re.search(r"/setup/(\S+)$", server.said, re.MULTILINE)
    assert link is not None
    return link[1]


def _connections(robin: Resident, kim: Resident) -> dict[str, str]:
    """Connect applications: one often and much, one that nobody checked, one narrowed, one disconnected."""
    notes = kim.make(
        "applications",
        client_name="Notes Agent",
        redirect_uris=[REDIRECT_URI],
        token_endpoint_auth_method="client_secret_basic",
    )
    for scope in ("project:read", "project:read event:read", "project:read project:releases org:read"):
        robin.allow("deploy-diary", scope)
    robin.allow("long-name", "project:read event:read member:read")
    robin.allow("sheet-export", "org:read")
    robin.allow(notes["client_id"], "event:read", notes["client_secret"])
    diary, sheet = robin.connection("Deploy Diary"), robin.connection("Sheet Export")
    robin.send("DELETE", f"authorizations/{diary}/scopes/event:read")
    robin.send("DELETE", f"authorizations/{sheet}")
    return {
        "record": diary,
        "unchecked record": robin.connection("Notes Agent"),
        "long record": robin.connection(_CLIENTS["long-name"]["client_name"]),
        "ended": sheet,
        "notes": notes["client_id"],
    }


def _applications(robin: Resident, operator: Resident) -> dict[str, str]:
    """Register an application for every state, and some of an organization's."""
    named = {}
    described: dict[str, dict[str, Any]] = {
        "active": {
            "client_name": "Pager Bridge",
            "client_uri": "https://pager.example",
            "scopes": ["project:read"],
            "allowed_origins": ["https://pager.example"],
        },
        "off": {"client_name": "Release Radar"},
        "off by operator": {"client_name": "Crash Collector"},
        "deleted": {"client_name": "Old Dashboard"},
        "public": {
            "client_name": "Long names for programs on a computer that nobody can remember",
            "application_type": "native",
            "token_endpoint_auth_method": "none",
            "redirect_uris": ["http://127.0.0.1/callback", "example.pager:/callback"],
        },
        "shared": {"client_name": "Harbour Watch", "organization": "northquay"},
    }
    for word, settings in described.items():
        usual: dict[str, Any] = {"redirect_uris": [REDIRECT_URI, f"https://pager.example/{'a-long-way/' * 7}callback"]}
        named[word] = robin.make("applications", **usual | settings)["client_id"]
    added = robin.make(f"applications/{named['active']}/secrets")
    robin.make(f"applications/{named['off']}/disable")
    operator.make(f"admin/applications/{named['off by operator']}/disable")
    robin.send("DELETE", f"applications/{named['deleted']}")
    return named | {"secret": added["id"]}


def _tokens(robin: Resident) -> dict[str, str]:
    """Make tokens that end soon, late, never, and (once that is written) have ended."""
    usual = {"scopes": ["project:read", "event:read"]}
    made = {
        "token": robin.make("tokens", name="Nightly export", **usual),
        "ended token": robin.make("tokens", name="Last winter’s report", expires_in=86_400, **usual),
        "endless": robin.make("tokens", name="A" + " very" * 9 + " long name", never_expires=True, **usual),
    }
    assert robin.browser.get("/api/v1/", headers={"Authorization": f"Bearer {made['token']['token']}"}).is_success
    return {word: token["id"] for word, token in made.items()}


def _organizations(robin: Resident) -> dict[str, str]:
    """Invite people, and make keys: on, off, and with two secrets."""
    at = "organizations/northquay"
    invitations = [
        robin.make(f"{at}/invitations", role=role, note=note)
        for role, note in (("member", "Kim, from design"), ("admin", "Whoever takes over the night shift next year"))
    ]
    keys = {
        word: robin.make(f"{at}/api-keys", label=label)
        for word, label in (
            ("key", "Nightly build"),
            ("key off", "Before the move"),
            ("rotating", "Status page of the harbour"),
        )
    }
    robin.send("PATCH", f"{at}/api-keys/{keys['key off']['id']}", {"status": "inactive"})
    robin.send("PATCH", f"{at}/api-keys/{keys['key']['id']}", {"allowed_origins": ["*.northquay.example"]})
    robin.make(f"{at}/api-keys/{keys['rotating']['id']}/rotate")
    assert robin.browser.get("/api/v1/", auth=(keys["key"]["key"], "")).is_success
    return {
        "slug": "northquay",
        "other slug": "saltbarn",
        "link": invitations[0]["url"].rpartition("/")[2],
        **{word: key["id"] for word, key in keys.items()},
    }


def _approvals(server: Server, sam: Resident) -> dict[str, str]:
    """Ask for a person who is elsewhere: he has allowed one request, refused one, and two wait, one of a stranger."""
    named: dict[str, str] = {}
    write(server, "update application set verified = false where client_id = 'kiosk'")
    with server.client() as till:
        for word, client_id, decision in (
            ("allowed approval", "till", "approve"),
            ("refused approval", "till", "deny"),
            ("unchecked approval", "kiosk", ""),
            ("approval", "till", ""),
        ):
            asked = {"scope": "openid project:read member:read", "login_hint": "sam", "binding_message": "W4SCT"}
            answer = till.post(ciba_rules.PATH, data=asked, auth=(client_id, SECRET))
            assert answer.status_code == 200, answer.text
            named[word] = sam.send("GET", "approvals")["items"][0]["id"]
            if decision:
                sam.make(f"approvals/{named[word]}", decision=decision)
    return named


def _devices(server: Server, sam: Resident) -> dict[str, str]:
    """Begin on devices: one that is to be decided about, one that nobody checked, one connected, one refused."""
    named: dict[str, str] = {}
    write(server, "update application set verified = false where client_id = 'radio'")
    with server.client() as device:
        for word, client_id, decision in (
            ("device", "living-room", ""),
            ("unchecked device", "radio", ""),
            ("connected device", "living-room", "approve"),
            ("refused device", "living-room", "deny"),
        ):
            asked = {"client_id": client_id, "scope": "project:read member:read"}
            begun = device.post("/oauth/device_authorization", data=asked).json()
            form = {**fields_of(sam.browser.get("/device")), "user_code": begun["user_code"]}
            location = sam.browser.post("/device", data=form).headers["location"]
            [named[word]] = parse_qs(urlsplit(location).query)["device"]
            named["user code"] = begun["user_code"]
            if decision:
                clicked = {**fields_of(sam.browser.get(location)), "decision": decision, "holds": "yes"}
                assert sam.browser.post("/device/confirm", data=clicked).status_code == 303
    return named


def _refused_request(server: Server) -> str:
    """Send what is refused, and return the id under which it is written down why."""
    with server.client() as stranger:
        refused = stranger.get(authorize_url("deploy-diary", redirect_uri=f"{REDIRECT_URI}/"))
    assert refused.status_code == 400
    return refused.headers["x-request-id"]
