"""Every route of the running application, and the request with which an owner would use it on what is his.

A route is named by method and path, as in `GET /api/v1/tokens/{id}`. What each part of a path stands for is told by
what stands before it, so that a new route below a known place needs no word here; what its body holds is in `BODIES`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote, urlencode
from uuid import UUID

import httpx
from fastapi.routing import APIRoute, iter_route_contexts

from app.crypto.secrets import new_id, random_bytes
from app.main import pages_of
from app.protocol.features import Feature
from app.protocol.token_format import Credential, Prefix, format_credential, parse_credential
from app.routers.cursors import cursor_of
from app.routers.endpoints import hot_paths
from app.settings import Settings
from tests.support.service import ISSUER
from tests.support.worlds import World

FEATURES = {feature.key: True for feature in Feature}
_UNSAFE = ("POST", "PUT", "PATCH", "DELETE")

_PLACES: tuple[tuple[str, str], ...] = (
    (r".*/applications/ended/", "ended"),
    (r"/account/applications/|/api/v1/authorizations/(ended/)?", "record"),
    (r"(/api/v1)?/approvals/", "approval"),
    (r".*/families/", "family"),
    (r".*/scopes/", "scope"),
    (r".*/claims/", "claim"),
    (r".*/details/", "detail"),
    (r"(/account|/api/v1)/tokens/", "token"),
    (r"(/apps|(/api/v1)?(/admin)?/applications)/", "client"),
    (r".*/secrets/", "secret"),
    (r"(/api/v1)?/organizations/", "slug"),
    (r".*/members/", "companion"),
    (r".*/organizations/.*/invitations/", "invitation"),
    (r".*/api-keys/", "key"),
    (r"(/api/v1)?/admin/users/", "user"),
    (r"(/api/v1)?/admin/requests/", "request"),
    (r"(/api/v1)?/admin/registration-tokens/", "registration token"),
    (r"(/api/v1)?/admin/resources/", "resource"),
    (r"/api/v1/sessions/", "another session"),
    (r"/api/v1/admin/users/-/sessions/", "companion session"),
    (r"/invitations/", "link"),
    (r"/setup/", "link"),
    (r"/logos/", "link"),
    (r"/static/", "file"),
)
"""What stands before a part of a path, and the kind of what the part names."""

_OTHERS: Mapping[str, Mapping[str, str]] = {
    "GET /api/v1/authorizations/ended/{id}": {"record": "ended"},
    "GET /api/v1/authorizations/ended/{id}/history": {"record": "ended"},
    "POST /apps/{segment}/on": {"client": "inactive"},
    "POST /apps/{segment}/restore": {"client": "leaving"},
    "POST /api/v1/applications/{client_id}/restore": {"client": "leaving"},
    "POST /apps/{segment}/secrets": {"client": "inactive"},
    "POST /api/v1/applications/{client_id}/secrets": {"client": "inactive"},
    "GET /organizations/{slug}/leave": {"slug": "spare"},
    "POST /organizations/{slug}/leave": {"slug": "spare"},
    "GET /organizations/{slug}/delete": {"slug": "spare"},
    "POST /organizations/{slug}/delete": {"slug": "spare"},
    "DELETE /api/v1/organizations/{slug}": {"slug": "spare"},
    "GET /organizations/{slug}/api-keys/{key_id}/retire": {"key": "rotated"},
    "POST /organizations/{slug}/api-keys/{key_id}/retire": {"key": "rotated"},
    "POST /api/v1/organizations/{slug}/api-keys/{id}/retire": {"key": "rotated"},
}
"""Routes that need a thing in another state than the usual one."""

Body = Mapping[str, Any]

BODIES: Mapping[str, Body] = {
    "POST /account/applications/{record_id}/remove": {"scope": "event:read", "resource": "", "version": "1"},
    "POST /account/applications/{record_id}/end": {"family": "<family>"},
    "POST /account/applications/{record_id}/disconnect": {},
    "POST /account/tokens": {"name": "Nightly", "scope": "event:read", "ends": "never"},
    "POST /account/tokens/{token_id}/rename": {"name": "Renamed", "version": "1"},
    "POST /account/tokens/{token_id}/delete": {},
    "POST /account/sessions/end": {"session": "<another session>"},
    "POST /apps/new": {"name": "Another", "kind": "web", "owner": "<slug>", "redirect_uris": "https://a.example/cb"},
    "POST /apps/{segment}/redirect-uris": {"uri": "https://b.example/cb", "version": "1"},
    "POST /apps/{segment}/redirect-uris/remove": {"uri": "https://client.example/callback", "version": "1"},
    "POST /apps/{segment}/origins": {"origin": "https://b.example", "version": "1"},
    "POST /apps/{segment}/origins/remove": {"origin": "https://b.example", "version": "1"},
    "POST /apps/{segment}/permissions": {"ask": "everything", "version": "1"},
    "POST /apps/{segment}/details": {"name": "Renamed", "home_page": "", "privacy": "", "terms": "", "version": "1"},
    "POST /apps/{segment}/authentication": {"method": "client_secret_post", "version": "1"},
    "POST /apps/{segment}/signing-in": {"id_token_algorithm": "RS256", "version": "1"},
    "POST /apps/{segment}/requests": {"answer_alg": "ES256", "version": "1"},
    "POST /apps/{segment}/secrets": {},
    "POST /apps/{segment}/secrets/{secret_id}/remove": {},
    "POST /apps/{segment}/off": {},
    "POST /apps/{segment}/on": {},
    "POST /apps/{segment}/restore": {},
    "POST /apps/{segment}/hand-over": {"owner": "<slug>", "version": "1"},
    "POST /apps/{segment}/delete": {"name": "<application name>", "version": "1"},
    "POST /invitations": {"link": "<link>"},
    "POST /organizations": {"name": "Founded", "slug": "<new slug>"},
    "POST /organizations/{slug}/name": {"name": "Renamed", "version": "1"},
    "POST /organizations/{slug}/leave": {},
    "POST /organizations/{slug}/delete": {"slug": "<spare>"},
    "POST /organizations/{slug}/members/{person_id}": {"role": "member", "version": "1"},
    "POST /organizations/{slug}/members/{person_id}/remove": {"version": "1"},
    "POST /organizations/{slug}/invitations": {"role": "member", "note": "for a friend"},
    "POST /organizations/{slug}/invitations/{invitation_id}/revoke": {},
    "POST /organizations/{slug}/api-keys/new": {"label": "Another", "scope": "org:read", "allowed_origins": ""},
    "POST /organizations/{slug}/api-keys/{key_id}": {
        "label": "Renamed", "scope": "org:read", "allowed_origins": "", "status": "active", "version": "1",
    },
    "POST /organizations/{slug}/api-keys/{key_id}/rotate": {},
    "POST /organizations/{slug}/api-keys/{key_id}/retire": {},
    "POST /organizations/{slug}/api-keys/{key_id}/remove": {},
    "POST /admin/users/{user_id}/disable": {},
    "POST /admin/users/{user_id}/enable": {},
    "POST /admin/users/{user_id}/sign-out": {"session": "<companion session>"},
    "POST /admin/applications/{segment}/disable": {},
    "POST /admin/applications/{segment}/enable": {},
    "POST /admin/applications/{segment}/check": {"checked": "yes", "note": "seen", "version": "1"},
    "POST /admin/registration-tokens": {"label": "Another", "uses": "1", "ends": "7"},
    "POST /admin/registration-tokens/{token_id}/revoke": {},
    "POST /api/v1/admin/registration-tokens": {"label": "Another"},
    "POST /api/v1/admin/resources": {"identifier": "https://<new slug>.example"},
    "PATCH /api/v1/admin/resources/{id}": {"name": "Renamed"},
    "POST /api/v1/applications": {"client_name": "Another", "organization": "<slug>"},
    "PATCH /api/v1/applications/{client_id}": {"client_name": "Renamed", "organization": "<slug>"},
    "POST /api/v1/tokens": {"name": "Nightly", "scopes": ["event:read"]},
    "PATCH /api/v1/tokens/{id}": {"name": "Renamed"},
    "POST /api/v1/organizations": {"slug": "<new slug>", "name": "Founded"},
    "PATCH /api/v1/organizations/{slug}": {"name": "Renamed"},
    "POST /api/v1/organizations/{slug}/members": {"username": "<username>", "role": "member"},
    "PATCH /api/v1/organizations/{slug}/members/{id}": {"role": "member"},
    "POST /api/v1/organizations/{slug}/invitations": {"role": "member", "note": "for a friend"},
    "POST /api/v1/organizations/{slug}/api-keys": {"label": "Another"},
    "PATCH /api/v1/organizations/{slug}/api-keys/{id}": {"label": "Renamed"},
    "PUT /api/v1/admin/applications/{client_id}/check": {"checked": True, "note": "seen"},
    "POST /oauth/token": {"grant_type": "authorization_code", "code": "<code>", "redirect_uri": "https://a.example/cb"},
    "POST /oauth/introspect": {"token": "<access_token>"},
    "POST /oauth/revoke": {"token": "<access_token>"},
    "POST /oauth/authorize": {"client_id": "<client>", "response_type": "code"},
    "POST /login": {"username": "<username>", "password": "not the right one"},
    "POST /logout": {},
    "POST /select-account": {"account": "<another session>"},
    "POST /sign-up": {"username": "mallory", "email": "mallory@mail.example", "password": "too short"},
    "POST /setup": {"token": "<link>", "username": "mallory", "password": "a long enough password"},
    "POST /consent": {"interaction": "<code>", "decision": "approve"},
    "POST /oauth/device_authorization": {"client_id": "<client>"},
    "POST /oauth/par": {"client_id": "<client>"},
    "POST /oauth/bc-authorize": {"client_id": "<client>", "scope": "openid", "login_hint": "<username>"},
    "POST /approvals/{approval_id}": {"decision": "deny"},
    "POST /api/v1/approvals/{id}": {"decision": "approve"},
    "POST /device": {"user_code": "not one"},
    "POST /device/confirm": {"device": "<code>", "decision": "approve", "holds": "yes"},
}  # fmt: skip
"""What an owner sends along; `<kind>` is an id or a credential of his. A POST of the API that is missing sends none."""

_QUERIES = ("owner=<slug>", "actor=<user>", "target=<client>", "q=<username>", "cursor=<cursor>", "after=<cursor>")
"""By what lists can be narrowed; a list that does not know one of them takes no notice."""


@dataclass(frozen=True, slots=True)
class Route:
    """A method at a path of the application."""

    method: str
    path: str

    @property
    def name(self) -> str:
        """The method and the path."""
        return f"{self.method} {self.path}"

    @property
    def is_api(self) -> bool:
        """Whether it speaks JSON with whoever calls."""
        return self.path.startswith("/api/")

    @property
    def is_form(self) -> bool:
        """Whether it takes a form."""
        return self.method == "POST" and not self.is_api

    @property
    def kinds(self) -> tuple[str, ...]:
        """What the parts of the path name, in order; an unknown part is a KeyError that says which."""
        found = (self._kind(self.path[: match.start()]) for match in re.finditer(r"\{[^}]+\}", self.path))
        return tuple(_OTHERS.get(self.name, {}).get(kind, kind) for kind in found)

    def _kind(self, before: str) -> str:
        for pattern, kind in _PLACES:
            if re.fullmatch(pattern, re.sub(r"\{[^}]+\}", "-", before)):
                return kind
        raise KeyError(f"{self.name}: say in tests/support/isolation.py what stands after {before}")


@dataclass(frozen=True, slots=True)
class Sent:
    """A request without credentials; `named` is what it can name, by kind."""

    method: str
    url: str
    body: Mapping[str, Any] | None
    named: Mapping[str, str]

    def __contains__(self, text: str) -> bool:
        """Tell whether the request itself says something."""
        return text in unquote(self.url) or any(text in str(value) for value in (self.body or {}).values())


@dataclass(frozen=True, slots=True)
class Naming:
    """What a request can name, by kind: what is the caller's own, and what is somebody else's or nobody's."""

    own: dict[str, str]
    others: dict[str, str]


