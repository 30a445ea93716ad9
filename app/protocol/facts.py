"""What the store knows, as frozen facts: read by the rules, written by nobody.

Times are aware UTC. A *pair* is one string, `scope` or `scope SP resource`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from app.protocol.claims_request import NO_CLAIMS, ClaimsRequest
from app.protocol.client_keys import NONE, KeyMaterial
from app.protocol.granted_details import GrantedDetail
from app.protocol.introductions import NONE as NO_INTRODUCTION
from app.protocol.introductions import Introduction, is_by_document
from app.protocol.names import is_vouched_for
from app.protocol.openid_settings import PLAIN, OpenIdSettings
from app.protocol.policy import ApplicationPolicy
from app.protocol.request_settings import PLAIN as PLAIN_REQUESTS
from app.protocol.request_settings import RequestSettings
from app.protocol.sender import UNBOUND, Binding

ApplicationKind = Literal["web", "native", "browser", "machine"]


@dataclass(frozen=True, slots=True)
class ClientFact:
    """An active application as the protocol sees it. Applications that are not active are never returned by the store.

    `scopes` is the list it may ask for, None when it may ask for every scope of the registry. `secret_digests` are
    the SHA-256 digests of its valid secrets. `unmet` names metadata members that tighten security through features
    which this server does not have: such an application is refused instead of being served without them. `document` is
    the copy of a metadata document that all of it was read from just now, as it is kept beside a request; None: it is
    an application as it is registered.
    """

    id: UUID
    client_id: str
    name: str
    version: int
    epoch: int
    auth_method: str
    secret_digests: tuple[bytes, ...] = field(repr=False)
    redirect_uris: tuple[str, ...]
    grant_types: frozenset[str]
    response_types: frozenset[str]
    scopes: frozenset[str] | None
    optional_scopes: frozenset[str] = frozenset()
    policy: ApplicationPolicy = field(default_factory=ApplicationPolicy)
    owner_name: str = ""
    client_uri: str = ""
    self_registered: bool = False
    verified: bool = False
    unmet: tuple[str, ...] = ()
    key_material: KeyMaterial = field(default=NONE, repr=False)
    openid: OpenIdSettings = PLAIN
    requests: RequestSettings = PLAIN_REQUESTS
    introduction: Introduction = NO_INTRODUCTION
    document: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def confidential(self) -> bool:
        """Whether it can keep a secret (RFC 6749 §2.1): it registered a way to authenticate."""
        return self.auth_method != "none"

    @property
    def by_document(self) -> bool:
        """Whether it is known by a metadata document at the address that is its client_id."""
        return is_by_document(self.client_id, self_registered=self.self_registered)

    @property
    def stranger(self) -> bool:
        """Whether it introduced itself and nobody here has checked it: that it can authenticate proves no more than
        that it is the same as before (DR-13)."""
        return self.self_registered and not self.verified

    @property
    def vouched_for(self) -> bool:
        """Whether somebody here answers for its name: it is the operator's, or he has checked it."""
        return is_vouched_for(verified=self.verified, self_registered=self.self_registered, owner_name=self.owner_name)


@dataclass(frozen=True, slots=True)
class Standing:
    """Who stands behind a grant, family or token, as of now: the inputs of the liveness rule.

    Without a record (`record_id` is None) nobody was asked: only user and application stand behind it. `subject` is
    what the application knows the user by. `record_version`, `user_epoch` and `application_epoch` are the values *now*;
    the grant, family or token carries the ones it was made under. `pairs` and `since` are the record's parallel lists.
    Refresh tokens of grants from before its version `refresh_since` count no more.
    """

    record_id: UUID | None
    record_version: int
    record_revoked: bool
    pairs: tuple[str, ...]
    since: tuple[int, ...]
    user_active: bool
    user_epoch: int
    application_active: bool
    application_epoch: int
    subject: str = ""
    refresh_since: int = 0


@dataclass(frozen=True, slots=True)
class Basis:
    """What an exchanged token rests on that is not its own (RFC 8693).

    `pairs` are the record's pairs behind its own: the record is that of the application whose token was exchanged.
    `applications` are those whose tokens were exchanged on the way to it, each with the epoch it was issued under.
    """

    pairs: Mapping[str, str]
    applications: Mapping[UUID, int]


@dataclass(frozen=True, slots=True)
class Origin:
    """What a grant copies from its authorization event, a family from its grant, and a token from its family.

    `record_id` is None for a token that speaks for a person whom nobody asked: an assertion or a policy paid for it.
    `basis` is for a token that another application's was exchanged for, `details` are those of RFC 9396.
    """

    application_id: UUID
    user_id: UUID
    record_id: UUID | None
    record_version: int
    user_epoch: int
    application_epoch: int
    scopes: tuple[str, ...]
    resources: tuple[str, ...] = ()
    basis: Basis | None = None
    details: tuple[GrantedDetail, ...] = ()


@dataclass(frozen=True, slots=True)
class MachineOrigin:
    """What a token copies that an application got for itself: no person, record or family stands behind it."""

    application_id: UUID
    application_epoch: int
    scopes: tuple[str, ...]
    resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Authentication:
    """How and when the person signed in; belongs to the family, never to the record (AR-8).

    `sid` is that of the browser's session (`SessionFact.sid`), None where no browser session stands behind it.
    """

    auth_time: datetime
    acr: str = ""
    amr: tuple[str, ...] = ()
    sid: UUID | None = None


