"""Grant Management (draft-ietf-oauth-v2-grant-management-03): an application says into which record an approval goes.

A grant is the authorization record, and its `grant_id` the record's id: unique here, and nothing about a person can be
read from it (GM-1). What people have allowed without a word about grants stands in the implicit record (AR-1, GM-9).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from app.protocol import granted_details
from app.protocol.authorization_header import Challenged
from app.protocol.callers import Caller, MachineCaller
from app.protocol.claims_request import claim_of
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact, RecordFact
from app.protocol.features import Feature, FeatureSet
from app.protocol.liveness import is_scope, split_pair
from app.protocol.params import Parameters

PATH = "/oauth/grants"
"""Below the issuer: where applications look at their grants, each by its id behind it (GA-1). There is no list."""

ACTION, GRANT_ID = "grant_management_action", "grant_id"
"""The parameters (GM-2). They mean nothing at the token endpoint."""

PARAMETERS = (ACTION, GRANT_ID)

GrantAction = Literal["create", "merge", "replace"]

CREATE: GrantAction = "create"
MERGE: GrantAction = "merge"
REPLACE: GrantAction = "replace"
ACTIONS: Mapping[str, GrantAction] = {CREATE: CREATE, MERGE: MERGE, REPLACE: REPLACE}

QUERY_SCOPE, REVOKE_SCOPE = "grant_management_query", "grant_management_revoke"
SCOPES = (QUERY_SCOPE, REVOKE_SCOPE)
"""What opens a grant to the application that has it (GA-1). Nobody is asked for them."""

MOST = 100
"""Grants that a person can have of one application beside the implicit one: he has to be able to read what he has
allowed, and nothing else ends those that an application has lost sight of."""

NO_SUCH_GRANT = "there is no such grant of this person for this application; leave grant_id out to begin a new one"


@dataclass(frozen=True, slots=True)
class GrantTarget:
    """Into which record an approval goes: a fresh one beside the implicit one, or the live one with this id, which is
    this person's for this application.

    `record_id` is None for `create`, and for a text that can be no id of ours: nobody has such a grant.
    """

    action: GrantAction
    record_id: UUID | None = None

    @property
    def names_record(self) -> bool:
        """Whether the record has to be there before."""
        return self.action != CREATE


@dataclass(frozen=True, slots=True)
class GrantFact:
    """A live record as its application may look at it. Times are aware UTC; `by_client` tells whether its latest change
    came of a request of the application's, None: nothing tells any more."""

    pairs: tuple[str, ...]
    details: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime
    by_client: bool | None


def is_offered(features: FeatureSet) -> bool:
    """Tell whether a server with these features has grants that applications manage."""
    return Feature.GRANT_MANAGEMENT in features


def understood(params: Parameters, features: FeatureSet) -> Parameters:
    """Return the parameters without those that a server with these features does not know."""
    if is_offered(features):
        return params
    return params.without(ACTION).without(GRANT_ID)


def check(params: Parameters, client: ClientFact, *, required: bool) -> GrantTarget | None:
    """Return what a request says about grants, None: nothing, so that the implicit record is meant.

    Raises `unauthorized_client` for public clients (GM-1), and `invalid_request` for an action that there is not, one
    that is missing, `create` with an id, and another one without (GM-3, GM-6). Whose the grant is shows later.
    """
    action, grant_id = params.get(ACTION), params.get(GRANT_ID)
    if action is None:
        if grant_id is not None:
            raise _wrong(f"grant_id needs {ACTION}; send merge or replace with it")
        if required:
            raise _wrong(f"this server requires {ACTION}; send create, merge or replace")
        return None
    if action not in ACTIONS:
        raise _wrong(f"{ACTION} can be create, merge or replace")
    if not client.confidential:
        raise OAuthError(
            ErrorCode.UNAUTHORIZED_CLIENT,
            "grant management is for confidential applications; register a way to authenticate",
        )
    if action == CREATE and grant_id is not None:
        raise _wrong("create begins a new grant, which has no grant_id yet; leave it out")
    if action != CREATE and grant_id is None:
        raise _wrong(f"{ACTION}={action} needs the grant_id of the grant that it is about")
    return GrantTarget(ACTIONS[action], read_id(grant_id or ""))


def aim(params: Parameters) -> GrantTarget | None:
    """Return what a request that passes the check says about grants; one that does not is refused elsewhere."""
    action = params.get(ACTION) or ""
    return GrantTarget(ACTIONS[action], read_id(params.get(GRANT_ID) or "")) if action in ACTIONS else None


