"""Personal tokens and API keys, straight into the database, for tests about what they open."""

from base64 import b64encode
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, update

from app.crypto.hashing import digest
from app.crypto.secrets import new_id, random_bytes
from app.models import ApiKey, PersonalToken
from app.protocol.token_format import Credential, Prefix, format_credential
from tests.support.service import Service


async def personal_token(site: Service, user_id: UUID, *scopes: str, **changes: Any) -> tuple[UUID, str]:
    """Make a personal token; return its id and the token."""
    credential = Credential(new_id(site.clock()), random_bytes())
    row: dict[str, Any] = {
        "id": credential.id,
        "digest": digest(credential.secret),
        "last_four": "cafe",
        "user_id": user_id,
        "user_epoch": 0,
        "name": "nightly",
        "scopes": list(scopes),
        "expires_at": site.clock() + timedelta(days=90),
        "created_at": site.clock(),
        **changes,
    }
    async with site.database.transaction() as transaction:
        await transaction.execute(insert(PersonalToken).values(**row))
    return credential.id, format_credential(Prefix.PERSONAL_TOKEN, credential)


async def api_key(site: Service, organization_id: UUID, *scopes: str, **changes: Any) -> tuple[UUID, str]:
    """Make an API key; return its id and the key."""
    credential = Credential(new_id(site.clock()), random_bytes())
    row: dict[str, Any] = {
        "id": credential.id,
        "digest": digest(credential.secret),
        "last_four": "beef",
        "organization_id": organization_id,
        "label": "Deploys",
        "scopes": list(scopes),
        "allowed_origins": [],
        "created_at": site.clock(),
        "updated_at": site.clock(),
        **changes,
    }
    async with site.database.transaction() as transaction:
        await transaction.execute(insert(ApiKey).values(**row))
    return credential.id, format_credential(Prefix.API_KEY, credential)


async def change(site: Service, model: type[Any], row_id: UUID, **changes: Any) -> None:
    """Change a row behind the server's back, as another worker would."""
    async with site.database.transaction() as transaction:
        await transaction.execute(update(model).where(model.id == row_id).values(**changes))


def bearer(credential: str) -> dict[str, str]:
    """Return the header of a token or key."""
    return {"Authorization": f"Bearer {credential}"}


def basic(key: str) -> dict[str, str]:
    """Return the header of a key as HTTP Basic: the user name, and no password."""
    return {"Authorization": "Basic " + b64encode(f"{key}:".encode()).decode()}
