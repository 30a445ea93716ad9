"""What the store is ordered to write. Digests, never secrets; times are aware UTC, given by the caller."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from app.crypto.secrets import new_id
from app.protocol.claims_request import NO_CLAIMS, ClaimsRequest
from app.protocol.events import Event
from app.protocol.facts import Authentication, MachineOrigin, Origin
from app.protocol.grant_management import GrantTarget
from app.protocol.granted_details import GrantedDetail
from app.protocol.outcomes import RefreshMode
from app.protocol.sender import UNBOUND, Binding, Proof

ActorKind = Literal["anonymous", "user", "application", "personal_token", "api_key", "system_key", "operator", "server"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does a deed. `label` is what he is called at that moment, such as the label of an API key."""

    kind: ActorKind
    id: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One deed for the audit trail; `id` is a UUIDv7 of `at`, which names its partition.

    `actor_id`, `actor_label`, `subject_id` and `data` name ids and last characters, never a secret. `data` has the
    members `before` and `after` where something was changed.
    """

    id: UUID
    at: datetime
    event: str
    request_id: str
    actor_kind: str
    actor_id: str
    user_id: UUID | None
    application_id: UUID | None
    subject_id: str
    address: str
    data: Mapping[str, object]
    organization_id: UUID | None = None
    actor_label: str = ""
    user_agent: str = ""


def audit_entry(
    event: Event,
    now: datetime,
    actor: Actor,
    *,
    request_id: str = "",
    address: str = "",
    user_agent: str = "",
    user_id: UUID | None = None,
    application_id: UUID | None = None,
    organization_id: UUID | None = None,
    subject_id: str = "",
    data: Mapping[str, object] | None = None,
) -> AuditEntry:
    """Return the row of one deed. Rows that one process makes in one millisecond sort in the order of their making.

    `user_id` is the person whom the deed concerns; request, address and browser are empty for deeds of the server
    itself and of the command line.
    """
    return AuditEntry(
        id=new_id(now),
        at=now,
        event=event,
        request_id=request_id,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_label=actor.label,
        user_id=user_id,
        application_id=application_id,
        organization_id=organization_id,
        subject_id=subject_id,
        address=address,
        user_agent=user_agent,
        data=dict(data or {}),
    )


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of an order; true when it was carried out.

    `replayed`: the proof had been used before, and nothing was written. Otherwise the proof is noted, also when the
    order was lost to somebody else.
    """

    paid: bool
    replayed: bool = False

    def __bool__(self) -> bool:
        return self.paid


@dataclass(frozen=True, slots=True)
class NewToken:
    """An access token; `id` is a UUIDv7 of `issued_at`, which names its partition."""

    id: UUID
    digest: bytes = field(repr=False)
    origin: Origin
    family_id: UUID | None
    issued_at: datetime
    expires_at: datetime
    binding: Binding = UNBOUND


@dataclass(frozen=True, slots=True)
class MachineSettlement:
    """Insert an access token that an application gets for itself. `id` is a UUIDv7 of `now`, which names its partition.

    `application_version` is that of the application as it was decided on. Without a `digest` the token gets no row.
    """

    id: UUID
    digest: bytes | None = field(repr=False)
    origin: MachineOrigin
    application_version: int
    now: datetime
    expires_at: datetime
    audit: AuditEntry
    binding: Binding = UNBOUND
    proof: Proof | None = None


@dataclass(frozen=True, slots=True)
class CodeSettlement:
    """Consume a code, begin its family, insert its first access token.

    `family_digest` is that of the first refresh secret, None when the application gets none. `application_version`
    is that of the application as it was decided on.
    """

    grant_id: UUID
    application_version: int
    now: datetime
    family_id: UUID
    family_digest: bytes | None = field(repr=False)
    key_version: int
    idle_expires_at: datetime
    family_expires_at: datetime
    authentication: Authentication
    nonce: str | None
    family_origin: Origin
    token: NewToken
    audit: AuditEntry
    family_binding: Binding = UNBOUND
    proof: Proof | None = None