def every_route() -> list[Route]:
    """Return every method at every path that the application serves with all its features."""
    configured = Settings(issuer=ISSUER, features=FEATURES).configuration()
    found = {
        Route(method, context.path or "")
        for context in iter_route_contexts(pages_of(configured).routes)
        if isinstance(context.original_route, APIRoute)
        for method in context.methods or ()
    }
    hot = hot_paths(ISSUER, configured.features).items()
    found |= {Route(method, path) for path, endpoint in hot for method in endpoint.methods}
    return sorted((route for route in found if route.method != "HEAD"), key=lambda route: (route.path, route.method))


def attempts(
    route: Route, own: World, theirs: World, nothing: Mapping[str, str], *, lists: bool
) -> Iterator[tuple[Sent, ...]]:
    """Yield requests for what is somebody else's, each with the same one for what never was.

    In the path everything is his, or everything but the first part; then the body names something of his, and with
    `lists` the query does.
    """
    mine = _named(own)
    pair = [Naming(mine, _forged(theirs, ids)) for ids in (theirs.ids, nothing)]
    kinds, placeholders = route.kinds, set(_placeholders(BODIES.get(route.name, {})))
    for kept in range(min(len(kinds), 2)):
        if set(kinds[kept:]) - {"scope", "claim", "detail", "file"}:
            yield tuple(_request(route, naming, kept=kept, in_body=False) for naming in pair)
    if placeholders - {"new slug", "application name", "spare"}:
        yield tuple(_request(route, naming, kept=len(kinds)) for naming in pair)
    if lists and route.method == "GET" and set(kinds) <= {"slug"}:
        for query in _QUERIES:
            yield tuple(_request(route, naming, kept=len(kinds), query=query) for naming in pair)


