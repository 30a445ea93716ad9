"""Clients that are known by a metadata document at the address that is their client_id (Client ID Metadata Documents,
standards A10): which addresses count, what may stand there, and what becomes of it.

A document is written for every server there is. So what is not known here is passed over where that takes something
from its client (grant types, scopes), and refused where it would be served otherwise than it says.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.crypto import strict_json
from app.crypto.hashing import digest
from app.protocol import client_metadata, key_sets, look_alikes, profiles, redirect_uri
from app.protocol.client_auth import none, private_key_jwt
from app.protocol.client_identity import identity_of
from app.protocol.client_metadata import ClientMetadata
from app.protocol.configuration import DocumentRules
from app.protocol.errors import OAuthError
from app.protocol.facts import ClientFact
from app.protocol.features import Feature, FeatureSet
from app.protocol.fetching import Failed, NotFetched, Refused
from app.protocol.introductions import SCHEME, Introduction, is_by_document
from app.protocol.policy import ApplicationPolicy
from app.protocol.response_types import CODE
from app.protocol.scopes import ScopeRegistry, render
from app.protocol.stored_applications import kind_of, stored_keys, stored_policy

MAX_LENGTH = 512
"""Characters of a client_id that is an address."""

MEDIA_TYPES = ("application/json", "application/*+json")
MAX_BYTES = 5120
"""CI-9: five kilobytes."""

DEFAULT_FRESH = timedelta(hours=1)
"""How long a document counts whose server leaves that open."""

METHODS = (none.NAME, private_key_jwt.NAME)
"""CI-6: how such a client may prove who it is. What it would share with us, everybody could read (CI-5)."""

GRANT_TYPES = ("authorization_code", "refresh_token")
"""What such a client may do: everything else begins without a person who could look at its name."""

_LEVELS = 8
_SECRETS = ("client_secret", "client_secret_expires_at")
_PASSED_OVER = frozenset(
    {
        *("backchannel_token_delivery_mode", "backchannel_client_notification_endpoint"),
        *("backchannel_authentication_request_signing_alg", "backchannel_user_code_parameter"),
    }
)
"""Members about grant types that such a client does not have."""

# RFC 3986 §3.3, §3.4. What browsers and libraries repair in other texts, each repairs in its own way.
_BEHIND_HOST = re.compile(r"/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*")
_SLASH = re.compile(r"/|%2f|%5c", re.IGNORECASE)
_DOT = re.compile(r"%2e", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a document said when it was read; `stored` and `read_snapshot` are inverses.

    It is read again from `fresh_until` on (CI-10), and kept beside a request of a person until that is over.
    """

    client_id: str
    metadata: ClientMetadata = field(repr=False)
    fetched_at: datetime
    fresh_until: datetime

    @property
    def stored(self) -> dict[str, Any]:
        """The form of the columns beside requests, moments in seconds."""
        return {
            "client_id": self.client_id,
            "metadata": self.metadata.document(),
            "fetched_at": self.fetched_at.timestamp(),
            "fresh_until": self.fresh_until.timestamp(),
        }


def read_snapshot(stored: Mapping[str, Any], scopes: ScopeRegistry) -> Snapshot:
    """Return what was stored. Scopes that have left the registry meanwhile are left out."""
    return Snapshot(
        client_id=stored["client_id"],
        metadata=client_metadata.read(_with_known_scopes(dict(stored["metadata"]), scopes), scopes),
        fetched_at=datetime.fromtimestamp(stored["fetched_at"], UTC),
        fresh_until=datetime.fromtimestamp(stored["fresh_until"], UTC),
    )


def are_offered(features: FeatureSet) -> bool:
    """Whether clients count here that are known by a document."""
    return Feature.CLIENT_DOCUMENTS in features


def looks_like(client_id: str) -> bool:
    """Whether a client_id that nobody has registered is the address of a document (CI-2)."""
    return client_id.startswith(SCHEME)


def problem_with(client_id: str) -> str:
    """Return why nothing is fetched from this client_id, as half a sentence; empty when it may be (CI-1).

    It is judged as it is written and compared as it is written; whoever connects by it judges host and port (NS-4).
    """
    if len(client_id) > MAX_LENGTH:
        return f"must be at most {MAX_LENGTH} characters"
    parts = redirect_uri.parse(client_id)
    if parts is None or parts.scheme != "https" or not parts.host:
        return "must be an https URL of printable ASCII characters with a plain host name, without user name"
    if parts.fragment:
        return "must not have a fragment"
    if not parts.rest.startswith("/"):
        return "must have a path, such as https://app.example.com/client.json"
    if not _BEHIND_HOST.fullmatch(parts.rest):
        return "must have a path of characters that URLs have, and escapes of two digits"
    segments = _SLASH.split(parts.rest.partition("?")[0])
    if not {".", ".."}.isdisjoint(_DOT.sub(".", segment) for segment in segments):
        return "must not have . or .. segments in its path"
    return ""


