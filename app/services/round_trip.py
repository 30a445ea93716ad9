"""The login test: one person and one application walk the whole code flow against a running server.

Nothing here reads the server's database: what passes is what a browser and a client library would have seen.
"""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from app.outbound.visitor import Answer, Form, Unreachable, Visitor

_HOPS = 6


class StepFailed(Exception):
    """A step did not end as the specification says; `str()` says what came instead, without any secret."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Who walks: a user and an application. Its `redirect_uri` needs no listener: the visitor stops in front of it."""

    username: str
    password: str = field(repr=False)
    client_id: str
    client_secret: str | None = field(repr=False)
    redirect_uri: str
    scopes: tuple[str, ...] = ()


@dataclass(slots=True)
class Walk:
    """What one step leaves for the next; begin with issuer, cast and visitor."""

    issuer: str
    cast: Cast
    visitor: Visitor
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)
    state: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)
    metadata: dict[str, Any] = field(default_factory=dict)
    page: Answer = field(default=Answer(0, "", "", "", b""), repr=False)
    code: str = field(default="", repr=False)
    tokens: dict[str, Any] = field(default_factory=dict, repr=False)

    def endpoint(self, name: str) -> str:
        """Return an endpoint of the metadata."""
        url = self.metadata.get(f"{name}_endpoint")
        if not isinstance(url, str):
            raise StepFailed(f"the metadata names no {name}_endpoint")
        return url

    async def ask(self, endpoint: str, **fields: str) -> Answer:
        """POST to a protocol endpoint as the application, by the method that it registered."""
        cast = self.cast
        if cast.client_secret is None:
            return await self.visitor.post(self.endpoint(endpoint), {**fields, "client_id": cast.client_id})
        return await self.visitor.post(self.endpoint(endpoint), fields, basic=(cast.client_id, cast.client_secret))


Step = tuple[str, Callable[[Walk], Awaitable[str]]]
Told = Callable[[str, float, str, bool], None]
"""Called after each step with its title, its duration in seconds, what was seen, and whether it passed."""


async def walk(issuer: str, cast: Cast, told: Told, *, ca_file: str | None = None) -> bool:
    """Walk all steps in order; returns False after the first one that fails. Ends the session it began."""
    async with Visitor(ca_file=ca_file) as visitor:
        so_far = Walk(issuer, cast, visitor)
        for title, step in STEPS:
            begin = perf_counter()
            try:
                seen = await step(so_far)
            except (StepFailed, Unreachable) as failed:
                told(title, perf_counter() - begin, str(failed), False)
                return False
            told(title, perf_counter() - begin, seen, True)
    return True


def metadata_url(issuer: str) -> str:
    """RFC 8414 §3: the well-known path stands between the host and the path of the issuer."""
    parts = urlsplit(issuer)
    return f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{parts.path.rstrip('/')}"


async def _discover(walk: Walk) -> str:
    answer = await walk.visitor.get(metadata_url(walk.issuer))
    _expect(answer, 200)
    walk.metadata = answer.json()
    if walk.metadata.get("issuer") != walk.issuer:
        raise StepFailed(f"the metadata says issuer {walk.metadata.get('issuer')!r}, not {walk.issuer!r}")
    return f"issuer {walk.issuer}"