def parameters(target: GrantTarget | None) -> tuple[tuple[str, str], ...]:
    """Return the parameters of a request that was kept, for judging it once more."""
    if target is None:
        return ()
    return ((ACTION, target.action), *(((GRANT_ID, str(target.record_id)),) if target.record_id is not None else ()))


def read_id(text: str) -> UUID | None:
    """Return a record's id; None for anything that is not spelled as we spell it."""
    try:
        known = UUID(text)
    except ValueError:
        return None
    return known if str(known) == text else None


def require(target: GrantTarget | None, record: RecordFact | None, *, room: bool = True) -> None:
    """Raise `invalid_grant_id` when the grant that is named is not there for this person and this application, and
    `invalid_request` when there is no `room` for the one that is to begin.

    The same for one that never was, one that was revoked, and one of somebody else (GM-7; AR-17 (g)).
    """
    if target is not None and target.names_record and record is None:
        raise OAuthError(ErrorCode.INVALID_GRANT_ID, NO_SUCH_GRANT)
    if target is not None and target.action == CREATE and not room:
        raise _wrong(f"this person has {MOST} grants of this application; merge into one, replace or revoke some")


def counted(target: GrantTarget | None, record: RecordFact | None) -> RecordFact | None:
    """Return what of a record counts as allowed before: all of it for `merge`, nothing for `replace`, where everything
    is asked anew (GM-5). There is no record yet for `create`."""
    if target is None or record is None or target.action == MERGE:
        return record
    return None if target.action == CREATE else replace(record, pairs=(), since=(), details={})


def taken(target: GrantTarget | None, record: RecordFact | None) -> RecordFact | None:
    """Return the record whose contents a request replaces; None when it takes nothing away."""
    return record if target is not None and target.action == REPLACE else None


def check_caller(caller: Caller, scope: str) -> MachineCaller:
    """Return the application that asks about a grant; raises `Challenged` without the scope that it needs (GA-1, GA-4).

    It asks for itself: no person can allow this scope.
    """
    if not isinstance(caller, MachineCaller) or scope not in caller.scopes:
        raise Challenged(
            ErrorCode.INSUFFICIENT_SCOPE,
            "this needs a token that an application got for itself by client_credentials, with its own scope",
            scope=scope,
        )
    return caller


def describe(grant: GrantFact) -> dict[str, Any]:
    """Return the status of a grant (GA-2): what it allows, and since when; nothing about the person, and no token.

    The draft has two names for the moment of the last change, hence both. A grant has no end of its own.
    """
    details = (grant.details.get(pair) for pair in grant.pairs if granted_details.is_pair(pair))
    claims = (claim_of(pair) for pair in grant.pairs)
    changed = int(grant.updated_at.timestamp())
    members: dict[str, Any] = {
        "scopes": _by_resource(grant.pairs),
        "claims": [claim for claim in claims if claim is not None],
        "authorization_details": [detail for detail in details if detail is not None],
        "created_at": int(grant.created_at.timestamp()),
        "last_updated": changed,
        "last_updated_at": changed,
    }
    if grant.by_client is not None:
        members["updated_by"] = "client" if grant.by_client else "authorization_server"
    return {name: value for name, value in members.items() if value != []}


def metadata(issuer: str, features: FeatureSet, *, required: bool) -> dict[str, str | bool | list[str]]:
    """Return the members of the server's metadata (GM-10). What is not required is left out, which is false."""
    if not is_offered(features):
        return {}
    return {
        "grant_management_endpoint": f"{issuer}{PATH}",
        "grant_management_actions_supported": ["query", "revoke", *ACTIONS],
        **({"grant_management_action_required": True} if required else {}),
    }


def _by_resource(pairs: Iterable[str]) -> list[dict[str, Any]]:
    """Return scopes with the resources where exactly these are granted, so that no combination is told that is not
    there (AR-2)."""
    scopes: dict[str, list[str]] = {}
    for pair in pairs:
        if is_scope(pair):
            scope, resource = split_pair(pair)
            scopes.setdefault(resource, []).append(scope)
    alike: dict[tuple[bool, tuple[str, ...]], list[str]] = {}
    for resource, granted in scopes.items():
        alike.setdefault((resource != "", tuple(granted)), []).append(resource)
    return [
        {"scope": " ".join(granted), **({"resource": resources} if somewhere else {})}
        for (somewhere, granted), resources in alike.items()
    ]


def _wrong(description: str) -> OAuthError:
    return OAuthError(ErrorCode.INVALID_REQUEST, description)
