"""Who a token speaks for, on the hot path: one method is one round trip (OpenID Connect Core §5.3)."""

from uuid import UUID

import asyncpg
import orjson

from app.protocol import claims_request
from app.protocol.facts import PersonFact
from app.protocol.userinfo import LoginFact
from app.store import client_rows, hot_rows
from app.store.gather_sql import BEHIND, TOKEN, TOKEN_COLUMNS, find
from app.store.hot_connection import Statement
from app.store.hot_pool import HotPool

# A person's memberships are few, and found by the index on them; those in deleted organizations count for nothing.
_MEMBERSHIPS = """(select jsonb_agg(jsonb_build_array(o.slug, o.name, m.role) order by o.slug)
        from organization_member m
        join lateral (select slug, name from organization
            where id = m.organization_id and deleted_at is null offset 0) o on true
        where m.user_id = t.user_id)"""

_AFTER_THE_TOKEN = hot_rows.TOKEN_WIDTH + hot_rows.STANDING_WIDTH


def _statement(name: str, *more: str) -> Statement:
    columns = ", ".join((TOKEN_COLUMNS, "f.claims, p.openid, p.policy, u.email, u.claims, u.updated_at", *more))
    found = "\n".join(
        (
            find("t", f"{TOKEN}, basis, details", "access_token", "id = $1"),
            find("f", "id, auth_time, acr, revoked_at, claims", "token_family", "id = t.family_id"),
            find("p", "client_id, epoch, status, openid, policy", "application", "id = t.application_id"),
            find("r", BEHIND, '"authorization"', "id = t.authorization_id"),
            find(
                *("u", "sub, username, epoch, disabled_at, email, claims, updated_at", "user_account"),
                "id = t.user_id",
            ),
        )
    )
    return Statement(name, f"select {columns}\nfrom (values (1)) one\n{found}", shares_trips=True)


GATHER_USERINFO = _statement("gather_userinfo")
GATHER_USERINFO_AND_MEMBERSHIPS = _statement("gather_userinfo_and_memberships", _MEMBERSHIPS)

STATEMENTS = (GATHER_USERINFO, GATHER_USERINFO_AND_MEMBERSHIPS)
"""What a hot connection may prepare to answer here."""


class Userinfo:
    """People, by the tokens that speak for them."""

    def __init__(self, pool: HotPool) -> None:
        self._pool = pool

    async def gather(self, token_id: UUID, *, memberships: bool) -> LoginFact | None:
        """Return an access token with its person; with his memberships where a claim of this server is made of them."""
        statement = GATHER_USERINFO_AND_MEMBERSHIPS if memberships else GATHER_USERINFO
        row = await self._pool.read(statement, token_id)
        token = None if row is None else hot_rows.token(row, 0)
        if row is None or token is None:
            return None
        return LoginFact(
            token=token,
            claims=claims_request.read(row[_AFTER_THE_TOKEN]),
            openid=client_rows.openid(row[_AFTER_THE_TOKEN + 1] or "{}"),
            policy=client_rows.policy(row[_AFTER_THE_TOKEN + 2] or "{}"),
            person=_person(row, memberships=memberships),
        )


def _person(row: asyncpg.Record, *, memberships: bool) -> PersonFact | None:
    at = _AFTER_THE_TOKEN + 3
    if row[at + 2] is None:
        return None
    held = row[at + 3] if memberships else None
    return PersonFact(
        username=row["username"],
        email=row[at] or "",
        claims=orjson.loads(row[at + 1]),
        updated_at=row[at + 2],
        memberships=() if held is None else tuple((slug, name, role) for slug, name, role in orjson.loads(held)),
    )