def host_of(client_id: str) -> str:
    """Return the host that a document is at, in lower case and without a port; empty for what is no address (CI-12)."""
    parts = redirect_uri.parse(client_id)
    return "" if parts is None else parts.host.lower()


def is_allowed(host: str, rules: DocumentRules) -> bool:
    """Whether the operator lets documents of this host count."""
    if _is_among(host, rules.denied):
        return False
    return not rules.allowed or _is_among(host, rules.allowed)


def is_vouched(client_id: str, rules: DocumentRules, *, self_registered: bool) -> bool:
    """Whether an application is known by a document, and the operator answers for what stands at its address."""
    return is_by_document(client_id, self_registered=self_registered) and _is_among(host_of(client_id), rules.vouched)


def application_id(client_id: str) -> UUID:
    """Return the id of the application: the same in every worker, before there is a row (RFC 9562 §5.8)."""
    octets = bytearray(digest(client_id.encode("utf-8"))[:16])
    octets[6] = octets[6] & 0x0F | 0x80
    octets[8] = octets[8] & 0x3F | 0x80
    return UUID(bytes=bytes(octets))


def fresh_time(fresh_for: int | None, rules: DocumentRules) -> timedelta:
    """Return how long a document counts before it is read again; `fresh_for` are the seconds that its server allows
    (CI-10)."""
    said = DEFAULT_FRESH if fresh_for is None else timedelta(seconds=fresh_for)
    return min(max(said, rules.shortest), rules.longest)


def read(client_id: str, body: bytes, scopes: ScopeRegistry, signing: Sequence[str] = ()) -> ClientMetadata:
    """Return the metadata in a document, by the rules of registration (CI-4 to CI-7).

    `signing` are the algorithms that the server signs with. Raises Failed for what is no document, as a server in
    trouble may give one; Refused for a document that cannot be this client's. Both say why, in half a sentence.
    """
    members = _object(body)
    if members.get("client_id") != client_id:
        raise Refused("names another client_id in its document, where the same text must stand")
    if given := [name for name in _SECRETS if name in members]:
        raise Refused(f"has {given[0]} in its document, which everybody can read")
    members = {name: value for name, value in members.items() if name not in _PASSED_OVER}
    _require(members)
    _settle_method(members)
    _settle_flows(members)
    _settle_keys(members)
    if members.get("subject_type") == "pairwise":
        # The one host that its maker has proved; at another one he could look into the names of somebody else's sector.
        members["sector_identifier_uri"] = client_id
    else:
        members.pop("sector_identifier_uri", None)
    try:
        return client_metadata.read(_with_known_scopes(members, scopes), scopes, signing=signing)
    except OAuthError as refused:
        raise Refused(f"has a document that is not acceptable: {refused.description}") from None


def fact_of(
    snapshot: Snapshot, scopes: Collection[str] | None, row: ClientFact | None = None, *, vouched: bool = False
) -> ClientFact:
    """Return the application that a document describes.

    `scopes` are all that such applications may ask for, None: whatever others may. What the document lists itself is no
    limit: it is written for every server, and its writer could list more (DR-13, MB-8). `row` is what is kept of it
    since somebody has allowed it something: it was checked if what was checked is what people would judge it by now.
    `vouched`: the operator answers for it.
    """
    metadata = snapshot.metadata
    introduction = _introduction(snapshot)
    is_checked = row is not None and row.verified and row.introduction.identity == introduction.identity
    return ClientFact(
        id=application_id(snapshot.client_id),
        client_id=snapshot.client_id,
        name=metadata.client_name,
        version=1 if row is None else row.version,
        epoch=0 if row is None else row.epoch,
        auth_method=metadata.token_endpoint_auth_method,
        secret_digests=(),
        redirect_uris=metadata.redirect_uris,
        grant_types=frozenset(metadata.grant_types),
        response_types=frozenset(metadata.response_types),
        scopes=None if scopes is None else frozenset(scopes),
        policy=_policy(metadata),
        client_uri=metadata.client_uri or "",
        self_registered=True,
        verified=vouched or is_checked,
        key_material=metadata.key_material(),
        openid=metadata.openid(sector=host_of(snapshot.client_id)),
        requests=metadata.requests(),
        introduction=introduction,
        document=snapshot.stored,
    )


