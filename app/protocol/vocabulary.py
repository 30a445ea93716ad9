"""What the pairs of a record are called towards people: scopes by the scope registry, single claims by that of claims,
details by their types.

A claim that an application asked for by itself stands in the record as `claim:email`; people read "See your email
address", and no page or answer shows the former (OC-13, CS-1).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from app.protocol.claims import ClaimsRegistry
from app.protocol.claims_request import claim_of
from app.protocol.details import NO_DETAILS, DetailTypes
from app.protocol.granted_details import is_pair, type_of
from app.protocol.scopes import ScopeDefinition, ScopeRegistry


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The registries as one."""

    scopes: ScopeRegistry
    claims: ClaimsRegistry
    details: DetailTypes = NO_DETAILS

    def get(self, name: str) -> ScopeDefinition | None:
        """Return the words for a scope, a claim or details of a record; None for a scope that has left the registry.

        Of details these are the words of their type (RA-8): what one object says, `DetailType.facts` tells.
        """
        if is_pair(name):
            kind = self.details.known(type_of(name))
            return ScopeDefinition(name, kind.description, kind.detail, kind.kind)
        claim = claim_of(name)
        return self.scopes.get(name) if claim is None else ScopeDefinition(name, _seeing(self.claims.title(claim)))

    def melt(self, names: Iterable[str]) -> list[ScopeDefinition]:
        """Return the lines that a page shows for these names: scopes first, melted by their registry, then claims, then
        one line for each type of details.

        A claim is swallowed by a scope beside it that delivers it anyway.
        """
        asked = tuple(names)
        types = {type_of(name): name for name in reversed(asked) if is_pair(name)}
        asked = tuple(name for name in asked if not is_pair(name))
        scopes = frozenset(name for name in asked if claim_of(name) is None)
        alone = (
            name
            for name in asked
            if (claim := claim_of(name)) is not None and not self.claims.is_delivered(claim, scopes)
        )
        lines = [line for line, _ in self.scopes.melt(name for name in asked if name in scopes)]
        rest = (*alone, *reversed(types.values()))
        return [*lines, *(known for name in rest if (known := self.get(name)) is not None)]


def _seeing(title: str) -> str:
    """Return the words of a permission for those of a claim: `See your email address`, `See VAT number`."""
    is_word = title[1:2].islower() or not title[1:2].isalnum()
    return f"See {title[:1].lower() if is_word else title[:1]}{title[1:]}"
