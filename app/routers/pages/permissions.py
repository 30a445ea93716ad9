"""What a page asks a person to allow: the lines of each resource, melted by the registry (consent and device pages).

New lines and those that are there already are told apart (SU-1).
"""

from collections.abc import Mapping
from datetime import datetime

from app.pipeline.server import Server
from app.protocol import consent, grant_management, liveness, redirect_uri
from app.protocol import resources as rules
from app.protocol.authorize.wanted import Wanted
from app.protocol.facts import ClientFact, RecordFact
from app.protocol.granted_details import GrantedDetail, is_pair
from app.protocol.policy import EffectivePolicy
from app.protocol.resources import Resource
from app.protocol.scopes import ABOUT_PEOPLE, OFFLINE_ACCESS
from app.protocol.vocabulary import Vocabulary
from app.routers.pages import detail_lines
from app.views.pages.consent import Fact, GrantNote, Lifetime, Permission, PermissionGroup


def groups(
    server: Server,
    client: ClientFact,
    scopes: tuple[str, ...],
    resources: tuple[Resource, ...],
    record: RecordFact | None,
    since: Mapping[str, datetime],
    claims: tuple[str, ...] = (),
    details: tuple[GrantedDetail, ...] = (),
) -> tuple[PermissionGroup, ...]:
    """Return the permissions by resource: those that are asked, then where else something is allowed already.

    `since` is when each pair of the record was first allowed (aware UTC), `claims` are the pairs of claims that are
    asked for one by one, and `details` the objects that are asked for besides: all of it is one question (CS-2, RA-5).
    What has no resource goes by the service, as does what is told about the person. That access goes on while he is
    away is no line here: the page says it where it says for how long.
    """
    optional = consent.optional_scopes(scopes, client, server.scopes)
    held: dict[str, list[str]] = {}
    for pair in record.pairs if record else ():
        scope, identifier = liveness.split_pair(pair)
        if scope != OFFLINE_ACCESS and not is_pair(pair):
            held.setdefault(identifier, []).append(scope)
    scopes = tuple(scope for scope in scopes if scope != OFFLINE_ACCESS or scope in optional)
    here = (*(scope for scope in scopes if not resources or scope in ABOUT_PEOPLE), *claims)
    there = tuple(scope for scope in scopes if scope not in ABOUT_PEOPLE)
    asked = {"": here} if here or not resources else {}
    asked |= {one.identifier: tuple(filter(one.understands, there)) for one in resources}
    said = detail_lines.by_place(server, details, record, since)
    return tuple(
        PermissionGroup(
            name=_name(server, identifier),
            host=redirect_uri.display_host(identifier) if identifier else "",
            permissions=(
                *_lines(
                    server.vocabulary,
                    asked.get(identifier, ()),
                    tuple(held.get(identifier, ())),
                    optional,
                    {scope: since.get(liveness.pair(scope, identifier)) for scope in held.get(identifier, ())},
                ),
                *said.get(identifier, ()),
            ),
        )
        for identifier in dict.fromkeys((*asked, *held, *said))
    )


def granted_before(
    scopes: tuple[str, ...], resources: tuple[Resource, ...], record: RecordFact | None
) -> frozenset[str]:
    """Return the scopes that the record holds at every resource that they are asked for."""
    held = frozenset(record.pairs) if record else frozenset()
    return frozenset(scope for scope in scopes if held.issuperset(rules.pairs((scope,), resources)))


def approved(
    server: Server, client: ClientFact, wanted: Wanted, record: RecordFact | None, ticked: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the scopes that a person approved, with the boxes that he ticked; what the record holds already needs
    none."""
    return consent.approved_scopes(
        wanted.scopes,
        optional=consent.optional_scopes(wanted.scopes, client, server.scopes),
        granted_before=granted_before(wanted.scopes, wanted.resources, record),
        ticked=frozenset(ticked),
    )


def lifetime_of(client: ClientFact, policy: EffectivePolicy, wanted: Wanted) -> Lifetime:
    """Return for how long it is that a request asks."""
    return Lifetime(
        offline="refresh_token" in client.grant_types,
        access_seconds=int(policy.access_token.total_seconds()),
        idle_seconds=int(policy.refresh_token_idle.total_seconds()),
        lag_seconds=int(rules.longest_lag(wanted.resources, policy).total_seconds()),
    )


def facts_of(client: ClientFact, wanted: Wanted, request_id: str) -> tuple[Fact, ...]:
    """Return what developers read of a request."""
    return (
        Fact("Client ID", client.client_id),
        Fact("Scope", " ".join(wanted.scopes)),
        *(Fact("Resource", resource.identifier) for resource in wanted.resources),
        *(Fact("Type of details", name) for name in dict.fromkeys(one.type for one in wanted.details)),
        Fact("Request ID", request_id),
    )


def grant_of(server: Server, wanted: Wanted, taken: RecordFact | None) -> GrantNote | None:
    """Return what a page says about what was allowed before, where a request is for a grant of its own (GM-3, GM-5);
    `taken` is the record whose contents it replaces. What is merged is said line by line already."""
    if wanted.target is None or wanted.target.action == grant_management.MERGE:
        return None
    lost = tuple(pair for pair in (taken.pairs if taken else ()) if pair not in wanted.pairs)
    return GrantNote(taken is not None, tuple(dict.fromkeys(_words(server.vocabulary, pair) for pair in lost)))


def held_of(taken: RecordFact | None, wanted: Wanted) -> frozenset[str]:
    """Return the scopes whose boxes are ticked to begin with: those that a record which is replaced has held."""
    return granted_before(wanted.scopes, wanted.resources, taken)


def _words(vocabulary: Vocabulary, pair: str) -> str:
    name, _ = liveness.split_pair(pair)
    known = vocabulary.get(name)
    return (known.title if known else "") or name


def _name(server: Server, identifier: str) -> str:
    known = server.resources.current.get(identifier)
    return (known.name if known else "") or identifier or server.views.service_name


def _lines(
    vocabulary: Vocabulary,
    asked: tuple[str, ...],
    held: tuple[str, ...],
    optional: frozenset[str],
    since: Mapping[str, datetime | None],
) -> tuple[Permission, ...]:
    """Return the lines of one resource: new ones melted among themselves, granted ones among themselves.

    Melting across both would hide that a stronger permission is new. Optional ones keep a line and a box each.
    """
    required = [scope for scope in asked if scope not in held and scope not in optional]
    offered = [scope for scope in asked if scope not in held and scope in optional]
    return (
        *(
            Permission(name=line.name, title=line.title, detail=line.detail, kind=line.kind)
            for line in vocabulary.melt(required)
        ),
        *(
            Permission(name=line.name, title=line.title, detail=line.detail, kind=line.kind, optional=True)
            for scope in offered
            for line in vocabulary.melt([scope])
        ),
        *(
            Permission(
                name=line.name,
                title=line.title,
                detail=line.detail,
                kind=line.kind,
                granted=True,
                since=since.get(line.name),
            )
            for line in vocabulary.melt(held)
        ),
    )