@dataclass(frozen=True, slots=True)
class PersonFact:
    """What is known about a person, for claims. `memberships` are (slug, name, role) of his organizations."""

    username: str
    email: str
    claims: Mapping[str, Any]
    updated_at: datetime
    memberships: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class CodeFact:
    """An authorization code. `redirect_uri` is the value as sent, None when the request had none.

    `binding` is the key that the request announced (`dpop_jkt`). `claims` are those that were asked for one by one;
    `person` is there when there are any. `grant_action` is what the request asked of Grant Management, None: nothing.
    """

    id: UUID
    digest: bytes = field(repr=False)
    origin: Origin
    authentication: Authentication
    redirect_uri: str | None
    code_challenge: str | None
    nonce: str | None
    offline: bool
    failed_attempts: int
    used_at: datetime | None
    family_id: UUID | None
    expires_at: datetime
    standing: Standing | None
    binding: Binding = UNBOUND
    claims: ClaimsRequest = NO_CLAIMS
    person: PersonFact | None = None
    grant_action: str | None = None


@dataclass(frozen=True, slots=True)
class FamilyFact:
    """A token family. `digest` is that of the current refresh secret, None when no refresh token was issued.

    `key_since` lists (key version, first generation made with it), ascending. `binding` is the key that a refresh has
    to show; of confidential clients, who prove themselves otherwise, there is none (RF-10). `claims` and `person` as in
    `CodeFact`.
    """

    id: UUID
    digest: bytes | None = field(repr=False)
    generation: int
    key_since: tuple[tuple[int, int], ...]
    origin: Origin
    authentication: Authentication
    rotated_at: datetime
    idle_expires_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    standing: Standing | None
    binding: Binding = UNBOUND
    claims: ClaimsRequest = NO_CLAIMS
    person: PersonFact | None = None


@dataclass(frozen=True, slots=True)
class TokenFact:
    """An access token that speaks for a person. `client_id`, `username` and `subject` are for introspection; `pairwise`
    tells that the subject is a name for one sector, beside which nobody is told another (ID-7).

    `digest` is that of an opaque token's secret, or of the whole text of a JWT. `actor` is who acts for the person
    (`act`, RFC 8693 §4.1).
    """

    id: UUID
    digest: bytes = field(repr=False)
    family_id: UUID | None
    origin: Origin
    client_id: str
    username: str
    subject: str
    auth_time: datetime | None
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    family_revoked: bool
    standing: Standing | None
    acr: str = ""
    binding: Binding = UNBOUND
    actor: Mapping[str, Any] | None = None
    pairwise: bool = False

    @property
    def told_username(self) -> str | None:
        """The username as applications are told it: None for those that must not compare notes by it."""
        return None if self.pairwise else self.username


@dataclass(frozen=True, slots=True)
class MachineTokenFact:
    """An access token that an application got for itself, with its application as of now.

    A JWT of this kind has no row: its own claims are the fact, once its signature has been checked.
    """

    id: UUID
    digest: bytes = field(repr=False)
    origin: MachineOrigin
    client_id: str
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    application_active: bool
    application_epoch_now: int
    binding: Binding = UNBOUND
    actor: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class MachineStanding:
    """What stands behind an application's token that has no row: the application as of now, and a list of the
    revoked."""

    application_id: UUID
    application_epoch: int
    application_active: bool
    revoked: bool


AccessTokenFact = TokenFact | MachineTokenFact
"""Both look the same on the wire and lie in one table; what stands behind them differs."""


@dataclass(frozen=True, slots=True)
class PersonalTokenFact:
    """A personal token with its person as of now. `expires_at` is None when it never ends.

    `roles` are those that the person has in his organizations: what the token holds is cut down to them.
    """

    id: UUID
    digest: bytes = field(repr=False)
    user_id: UUID
    user_epoch: int
    name: str
    scopes: tuple[str, ...]
    issued_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    subject: str
    username: str
    user_active: bool
    user_epoch_now: int
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyFact:
    """An API key with its organization as of now. `retiring_digest` is that of the secret before, while it counts."""

    id: UUID
    digest: bytes = field(repr=False)
    retiring_digest: bytes | None = field(repr=False)
    organization_id: UUID
    organization_slug: str
    organization_active: bool
    label: str
    last_four: str
    scopes: tuple[str, ...]
    allowed_origins: tuple[str, ...]
    active: bool
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class OrganizationFact:
    """An organization that has not been deleted. `version` grows with every change of itself."""

    id: UUID
    slug: str
    name: str
    version: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SessionFact:
    """A live browser session with its user. `id` is not the cookie's secret.

    `sid` is what families and applications refer to: it outlives signing in again on that browser, which gives another
    `id` (SE-2, SE-8).
    """

    id: UUID
    sid: UUID
    digest: bytes = field(repr=False)
    user_id: UUID
    user_epoch: int
    subject: str
    username: str
    email: str
    display_name: str
    auth_time: datetime
    amr: tuple[str, ...]
    last_used_at: datetime
    idle_expires_at: datetime
    expires_at: datetime
    operator: bool = False


@dataclass(frozen=True, slots=True)
class RecordFact:
    """A live authorization record of (user, application). `subject` is what the application knows the user by, empty:
    by the user's own. `details` are the objects behind its pairs `detail:…`, by pair; some of them were taken away.
    `identity` is what the user judged an application by that is known by its metadata document (CI-11)."""

    id: UUID
    version: int
    pairs: tuple[str, ...]
    since: tuple[int, ...]
    subject: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    identity: str = ""
