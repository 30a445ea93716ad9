"""What `/api/v1/authorizations` tells of a connected application: its record and its permissions."""

from collections.abc import Iterable
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from app.protocol.claims_request import claim_of
from app.protocol.configuration import DocumentRules
from app.protocol.facts import SessionFact
from app.protocol.granted_details import PAIR_PREFIX, is_pair, type_of
from app.protocol.liveness import is_scope, split_pair
from app.protocol.vocabulary import Vocabulary
from app.routers.account import desk
from app.routers.api.history_models import (
    CHANGE,
    PERMISSION,
    Change,
    Permission,
    change_of,
    claims_of,
    permissions_of,
)
from app.routers.api.shapes import shown_as
from app.services.connections import Connection, Ended
from app.store.records import Record
from app.store.trail import TrailEntry
from app.store.usage import LiveFamily

# The document’s generator drops nulls from examples; hence a resource in each.
_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
_APPLICATION: dict[str, Any] = {
    "client_id": "deploy-diary",
    "name": "Deploy Diary",
    "host": "diary.example",
    "owner": "Saltbarn",
    "verified": True,
}
_OBJECT: dict[str, Any] = {"type": "account_information", "actions": ["read_balance"]}
_SUMMARY: dict[str, Any] = {
    "id": _ID,
    "version": 2,
    "beside": False,
    "application": _APPLICATION,
    "permissions": [PERMISSION],
    "claims": ["email"],
    "authorization_details": [_OBJECT],
    "created_at": "2026-03-02T09:15:00Z",
    "updated_at": "2026-05-20T17:40:12Z",
    "last_used_at": "2026-05-21T06:00:03Z",
}
_SCOPE: dict[str, Any] = {
    "scope": "project:read",
    "title": "See projects",
    "kind": "see",
    "first_granted_at": "2026-03-02T09:15:00Z",
    "last_granted_at": "2026-05-20T17:38:51Z",
}
_CLAIM: dict[str, Any] = {
    "claim": "email",
    "title": "See your email address",
    "first_granted_at": "2026-03-02T09:15:00Z",
    "last_granted_at": "2026-05-20T17:38:51Z",
}
_DETAIL: dict[str, Any] = {
    "id": "account_information#0F8xM5dO3nX1b2Jk9Qw7Zg",
    "title": "See your bank accounts",
    "authorization_details": _OBJECT,
    "first_granted_at": "2026-03-02T09:15:00Z",
    "last_granted_at": "2026-05-20T17:38:51Z",
}

_FAMILY: dict[str, Any] = {
    "id": "019a5e0c-11d3-7c02-9d3e-5a1f7a9b2c40",
    "started_at": "2026-03-02T09:15:04Z",
    "last_used_at": "2026-05-21T06:00:03Z",
    "signed_in_at": "2026-03-02T09:14:40Z",
    "address": "203.0.113.24",
    "user_agent": "Mozilla/5.0",
}
_ENDED: dict[str, Any] = {
    "id": _ID,
    "client_id": "deploy-diary",
    "name": "Deploy Diary",
    "host": "diary.example",
    "ended_at": "2026-05-22T08:11:30Z",
    "by": "you",
}


class ApplicationAnswer(BaseModel):
    """The application as its users are introduced to it; nothing of it is a secret."""

    client_id: str
    name: str
    host: str = Field(description="Where answers go; empty when it has no redirect URI.")
    owner: str
    verified: bool = Field(description="False for applications that registered themselves and nobody has checked.")


class AuthorizationSummary(BaseModel):
    """One connected application; everything granted is in `permissions`, in the order in which it was granted."""

    model_config = shown_as(_SUMMARY)

    id: UUID
    version: int = Field(description="Grows with each change; the `ETag` for `If-Match`.")
    beside: bool = Field(
        description="Whether the application keeps it apart from what else it was allowed, by Grant Management. It may "
        "stand here several times then."
    )
    application: ApplicationAnswer
    permissions: list[Permission]
    claims: list[str] = Field(
        description="The claims about you that it was given one by one, beside those that its scopes deliver."
    )
    authorization_details: list[dict[str, Any]] = Field(
        description="The objects that it may ask for again without asking you (RFC 9396)."
    )
    created_at: AwareDatetime
    updated_at: AwareDatetime
    last_used_at: AwareDatetime | None = Field(
        description="When it last got a token that it still holds; null when it holds none."
    )


class AuthorizationList(BaseModel):
    """One page of the list, the newest connection first."""

    model_config = shown_as({"items": [_SUMMARY]})

    items: list[AuthorizationSummary]


class GrantedScope(BaseModel):
    """One scope with its words and dates; `first_granted_at` counts from the last time that it was missing."""

    scope: str
    title: str = Field(description="Empty when the scope has left the registry.")
    kind: Literal["see", "change", "manage"]
    first_granted_at: AwareDatetime
    last_granted_at: AwareDatetime


class ResourceScopes(BaseModel):
    """The scopes at one resource; null stands for those without one."""

    resource: str | None
    scopes: list[GrantedScope]


class GrantedClaim(BaseModel):
    """One claim that was given by itself, with its words and dates."""

    claim: str
    title: str
    first_granted_at: AwareDatetime
    last_granted_at: AwareDatetime


class GrantedDetails(BaseModel):
    """An object of authorization details, or a type of which each object was asked for by itself, with words and
    dates."""

    id: str = Field(description="What it is called in `…/details/{detail}`.")
    title: str
    authorization_details: dict[str, Any] | None = Field(
        default=None, description="Null for a type whose objects are asked for each time anew: none is kept."
    )
    first_granted_at: AwareDatetime
    last_granted_at: AwareDatetime


