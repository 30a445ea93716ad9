"""The settings of claims of one's own: what else applications can be told of a person."""

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field

from app.protocol.claim_values import ORGANIZATION, Claim
from app.protocol.claims import problem_with_name
from app.protocol.scopes import ScopeRegistry
from app.settings.delegation import Problem
from app.settings.fields import Section, Words


class ClaimSettings(Section):
    """One claim, named by the key of its table, such as `[claims."department"]`."""

    source: Literal["user", "roles", "organizations"] = Field(
        "user",
        description="`user`: the claims that the data file gives the person. `roles`: the names of the roles that he "
        "has in his organizations. `organizations`: a list of those, each with `slug`, `name` and `role`.",
    )
    path: str = Field(
        "",
        max_length=200,
        description="Of `user`: the members that lead to the value, with dots between them, such as "
        "`employment.department`; without it the member of the claim’s own name. Of `organizations`: `slug`, `name` or "
        "`role` for a list of those alone.",
    )
    scopes: Words = Field(
        (), description="The scopes that deliver it. Without any: applications have to ask for it by name (`claims`)."
    )
    title: str = Field(
        "", max_length=200, description="What a person reads where he is asked for it, such as `Your department`."
    )

    def claim(self, name: str) -> Claim:
        """Return the claim of this name."""
        return Claim(
            name, self.scopes, self.title, source=self.source, path=tuple(self.path.split(".")) if self.path else ()
        )


def problems_with_claims(
    claims: Mapping[str, ClaimSettings], registry: ScopeRegistry, *, signs_in: bool
) -> Iterator[Problem]:
    """Return what is wrong with claims of one's own; `signs_in`: the server has OpenID Connect."""
    if claims and not signs_in:
        yield ("claims",), "needs the feature openid; switch it on, or remove this"
        return
    for name, entry in claims.items():
        here = ("claims", name)
        if problem := problem_with_name(name):
            yield here, problem
        if unknown := registry.unknown(entry.scopes):
            yield (
                (*here, "scopes"),
                f"has {unknown[0]!r}, which is not in the scope registry; add it there or remove it here",
            )
        if problem := _problem_with_path(entry):
            yield (*here, "path"), problem


def _problem_with_path(entry: ClaimSettings) -> str:
    match entry.source:
        case "roles":
            return "is not for roles, which are told by their names; remove it" if entry.path else ""
        case "organizations":
            odd = entry.path and entry.path not in ORGANIZATION
            return f"of an organization is one of {', '.join(ORGANIZATION)}; choose one, or remove it" if odd else ""
        case _:
            odd = entry.path and not all(entry.path.split("."))
            return "has two dots in a row, or one at an end; write member.member" if odd else ""
