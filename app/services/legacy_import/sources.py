"""What names a row over there, so that it is known again: credentials are named by the digest they are found by."""

from app.protocol.legacy import lookup_digest
from app.services.legacy_import.known import Known
from app.services.legacy_import.rows import ApplicationRow, AuthorizationRow, KeyRow, Row, TokenRow, UserRow
from app.services.names import name_key
from app.store.legacy import Client, Person
from app.store.transaction import Transaction


async def source_of(transaction: Transaction, known: Known, row: Row) -> str | None:
    """Return the name of a row; None for what is recognised by being here, and for what names nobody."""
    match row:
        case ApplicationRow(client_id=client_id):
            return client_id
        case AuthorizationRow():
            person = await known.user(transaction, row.user)
            client = await known.application(transaction, row.application)
            return consent_of(person, client) if person and client else None
        case TokenRow(token=secret) | KeyRow(key=secret):
            return lookup_digest(secret.get_secret_value()).hex()
        case UserRow(username=username) if "@" in username:
            return name_key(username)
        case _:
            return None


def consent_of(person: Person, client: Client) -> str:
    """Return the name of a standing consent."""
    return f"{client.id} {person.id}"
