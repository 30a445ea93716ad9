"""Applications that register themselves, in tests: what they send, and the tokens that let them."""

from datetime import datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import insert, select, update
from sqlmodel import col

from app.crypto.hashing import digest
from app.crypto.secrets import new_id, random_bytes
from app.models import Application, Audit, InitialAccessToken
from app.protocol.token_format import Credential, Prefix, format_credential
from app.store.database import Database
from tests.support.service import REDIRECT_URI, Service

ENDPOINT = "/oauth/register"
LOOPBACK = "http://127.0.0.1/callback"
MCP_CLIENT: dict[str, Any] = {
    "client_name": "Rye Inspector",
    "redirect_uris": [LOOPBACK],
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "token_endpoint_auth_method": "none",
    "application_type": "native",
    "scope": "project:read",
}
"""What clients of MCP register."""

WEB: dict[str, Any] = {
    "client_name": "Deploy Diary",
    "redirect_uris": [REDIRECT_URI],
    "grant_types": ["authorization_code", "refresh_token"],
    "id_token_signed_response_alg": "ES256",
}


def bearer(token: str) -> dict[str, str]:
    """Return the header that shows a token."""
    return {"Authorization": f"Bearer {token}"}


async def registered(client: httpx.AsyncClient, members: dict[str, Any], token: str = "") -> dict[str, Any]:
    """Register an application; return what it is told."""
    answer = await client.post(ENDPOINT, json=members, headers=bearer(token) if token else {})
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def permission(
    database: Database, now: datetime, *, uses: int | None = 1, life: float | None = None, revoked: bool = False
) -> str:
    """Return a new initial access token, as an operator would have made it."""
    credential = Credential(new_id(now), random_bytes())
    row = {
        "id": credential.id,
        "digest": digest(credential.secret),
        "label": "For the pipeline",
        "uses_left": uses,
        "created_by": "command line",
        "created_at": now,
        "expires_at": None if life is None else now + timedelta(seconds=life),
        "revoked_at": now if revoked else None,
    }
    async with database.transaction() as transaction:
        await transaction.execute(insert(InitialAccessToken).values(**row))
    return format_credential(Prefix.INITIAL_ACCESS, credential)


async def stored(site: Service, client_id: str) -> Application:
    """Return the row of an application."""
    async with site.database.transaction() as transaction:
        return (await transaction.scalars(select(Application).where(col(Application.client_id) == client_id))).one()


async def check(site: Service, client_id: str) -> None:
    """Mark an application as one that the operator has checked."""
    named = col(Application.client_id) == client_id
    async with site.database.transaction() as transaction:
        await transaction.execute(
            update(Application).where(named).values(verified=True, version=col(Application.version) + 1)
        )


async def deeds(site: Service, client_id: str) -> list[Audit]:
    """Return the audit rows about an application, the oldest first."""
    async with site.database.transaction() as transaction:
        found = await transaction.scalars(
            select(Audit).where(col(Audit.subject_id) == client_id).order_by(col(Audit.id))
        )
        return list(found)
