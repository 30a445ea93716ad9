"""A client that asks for a person who is elsewhere and polls, and that person's decision without a page (CIBA)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text

from app.crypto import jose
from app.pipeline import backchannel
from app.pipeline.audit import Actor
from app.pipeline.backchannel import Notification
from app.pipeline.waiting import Waiting
from app.protocol.ciba_facts import BackchannelRequestFact
from app.protocol.grant_types import ciba
from app.protocol.token_format import Prefix, parse_credential
from app.store import users
from app.store.hot_backchannel import Call
from app.store.users import SignInAccount
from tests.support.service import SECRET, Service

GRANT_TYPE = ciba.NAME
ENDPOINT = "/oauth/bc-authorize"
NOTIFICATION_TOKEN = "a-notification-token-of-the-client"
POLLING: dict[str, Any] = {
    "grant_types": (GRANT_TYPE, "refresh_token"),
    "redirect_uris": (),
    "response_types": (),
    "requests": {"ciba_mode": "poll"},
}
"""What an application that polls is registered with."""

PINGED: dict[str, Any] = {
    **POLLING,
    "requests": {"ciba_mode": "ping", "ciba_endpoint": "https://client.example/ping"},
}
"""What one is registered with that wants to be pinged."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who decides, having signed in with his password."""

    user_id: UUID
    user_epoch: int
    auth_time: datetime
    amr: tuple[str, ...] = ("pwd",)


async def ask(
    client: httpx.AsyncClient, client_id: str, secret: str | None = SECRET, /, **params: str | list[str]
) -> httpx.Response:
    """Ask for robin, unless told otherwise; without a secret as a public client."""
    named = {} if {"login_hint", "id_token_hint", "login_hint_token"} & params.keys() else {"login_hint": "robin"}
    data = {"scope": "openid", **named, **params}
    if secret is None:
        return await client.post(ENDPOINT, data={"client_id": client_id, **data})
    return await client.post(ENDPOINT, data=data, auth=(client_id, secret))


async def asked(client: httpx.AsyncClient, client_id: str, **params: str | list[str]) -> str:
    """Ask, and return the `auth_req_id`."""
    answer = await ask(client, client_id, **params)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["auth_req_id"])


async def poll(
    client: httpx.AsyncClient,
    client_id: str,
    auth_req_id: str,
    *,
    headers: dict[str, str] | None = None,
    **params: str,
) -> httpx.Response:
    """Ask whether the person has decided."""
    data = {"grant_type": GRANT_TYPE, "auth_req_id": auth_req_id, **params}
    return await client.post("/oauth/token", data=data, headers=headers, auth=(client_id, SECRET))


def id_of(auth_req_id: str) -> UUID:
    """Return the id of the request's row."""
    credential = parse_credential(Prefix.BACKCHANNEL_REQUEST, auth_req_id)
    assert credential is not None
    return credential.id


async def account(site: Service, username: str) -> SignInAccount:
    """Return the account of a person."""
    found = await users.find_for_sign_in(site.database, username)
    assert found is not None
    return found


async def waiting_for(
    site: Service, auth_req_id: str, username: str = "robin"
) -> Waiting[BackchannelRequestFact] | None:
    """Return what a person is asked by a request, if it waits for him."""
    person = await account(site, username)
    question = await site.database.backchannel.gather_question(id_of(auth_req_id), person.id)
    return None if question is None else await backchannel.judged(site.server, question, site.clock())


async def decide_as(
    site: Service,
    waiting: Waiting[BackchannelRequestFact],
    username: str,
    *,
    approves: bool,
    only: Sequence[str] | None = None,
    acr: str = "",
) -> bool:
    """Decide about a request as somebody; return whether it counted."""
    person, now = await account(site, username), site.clock()
    decider = Person(person.id, person.epoch, now)
    actor = Actor("user", str(person.id), "192.0.2.7", "decision")
    if not approves:
        return await backchannel.deny(site.server, waiting, decider, actor, now)
    scopes = waiting.wanted.scopes if only is None else tuple(only)
    return await backchannel.approve(site.server, waiting, scopes, decider, acr, actor, now)


async def approve(
    site: Service, auth_req_id: str, username: str = "robin", *, only: Sequence[str] | None = None, acr: str = ""
) -> bool:
    """Approve all of a request, or some of its scopes."""
    waiting = await waiting_for(site, auth_req_id, username)
    return waiting is not None and await decide_as(site, waiting, username, approves=True, only=only, acr=acr)


async def deny(site: Service, auth_req_id: str, username: str = "robin") -> bool:
    """Deny a request."""
    waiting = await waiting_for(site, auth_req_id, username)
    return waiting is not None and await decide_as(site, waiting, username, approves=False)


async def calls(site: Service) -> tuple[Call, ...]:
    """Claim everybody who has to be told of something."""
    now = site.clock()
    return await site.database.backchannel.claim_calls(now, now + timedelta(seconds=30), 100)


def notification(site: Service, call: Call) -> Notification | None:
    """Return what the client of a call is told."""
    return backchannel.notification_of(site.server, call)


async def disable(site: Service, user_id: UUID) -> None:
    """Disable a person."""
    async with site.database.transaction() as transaction:
        assert await users.disable(transaction, user_id, site.clock())


def claims_of(jwt: str) -> dict[str, Any]:
    """Return what a JWT says, unverified."""
    return dict(jose.peek(jwt).claims)


async def trail(site: Service, *request_ids: UUID) -> list[str]:
    """Return the events that name some requests, in their order."""
    named = [str(one) for one in request_ids]
    async with site.database.transaction() as transaction:
        rows = await transaction.execute(
            text(
                "select event from audit where subject_id = any(:ids) or data ->> 'request' = any(:ids) order by at, id"
            ),
            {"ids": named},
        )
        return [row[0] for row in rows]
