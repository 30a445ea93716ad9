"""The user and the application of the login test: switched on for one walk, and off again afterwards.

They keep their names, so that a thousand tests leave one of each behind; password and secret are new every time.
"""

from uuid import UUID

from app.crypto.secrets import random_bytes
from app.protocol.events import Event
from app.protocol.scopes import ScopeRegistry
from app.services import accounts, applications, data_file
from app.services.names import name_key
from app.services.operator import Operator
from app.services.passwords import PasswordQueue
from app.services.round_trip import Cast
from app.store import records, users
from app.store.database import Database

USERNAME = "login-test"
CLIENT_ID = "assent-login-test"
REDIRECT_URI = "https://login-test.invalid/callback"
"""Nobody can own this name (RFC 2606 §2), and nobody needs to listen there: the walk stops before it."""


async def engage(
    database: Database, passwords: PasswordQueue, operator: Operator, registry: ScopeRegistry, scopes: tuple[str, ...]
) -> Cast:
    """Make both, or give the existing ones new credentials, and switch them on."""
    password = accounts.random_password()
    client_secret = f"login-test-{random_bytes().hex()}"
    document = {
        "users": [{"username": USERNAME, "password": password}],
        "applications": [
            {
                "client_id": CLIENT_ID,
                "client_secret": client_secret,
                "client_name": "Login test",
                "redirect_uris": [REDIRECT_URI],
                "grant_types": ["authorization_code", "refresh_token"],
                "token_endpoint_auth_method": "client_secret_basic",
            }
        ],
    }
    await data_file.apply(database, passwords, data_file.parse(document, registry), operator)
    await accounts.enable(database, operator, USERNAME)
    await applications.enable(database, CLIENT_ID, operator)
    return Cast(
        username=USERNAME,
        password=password,
        client_id=CLIENT_ID,
        client_secret=client_secret,
        redirect_uri=REDIRECT_URI,
        scopes=scopes,
    )


async def dismiss(database: Database, operator: Operator) -> None:
    """Take back what the user allowed, and switch both off: sessions and tokens that are left are dead."""
    account = await users.find_for_sign_in(database, name_key(USERNAME))
    if account is not None:
        await _disconnect(database, operator, account.id)
        await accounts.disable(database, operator, USERNAME)
    await applications.disable(database, CLIENT_ID, operator)


async def _disconnect(database: Database, operator: Operator, user_id: UUID) -> None:
    for record in await records.list_for_user(database, user_id):
        entry = operator.entry(
            Event.AUTHORIZATION_REVOKED,
            subject_id=record.client_id,
            user_id=user_id,
            application_id=record.application_id,
        )
        await records.revoke(database, record.id, operator.now, entry)