def by_owner(route: Route, own: World) -> Sent:
    """Return the request with which somebody uses a route on what is his own."""
    return _request(route, Naming(_named(own), _named(own)))


def _named(world: World) -> dict[str, str]:
    """Return everything that a request of the owner's can name, by kind."""
    return {**_fixed(world, world.ids), **world.secrets, **world.ids}


def _forged(world: World, ids: Mapping[str, str]) -> dict[str, str]:
    """Return what a stranger can name who knows ids, or (with other ids) none: credentials have another secret."""
    known = ids is world.ids
    forged = {kind: _with_another_secret(text, known=known) for kind, text in world.secrets.items()}
    return {**_fixed(world, ids), **forged, **ids}


def _with_another_secret(text: str, *, known: bool) -> str:
    prefix = Prefix(text.partition("_")[0])
    parsed = parse_credential(prefix, text)
    assert parsed is not None
    row_id = parsed.id if known else new_id(datetime.now(UTC))
    return format_credential(prefix, Credential(row_id, random_bytes()))


def _fixed(world: World, ids: Mapping[str, str]) -> dict[str, str]:
    return {
        "scope": "event:read",
        "claim": "nickname",
        "detail": "payment",
        "file": "assent.css",
        "new slug": f"{world.mark.lower()}-new",
        "application name": f"{world.mark} application",
        "cursor": cursor_of(UUID(ids["user"])),
    }