def is_overtaken(fact: ClientFact, row: ClientFact) -> bool:
    """Whether what is kept of an application was read later than a copy of its document, and says something else."""
    read_at, written_at = fact.introduction.fetched_at, row.introduction.fetched_at
    if read_at is None or written_at is None or written_at <= read_at:
        return False
    moments = replace(row.introduction, fetched_at=read_at, fresh_until=fact.introduction.fresh_until)
    return replace(row, introduction=moments, verified=fact.verified, document=fact.document) != fact


def row_of(snapshot: Snapshot, scopes: Collection[str] | None) -> dict[str, Any]:
    """Return the columns of the application that a document describes, as JSON values; `scopes` as in `fact_of`."""
    metadata = snapshot.metadata
    return {
        "client_id": snapshot.client_id,
        "name": metadata.client_name,
        "name_skeleton": look_alikes.skeleton(metadata.client_name),
        "kind": kind_of(metadata),
        "auth_method": metadata.token_endpoint_auth_method,
        "client_uri": metadata.client_uri or "",
        "redirect_uris": list(metadata.redirect_uris),
        "grant_types": list(metadata.grant_types),
        "response_types": list(metadata.response_types),
        "scopes": None if scopes is None else sorted(scopes),
        "optional_scopes": [],
        "unmet": [],
        "policy": stored_policy(_policy(metadata)),
        "metadata": metadata.document(),
        "key_material": stored_keys(metadata.key_material()),
        "openid": metadata.openid(sector=host_of(snapshot.client_id)).stored,
        "requests": metadata.requests().stored,
        "introduction": _introduction(snapshot).stored,
    }


def _object(body: bytes) -> dict[str, Any]:
    try:
        content = strict_json.read(body.decode("utf-8"), _LEVELS)
    except UnicodeDecodeError:
        raise Failed("is not JSON in UTF-8") from None
    except strict_json.Unreadable as flaw:
        raise Failed(str(flaw)) from None
    if not isinstance(content, dict):
        raise Failed("is no JSON object")
    if not strict_json.has_plain_numbers(content):
        raise Failed("has a number that not every reader of JSON could read")
    return content


def _require(members: Mapping[str, Any]) -> None:
    """CI-4, MCP: what a person is asked about has a name, and somewhere to go."""
    name = members.get("client_name")
    if not isinstance(name, str) or not name.strip():
        raise Refused("has no client_name in its document")
    if not members.get("redirect_uris"):
        raise Refused("has no redirect_uris in its document")


def _settle_method(members: dict[str, Any]) -> None:
    """CI-5, CI-6: without a method it is `none`, for the default of RFC 7591 would be a shared secret."""
    if members.get("token_endpoint_auth_method") is None:
        members["token_endpoint_auth_method"] = none.NAME
    if members["token_endpoint_auth_method"] not in METHODS:
        raise Refused(f"needs {' or '.join(METHODS)} as token_endpoint_auth_method in its document: no shared secret")


def _settle_flows(members: dict[str, Any]) -> None:
    """DR-4, DR-5: of what it lists counts what such clients may do."""
    for name, known in (("grant_types", GRANT_TYPES), ("response_types", (CODE,))):
        listed = members.get(name)
        if isinstance(listed, list) and listed:
            members[name] = [value for value in known if value in listed]
            if known[0] not in listed:
                raise Refused(f"has a document without {known[0]} in {name}")


def _settle_keys(members: dict[str, Any]) -> None:
    """CI-5, JW-6: public keys, and of each what somebody reads."""
    if members.get("jwks") is None:
        return
    try:
        members["jwks"] = {"keys": list(key_sets.known_keys(members["jwks"]))}
    except NotFetched as flaw:
        raise Refused(f"has a document that is not acceptable: jwks {flaw}") from None


def _with_known_scopes(members: dict[str, Any], scopes: ScopeRegistry) -> dict[str, Any]:
    if isinstance(scope := members.get("scope"), str):
        members["scope"] = render(name for name in dict.fromkeys(scope.split(" ")) if name in scopes)
    return members


def _is_among(host: str, patterns: Sequence[str]) -> bool:
    return any(host.endswith(pattern[1:]) if pattern.startswith("*") else host == pattern for pattern in patterns)


def _policy(metadata: ClientMetadata) -> ApplicationPolicy:
    bound = profiles.bindings(profiles.DEFAULT, metadata)
    return ApplicationPolicy(dpop_bound=bound["dpop_bound"], tls_bound=bound["tls_bound"])


def _introduction(snapshot: Snapshot) -> Introduction:
    metadata = snapshot.metadata
    return Introduction(
        logo_uri=metadata.logo_uri or "",
        policy_uri=metadata.policy_uri or "",
        tos_uri=metadata.tos_uri or "",
        identity=identity_of(metadata),
        fetched_at=snapshot.fetched_at,
        fresh_until=snapshot.fresh_until,
    )
