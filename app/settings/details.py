"""The settings of types of authorization details (RFC 9396): what applications can ask for besides scopes."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from app.protocol import detail_types
from app.protocol.detail_types import Comparison, DetailType
from app.protocol.scopes import ScopeKind
from app.settings.delegation import Problem
from app.settings.fields import Section, number


class AuthorizationDetailSettings(Section):
    """One type of `authorization_details`, named by the key of its table, such as `[authorization_details.payment]`."""

    description: str = Field(min_length=1, max_length=200, description="What a person reads, such as `Make a payment`.")
    detail: str = Field("", max_length=500, description="A second sentence for the consent page.")
    kind: ScopeKind = Field("change", description="Whether it lets an application see, change or manage.")
    definition: dict[str, Any] | None = Field(
        None,
        alias="schema",
        description="JSON Schema (2020-12) that an object of this type must satisfy; members that it does not name, in "
        "values too, are refused unless it says otherwise. Without it: the members that all types have in common, of "
        "RFC 9396 §2.2.",
    )
    remember: bool = Field(
        True,
        description="Whether what a person has approved is kept, and he is not asked again for what is within it. "
        "Without: he is asked each time, as for payments.",
    )
    compare: dict[str, Comparison] = Field(
        default_factory=dict,
        description="How members are compared, by their path with dots (`instructedAmount.amount`), with what was "
        "approved: `equal`, `set` (a list of no other elements), `at_most` (a number, or a decimal number as a "
        "string, that is no larger). Without: lists of strings are sets, and everything else is equal.",
    )
    shows: dict[str, str] = Field(
        default_factory=dict,
        description="The members that a person is shown, by their path with dots, each with what it is called on the "
        "page. Without: all, by their own names.",
    )
    max_length: int = number(4096, 64, 16_384, "Characters of one object as JSON.")

    def detail_type(self, name: str) -> DetailType:
        """Return the type of this name."""
        return DetailType(
            name=name,
            description=self.description,
            detail=self.detail,
            kind=self.kind,
            definition=self.definition,
            remember=self.remember,
            compare=self.compare,
            shows=self.shows,
            longest=self.max_length,
        )


def problems_with_details(details: Mapping[str, AuthorizationDetailSettings]) -> Iterator[Problem]:
    """Return what is wrong with types of details."""
    for name, entry in details.items():
        here = ("authorization_details", name)
        if problem := detail_types.problem_with_name(name):
            yield here, problem
        elif entry.definition is not None:
            try:
                detail_types.compiled(entry.detail_type(name))
            except ValueError as wrong:
                yield (*here, "schema"), f"is no JSON Schema that can be used: {str(wrong).splitlines()[0][:200]}"
