"""Which scopes a request asks for: what of its list is judged, and what is passed over without an error."""

from dataclasses import dataclass

from app.protocol import resources as resource_rules
from app.protocol import scopes as scope_rules
from app.protocol.facts import ClientFact
from app.protocol.resources import Resource
from app.protocol.scopes import OFFLINE_ACCESS, OPENID, ScopeRegistry


@dataclass(frozen=True, slots=True)
class AskedScopes:
    """The scopes that a request asks for, in its order; `ignored` are the words that it sent in vain."""

    scopes: tuple[str, ...]
    ignored: tuple[str, ...] = ()

    @property
    def openid(self) -> bool:
        """OC-1: whether the request asks to sign a person in. Without it nothing of OpenID Connect comes about."""
        return OPENID in self.scopes


def read(
    text: str | None,
    registry: ScopeRegistry,
    client: ClientFact,
    *,
    renewable: bool,
    resources: tuple[Resource, ...] = (),
) -> AskedScopes:
    """Return what is asked; raises `invalid_scope` for what cannot be had (A1.3 scope, SC-3).

    In an OpenID request unknown scopes are ignored (OpenID Connect Core §3.1.2.1). In one that names `resources` so are
    those that mean nothing there: its client asks for whatever an API's challenge, or the metadata of either, lists
    (MB-3, docs/decisions/0045). One that registered itself is not refused for what it may not ask for, either: nobody
    could tell it. But what has nothing left in it is refused, and so is every other request with such a scope.

    Nobody is refused for `offline_access`: clients add it because the metadata names it (MC-9, MB-3, SU-2). It is
    ignored where the answer leads to nothing that could be renewed, `renewable`, and for an application that gets no
    refresh tokens or may not ask for it. Where it counts, it is a permission like any other, which a person agrees to
    on the page: that is the consent which OC-17 demands, given before or now.
    """
    sent = scope_rules.parse(text or "")
    passed_over = set()
    if OFFLINE_ACCESS in registry and not (renewable and _may_stay(client)):
        passed_over.add(OFFLINE_ACCESS)
    if resources or (OPENID in sent and OPENID in registry):
        passed_over.update(registry.unknown(sent))
    passed_over.update(scope for scope in sent if not resource_rules.is_understood(scope, resources))
    if resources and client.self_registered and client.scopes is not None:
        passed_over.update(scope for scope in sent if scope not in client.scopes)
    asked = tuple(scope for scope in sent if scope not in passed_over)
    if not asked:
        asked = tuple(scope for scope in sent if scope != OFFLINE_ACCESS or scope not in passed_over)
    scope_rules.require_known(asked, registry)
    scope_rules.require_allowed(asked, client.scopes)
    resource_rules.pairs(asked, resources)
    return AskedScopes(asked, tuple(scope for scope in sent if scope in passed_over))


def _may_stay(client: ClientFact) -> bool:
    return "refresh_token" in client.grant_types and (client.scopes is None or OFFLINE_ACCESS in client.scopes)
