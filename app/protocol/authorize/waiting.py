"""Authorization requests that wait for a person (interactions)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class InteractionFact:
    """An authorization request that waits for a person.

    `params` are the request's parameters as received. `browser_digest` binds it to one browser (SE-7); None until
    the first GET. What the person has dealt with in this very transaction is bound to it (OC-7): `login_at` is the
    moment of a login, `account_at` that of a choice of the account, and `session_id` the session that it led to.
    `pushed_id` is the pushed request that it came from, if any; `signed`: it came as a request object. `document` is
    what its client was known by at that moment, if by a metadata document (`ClientFact.document`).
    """

    id: UUID
    digest: bytes = field(repr=False)
    application_id: UUID
    client_id: str
    params: tuple[tuple[str, str], ...]
    browser_digest: bytes | None = field(repr=False)
    session_id: UUID | None
    login_at: datetime | None
    request_id: str
    created_at: datetime
    expires_at: datetime
    closed_at: datetime | None
    account_at: datetime | None = None
    pushed_id: UUID | None = None
    signed: bool = False
    document: Mapping[str, Any] | None = field(default=None, repr=False)