@dataclass(frozen=True, slots=True)
class RefreshSettlement:
    """Continue a family by one access token; `mode` and `touch` as in `protocol.outcomes.Refresh`.

    `application_version` is that of the application as it was decided on. `family_binding` binds a family that has no
    key yet when it is rotated.
    """

    mode: RefreshMode
    application_version: int
    family_id: UUID
    presented_generation: int
    now: datetime
    next_digest: bytes | None = field(repr=False)
    key_version: int
    idle_expires_at: datetime
    grace: timedelta
    touch: bool
    token: NewToken
    audit: AuditEntry
    family_binding: Binding = UNBOUND
    proof: Proof | None = None


@dataclass(frozen=True, slots=True)
class NewInteraction:
    """An authorization request to be kept until a person has dealt with it; `document` as in `ClientFact`."""

    id: UUID
    digest: bytes = field(repr=False)
    application_id: UUID
    client_id: str
    params: tuple[tuple[str, str], ...]
    browser_digest: bytes | None = field(repr=False)
    session_id: UUID | None
    request_id: str
    created_at: datetime
    expires_at: datetime
    pushed_id: UUID | None = None
    signed: bool = False
    document: Mapping[str, object] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class NewCode:
    """An authorization code; record, user and application come from the settlement that it is part of."""

    id: UUID
    digest: bytes = field(repr=False)
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    authentication: Authentication
    redirect_uri: str | None
    code_challenge: str | None
    nonce: str | None
    offline: bool
    expires_at: datetime
    binding: Binding = UNBOUND
    claims: ClaimsRequest = NO_CLAIMS
    details: tuple[GrantedDetail, ...] = ()
    grant_action: str | None = None


@dataclass(frozen=True, slots=True)
class NewFrontToken:
    """An access token that goes through the browser, with a family of its own that has no refresh secret.

    `id` is a UUIDv7 of the settlement's `now`, which names its partition. Record, user and application come from the
    settlement that it is part of.
    """

    id: UUID
    digest: bytes = field(repr=False)
    family_id: UUID
    key_version: int
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    authentication: Authentication
    expires_at: datetime
    claims: ClaimsRequest = NO_CLAIMS


@dataclass(frozen=True, slots=True)
class Introduced:
    """An application as its metadata document has it.

    `row` are its columns (`protocol.client_documents.row_of`). `audit` tells that it has changed; the statement that
    begins its row says that instead.
    """

    row: Mapping[str, Any]
    audit: AuditEntry


@dataclass(frozen=True, slots=True)
class AuthorizationSettlement:
    """Close the interaction, merge `pairs` into the record, insert the code and the token that are asked for, if any.

    `interaction_id` is None where nobody had to be asked. `new_record_id` is used when there is no live record yet.
    `subject` is what the application knows the person by, None: by his own. `session_id` is the browser's session
    when it signs the person in to the application, which will hear of its end; None when it does not. `details` are the
    objects behind new pairs `detail:…`. `pushed_id` is the pushed request that is used up by this. `target` is the
    record that it goes into where the request says so, None: the implicit one. `introduced` is the application as its
    metadata document has it, where that was read for this: its row begins with the first grant, or changes with this
    one. It always gets a code, and never a token.
    """

    interaction_id: UUID | None
    now: datetime
    application_id: UUID
    user_id: UUID
    user_epoch: int
    application_epoch: int
    pairs: tuple[str, ...]
    new_record_id: UUID
    audit: AuditEntry
    code: NewCode | None = None
    token: NewFrontToken | None = None
    subject: str | None = None
    session_id: UUID | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    pushed_id: UUID | None = None
    target: GrantTarget | None = None
    introduced: Introduced | None = None


@dataclass(frozen=True, slots=True)
class SettledAuthorization:
    """The record after the merge."""

    record_id: UUID
    version: int
    pairs: tuple[str, ...]