async def _authorize(walk: Walk) -> str:
    challenge = urlsafe_b64encode(sha256(walk.verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")
    query = {
        "response_type": "code",
        "client_id": walk.cast.client_id,
        "redirect_uri": walk.cast.redirect_uri,
        "state": walk.state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    if walk.cast.scopes:
        query["scope"] = " ".join(walk.cast.scopes)
    if walk.metadata.get("grant_management_action_required") is True:
        query["grant_management_action"] = "create"
    if walk.metadata.get("require_pushed_authorization_requests") is True:
        pushed = await walk.ask("pushed_authorization_request", **query)
        _expect(pushed, 201)
        query = {"client_id": walk.cast.client_id, "request_uri": pushed.json()["request_uri"]}
    answer = await walk.visitor.get(walk.endpoint("authorization"), query=query)
    walk.page = await _follow(walk, answer)
    _check_returned(walk.page)
    _form(walk.page, "login-submit", "the sign-in page")
    return "the sign-in page"


async def _sign_in(walk: Walk) -> str:
    form = _form(walk.page, "login-submit", "the sign-in page")
    credentials = {"username": walk.cast.username, "password": walk.cast.password}
    answer = await walk.visitor.post(form.action, {**form.fields, **credentials})
    if answer.form_with("login-submit") is not None:
        raise StepFailed("the server did not accept the name and the password")
    walk.page = await _follow(walk, answer)
    return f"as {walk.cast.username}"


async def _consent(walk: Walk) -> str:
    if walk.page.location.startswith(walk.cast.redirect_uri):
        seen = "remembered, no page"
    else:
        form = _form(walk.page, "consent-approve", "the consent page")
        walk.page = await _follow(walk, await walk.visitor.post(form.action, form.fields))
        seen = "approved"
    returned = _check_returned(walk.page)
    if returned.get("state") != walk.state:
        raise StepFailed("the state did not come back as it was sent")
    if returned.get("iss") != walk.issuer:
        raise StepFailed("the answer does not name the issuer (RFC 9207)")
    walk.code = returned.get("code", "")
    if not walk.code:
        raise StepFailed("no code came back")
    return seen


async def _exchange(walk: Walk) -> str:
    answer = await walk.ask(
        "token",
        grant_type="authorization_code",
        code=walk.code,
        redirect_uri=walk.cast.redirect_uri,
        code_verifier=walk.verifier,
    )
    _expect(answer, 200)
    walk.tokens = answer.json()
    if walk.tokens.get("token_type") != "Bearer" or not walk.tokens.get("access_token"):
        raise StepFailed("the answer is not a Bearer token")
    return f"an access token for {walk.tokens.get('expires_in')} s"


async def _introspect(walk: Walk) -> str:
    answer = await walk.ask("introspection", token=walk.tokens["access_token"])
    _expect(answer, 200)
    if answer.json().get("active") is not True:
        raise StepFailed("the fresh token is not active")
    return "active"


async def _call(walk: Walk) -> str:
    answer = await walk.visitor.get(f"{walk.issuer}/api/v1/me", bearer=walk.tokens["access_token"])
    _expect(answer, 200)
    return f"it speaks for {answer.json().get('username') or answer.json().get('sub')}"


async def _refresh(walk: Walk) -> str:
    if "refresh_token" not in walk.tokens:
        return "not asked for: the application got no refresh token"
    answer = await walk.ask("token", grant_type="refresh_token", refresh_token=walk.tokens["refresh_token"])
    _expect(answer, 200)
    before = walk.tokens["access_token"]
    walk.tokens = {**walk.tokens, **answer.json()}
    if walk.tokens["access_token"] == before:
        raise StepFailed("the access token did not change")
    return "a new access token"


async def _revoke(walk: Walk) -> str:
    answer = await walk.ask("revocation", token=walk.tokens.get("refresh_token", walk.tokens["access_token"]))
    _expect(answer, 200)
    after = await walk.visitor.get(f"{walk.issuer}/api/v1/me", bearer=walk.tokens["access_token"])
    _expect(after, 401)
    return "the token is worth nothing now"


STEPS: tuple[Step, ...] = (
    ("discover the server", _discover),
    ("ask for authorization", _authorize),
    ("sign in", _sign_in),
    ("give consent", _consent),
    ("exchange the code", _exchange),
    ("introspect the token", _introspect),
    ("call the API", _call),
    ("refresh", _refresh),
    ("revoke", _revoke),
)


async def _follow(walk: Walk, answer: Answer) -> Answer:
    """Follow redirects inside the server; stop at a page, or at the redirect that leads to the application."""
    for _ in range(_HOPS):
        if not answer.location:
            _expect(answer, 200)
            return answer
        if answer.location.startswith(walk.cast.redirect_uri):
            return answer
        answer = await walk.visitor.get(answer.location)
    raise StepFailed(f"more than {_HOPS} redirects")


def _check_returned(page: Answer) -> dict[str, str]:
    """Return what the redirect carries back to the application; raises when that is an error."""
    returned = page.returned()
    if "error" in returned:
        raise StepFailed(f"the application was told {returned['error']}: {returned.get('error_description', '')}")
    return returned


def _form(page: Answer, element_id: str, what: str) -> Form:
    form = page.form_with(element_id)
    if form is None:
        raise StepFailed(f"{what} did not come (no element #{element_id})")
    return form


def _expect(answer: Answer, status: int) -> None:
    if answer.status == status:
        return
    said = answer.json()
    reason = f": {said['error']}, {said.get('error_description', '')}" if "error" in said else ""
    raise StepFailed(f"status {answer.status} instead of {status}{reason}")