def _request(route: Route, naming: Naming, *, kept: int = 0, in_body: bool = True, query: str = "") -> Sent:
    """Return a request that names what is the caller's in the first `kept` parts of the path, and others' after it."""
    path = route.path
    for number, kind in enumerate(route.kinds):
        at_place = naming.own if number < kept else naming.others
        path = re.sub(r"\{[^}]+\}", quote(at_place[kind], safe=""), path, count=1)
    if query:
        name, _, value = _filled(query, naming.others).partition("=")
        path += "?" + urlencode({name: value})
    body = BODIES.get(route.name) if route.method in _UNSAFE else None
    told = naming.others if in_body else naming.own
    filled = None if body is None else {name: _filled(value, told) for name, value in body.items()}
    return Sent(route.method, path, filled, {f"own {kind}": text for kind, text in naming.own.items()} | naming.others)


def _filled(value: Any, named: Mapping[str, str]) -> Any:
    return re.sub(r"<([^>]+)>", lambda match: named[match[1]], value) if isinstance(value, str) else value


def _placeholders(body: Body) -> list[str]:
    return [name for value in body.values() if isinstance(value, str) for name in re.findall(r"<([^>]+)>", value)]


_PASSING = re.compile(
    "|".join(
        (
            r"req_[0-9a-f]{20}",
            r'(?<=name="csrf" value=")[\w-]+',
            r'(?<="csrf":")[\w-]+',
            r"(?<=[?&;]to=)[\w-]+",
            r'(?<=name="to" value=")[\w-]+',
            r'(?<=name="once" value=")[\w-]+',
            r'(?<=name="request" value=")[\w-]+',
            r"(?<=[?&;]request=)[\w-]+",
            r"(?<=assent_browser=)[\w-]{43}",
            r'(?<=id="name" name="name" type="text" value=")[^"]*',
        )
    )
)
"""What differs between any two answers: request ids, form tokens, ways back, cookies, names made up for forms."""


def shape(answer: httpx.Response, sent: Sent) -> tuple[int, list[tuple[str, str]], str]:
    """Return all of an answer that can tell things apart, with what the request itself can have named put aside."""
    said = sorted(((text, kind) for kind, text in sent.named.items() if text in sent), key=lambda one: -len(one[0]))
    spelled = {spelling: f"<{kind}>" for text, kind in reversed(said) for spelling in (text, quote(text, safe=""))}
    ours = re.compile("|".join(map(re.escape, sorted(spelled, key=len, reverse=True))) or "(?!)")

    def told(text: str) -> str:
        return _PASSING.sub("-", ours.sub(lambda match: spelled[match[0]], text))

    headers = sorted((name, told(value)) for name, value in answer.headers.multi_items() if name != "content-length")
    return answer.status_code, headers, told(answer.text)