class AuthorizationAnswer(AuthorizationSummary):
    """One connected application in full."""

    model_config = shown_as(
        _SUMMARY
        | {
            "resources": [{"resource": "https://api.example", "scopes": [_SCOPE]}],
            "granted_claims": [_CLAIM],
            "granted_details": [_DETAIL],
            "live_token_families": 1,
            "history": [CHANGE],
        }
    )

    resources: list[ResourceScopes]
    granted_claims: list[GrantedClaim]
    granted_details: list[GrantedDetails]
    live_token_families: int = Field(description="From how many sign-ins it holds tokens that still work.")
    history: list[Change] = Field(description="The latest 100 changes, the newest first; all are at `…/history`.")


class TokenFamily(BaseModel):
    """One place where an application is signed in, and the sign-in of yours that it came from."""

    model_config = shown_as(_FAMILY)

    id: UUID
    started_at: AwareDatetime
    last_used_at: AwareDatetime = Field(description="When it last got a token there.")
    signed_in_at: AwareDatetime | None = Field(default=None, description="Null when that sign-in is forgotten.")
    address: str = Field(description="From which network address you signed in.")
    user_agent: str = Field(description="With which program you signed in, as it called itself.")


class TokenFamilyList(BaseModel):
    """One page of the places, the newest first."""

    model_config = shown_as({"items": [_FAMILY]})

    items: list[TokenFamily]


class EndedAuthorization(BaseModel):
    """What was connected earlier, as it was called then. Its history stays readable."""

    model_config = shown_as(_ENDED)

    id: UUID
    client_id: str
    name: str
    host: str
    ended_at: AwareDatetime | None = Field(default=None, description="Null when nothing tells when.")
    by: str = Field(description="`you`, or `other`: the operator, or the application’s own deletion.")


class EndedAuthorizationList(BaseModel):
    """One page of what is over, the latest first."""

    model_config = shown_as({"items": [_ENDED]})

    items: list[EndedAuthorization]


def family_of(family: LiveFamily) -> TokenFamily:
    """Return one place where an application is signed in."""
    return TokenFamily(
        id=family.id,
        started_at=family.begun,
        last_used_at=family.last_used,
        signed_in_at=family.signed_in,
        address=family.address,
        user_agent=family.user_agent,
    )


def ended_of(ended: Ended) -> EndedAuthorization:
    """Return what was connected earlier."""
    return EndedAuthorization(
        id=ended.record_id,
        client_id=ended.client_id,
        name=ended.name,
        host=ended.host,
        ended_at=ended.ended_at,
        by="you" if ended.by_himself else "other",
    )


def summary_of(connection: Connection, documents: DocumentRules) -> AuthorizationSummary:
    """Return one item of the list."""
    return AuthorizationSummary(**_summary(connection, documents))


def answer_of(
    connection: Connection,
    documents: DocumentRules,
    vocabulary: Vocabulary,
    history: Iterable[TrailEntry],
    live_families: int,
    session: SessionFact,
) -> AuthorizationAnswer:
    """Return the whole of a connection, as the person of the session sees it."""
    return AuthorizationAnswer(
        **_summary(connection, documents),
        resources=_resources(connection.record, vocabulary),
        granted_claims=_claims(connection.record, vocabulary),
        granted_details=_details(connection.record, vocabulary),
        live_token_families=live_families,
        history=[change_of(entry, session) for entry in history],
    )


def _summary(connection: Connection, documents: DocumentRules) -> dict[str, Any]:
    record = connection.record
    shown = desk.application_of(record, documents)
    return {
        "id": record.id,
        "version": record.version,
        "beside": record.beside,
        "application": ApplicationAnswer(
            client_id=record.client_id,
            name=record.application_name,
            host=shown.host,
            owner=record.owner_name,
            verified=shown.verified,
        ),
        "permissions": permissions_of(held.pair for held in record.pairs),
        "claims": claims_of(held.pair for held in record.pairs),
        "authorization_details": [held.content for held in record.pairs if held.content is not None],
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "last_used_at": connection.last_used,
    }


def _claims(record: Record, vocabulary: Vocabulary) -> list[GrantedClaim]:
    return [
        GrantedClaim(
            claim=claim,
            title=known.title if (known := vocabulary.get(held.pair)) else "",
            first_granted_at=held.first_granted,
            last_granted_at=held.last_granted,
        )
        for held in record.pairs
        if (claim := claim_of(held.pair)) is not None
    ]


def _details(record: Record, vocabulary: Vocabulary) -> list[GrantedDetails]:
    return [
        GrantedDetails(
            id=held.pair.removeprefix(PAIR_PREFIX),
            title=vocabulary.details.known(type_of(held.pair)).description,
            authorization_details=None if held.content is None else dict(held.content),
            first_granted_at=held.first_granted,
            last_granted_at=held.last_granted,
        )
        for held in record.pairs
        if is_pair(held.pair)
    ]


def _resources(record: Record, vocabulary: Vocabulary) -> list[ResourceScopes]:
    """Return the scopes by resource; those without one stand first."""
    by_resource: dict[str, list[GrantedScope]] = {}
    for held in sorted(record.pairs, key=lambda one: split_pair(one.pair)[1] != ""):
        if not is_scope(held.pair):
            continue
        scope, resource = split_pair(held.pair)
        known = vocabulary.get(scope)
        by_resource.setdefault(resource, []).append(
            GrantedScope(
                scope=scope,
                title=known.title if known else "",
                kind=known.kind if known else "see",
                first_granted_at=held.first_granted,
                last_granted_at=held.last_granted,
            )
        )
    return [ResourceScopes(resource=resource or None, scopes=scopes) for resource, scopes in by_resource.items()]
