"""Settings about clients that introduce themselves: by registering (RFC 7591), or by a document at the address that is
their client_id."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from app.protocol.configuration import DocumentRules, Imitations, RegistrationRules, StatementIssuer
from app.protocol.key_sets import MAX_KEYS
from app.protocol.scopes import ScopeRegistry
from app.settings import values
from app.settings.delegation import Problem, problems_with_keys
from app.settings.fields import DAY, Section, Words, span


class StatementIssuerSettings(Section):
    """One issuer of software statements, named by the key of its table: its `iss`."""

    jwks_uri: str = Field("", max_length=2000, description="Where its public keys stand. Either this or `jwks`.")
    jwks: tuple[Any, ...] = Field(
        (), max_length=MAX_KEYS, description="Its public keys as JWKs. Either this or `jwks_uri`."
    )

    def issuer(self, name: str) -> StatementIssuer:
        """Return the issuer of this name."""
        return StatementIssuer(name, jwks=self.jwks, jwks_uri=self.jwks_uri)


class RegistrationSettings(Section):
    """Who may register applications over the protocol, and which."""

    mode: Literal["closed", "token", "open"] = Field(
        "closed", description="Nobody, whoever holds an initial access token, or everybody."
    )
    scopes: Words | None = Field(
        None,
        description="All scopes that applications may ask for which introduce themselves, by registering or by a "
        "document. Without it: whatever others may.",
    )
    imitations: Imitations = Field(
        "refuse",
        description="What happens to names that look like that of an application which is known or was checked: the "
        "registration is refused, or the consent page warns.",
    )
    unused_after: int = span(
        7 * DAY, 3600, 365 * DAY, "After which time an application that never got a token is removed."
    )
    needs_statement: bool = Field(
        False, description="Whether nobody registers without a software statement of a known issuer."
    )
    statements: dict[str, StatementIssuerSettings] = Field(
        default_factory=dict, description="Issuers whose software statements count (RFC 7591 §2.3), by their `iss`."
    )

    def rules(self) -> RegistrationRules:
        """Return what workers need to know."""
        return RegistrationRules(
            by_token=self.mode != "open",
            scopes=self.scopes,
            imitations=self.imitations,
            unused_after=timedelta(seconds=self.unused_after),
            needs_statement=self.needs_statement,
            issuers=tuple(entry.issuer(name) for name, entry in self.statements.items()),
        )


class ClientDocumentSettings(Section):
    """Clients that are known by a metadata document at the address that is their client_id."""

    allow: Annotated[Words, AfterValidator(values.check_host_patterns)] = Field(
        (),
        description="The only hosts whose documents count, as `app.example.com` or `*.example.com` (all below it). "
        "Without any: all hosts.",
    )
    deny: Annotated[Words, AfterValidator(values.check_host_patterns)] = Field(
        (), description="Hosts whose documents do not count, whatever else is allowed."
    )
    vouched: Annotated[Words, AfterValidator(values.check_host_patterns)] = Field(
        (),
        description="Hosts that you answer for: the pages show names out of their documents as checked ones.",
    )
    shortest: int = span(300, 0, DAY, "How long a document counts at least before it is read again.")
    longest: int = span(
        DAY, 60, 30 * DAY, "How long at most, whatever it says itself, and also when it cannot be had any more."
    )

    def rules(self, requests: int) -> DocumentRules:
        """Return what workers need to know; `requests` are those that one address may cause."""
        return DocumentRules(
            allowed=self.allow,
            denied=self.deny,
            vouched=self.vouched,
            shortest=timedelta(seconds=self.shortest),
            longest=timedelta(seconds=self.longest),
            requests=requests,
        )


def problems_with_registration(
    settings: RegistrationSettings, allow: tuple[str, ...], registry: ScopeRegistry, *, on: bool
) -> Iterator[Problem]:
    """Return what is wrong with who may register.

    `allow` are the outbound exemptions; `on`: the feature is not switched off.
    """
    if settings.mode != "closed" and not on:
        yield ("registration", "mode"), "needs the feature dynamic_registration; switch it on, or set it to closed"
    if settings.needs_statement and not settings.statements:
        yield (
            ("registration", "needs_statement"),
            "lets nobody register: name an issuer under registration.statements, or remove this",
        )
    if unknown := registry.unknown(settings.scopes or ()):
        yield (
            ("registration", "scopes"),
            f"has {unknown[0]!r}, which is not in the scope registry; add it there or remove it here",
        )
    for name, issuer in settings.statements.items():  # DR-11: a statement counts by its issuer's keys
        yield from problems_with_keys(("registration", "statements", name), issuer.jwks, issuer.jwks_uri, allow)


def problems_with_documents(settings: ClientDocumentSettings) -> Iterator[Problem]:
    """Return what is wrong with how metadata documents are taken."""
    if settings.shortest > settings.longest:
        yield (
            ("client_documents", "shortest"),
            f"must not be longer than longest; set it to {settings.longest} or less",
        )
