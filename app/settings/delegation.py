"""The settings of what pays for a token without consent: trusted issuers, and who may exchange whose tokens."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Literal

from pydantic import Field

from app.crypto import jose
from app.protocol import outbound_target, redirect_uri, resources
from app.protocol.exchange_policy import ExchangeRule
from app.protocol.fetching import Refused
from app.protocol.key_sets import MAX_KEYS
from app.protocol.scopes import ScopeRegistry
from app.protocol.trusted_issuers import ALGORITHMS, LONGEST, TrustedIssuer
from app.settings.fields import DAY, Section, Words, number, span

Problem = tuple[tuple[str, ...], str]
"""The path of the key to change, and the second half of the sentence."""


class TrustedIssuerSettings(Section):
    """Somebody whose JWTs count here (RFC 7523), named by its `iss`: `[trusted_issuers."https://id.example.org"]`."""

    clients: Words = Field(description="Client IDs of the applications that may present its JWTs.")
    jwks_uri: str = Field("", max_length=2000, description="Where its public keys stand. Either this or `jwks`.")
    jwks: tuple[Any, ...] = Field(
        (), max_length=MAX_KEYS, description="Its public keys as JWKs. Either this or `jwks_uri`."
    )
    algorithms: Words = Field(ALGORITHMS, description="The algorithms that it may sign with: asymmetric ones alone.")
    subject: Literal["sub", "username", "email"] = Field(
        "sub",
        description="What its JWTs call our users by: our subject identifier, the username, or the email address that "
        "the operator has given the account.",
    )
    claim: str = Field("sub", min_length=1, max_length=200, description="The claim that holds it, such as `email`.")
    scopes: Words | None = Field(None, description="The scopes that its JWTs are good for. Without it: every one.")
    resources: Words | None = Field(
        None,
        description="The resources that its JWTs are good for, one of which has to be named. Without it: every one.",
    )
    max_lifetime: int = span(3600, 30, int(LONGEST.total_seconds()), "How long a JWT of it may live.")
    access_token: int | None = number(
        None, 1, DAY, "An access token for a JWT of it, if shorter than elsewhere.", unit="seconds"
    )
    single_use: bool = Field(True, description="Whether a JWT with a `jti` counts once.")
    client_authentication: bool = Field(
        True, description="Whether its JWTs count only from applications that prove who they are."
    )

    def trusted_issuer(self, issuer: str) -> TrustedIssuer:
        """Return the issuer of this name."""
        return TrustedIssuer(
            issuer=issuer,
            clients=frozenset(self.clients),
            jwks=self.jwks,
            jwks_uri=self.jwks_uri,
            algorithms=self.algorithms,
            means=self.subject,
            claim=self.claim,
            scopes=None if self.scopes is None else frozenset(self.scopes),
            resources=None if self.resources is None else frozenset(self.resources),
            longest=timedelta(seconds=self.max_lifetime),
            access_token=None if self.access_token is None else timedelta(seconds=self.access_token),
            single_use=self.single_use,
            authenticated=self.client_authentication,
        )


class TokenExchangeSettings(Section):
    """One permission to exchange tokens (RFC 8693) under a name of your choice: `[token_exchange.gateway]`."""

    clients: Words = Field(description="Client IDs of the applications that may exchange.")
    subject_clients: Words = Field((), description="Client IDs of the applications whose tokens they may exchange.")
    subject_issuers: Words = Field((), description="Trusted issuers whose JWTs they may exchange.")
    subject_resources: Words = Field(
        (),
        description="Resources that a token to be exchanged can be for. Without it: those that have the application "
        "among their `introspection_clients`. Tokens without a resource, and its own, it can exchange in any case.",
    )
    resources: Words = Field(
        (),
        description="Resources that the new token can be for. Without it: those of the token that is exchanged.",
    )
    scopes: Words | None = Field(
        None, description="Scopes that the new token may keep of the one that is exchanged. Without it: all of them."
    )
    maps: dict[str, Words] = Field(
        default_factory=dict, description='Scopes that turn into others: `{ "team:read" = ["project:read"] }`.'
    )
    mode: Literal["delegation", "impersonation"] = Field(
        "delegation",
        description="`delegation`: the new token names who acts for its person (`act`). `impersonation`: it does not.",
    )
    rebind: bool = Field(
        False,
        description="Whether a token that is bound to a key can be exchanged without that key, for one that is bound "
        "to the application’s.",
    )

    def rule(self, name: str) -> ExchangeRule:
        """Return the rule of this name."""
        return ExchangeRule(
            name=name,
            clients=frozenset(self.clients),
            subject_clients=frozenset(self.subject_clients),
            subject_issuers=frozenset(self.subject_issuers),
            subject_resources=frozenset(self.subject_resources),
            resources=frozenset(self.resources),
            scopes=None if self.scopes is None else frozenset(self.scopes),
            maps=self.maps,
            mode=self.mode,
            rebind=self.rebind,
        )


def problems_with_issuers(
    issuers: Mapping[str, TrustedIssuerSettings], ours: str, allow: tuple[str, ...], registry: ScopeRegistry
) -> Iterator[Problem]:
    """Return what is wrong with trusted issuers.

    `ours` is the issuer of this server, `allow` its outbound exemptions.
    """
    for name, trusted in issuers.items():
        here = ("trusted_issuers", name)
        if name == ours:
            yield here, "is this server; its tokens are exchanged, not trusted as somebody else’s"
        elif not _is_issuer(name):
            yield (
                here,
                "must be an issuer identifier: an https URL (http on a loopback host), letter by letter as in iss",
            )
        if not trusted.clients:
            yield (*here, "clients"), "must name the applications that may present its JWTs"
        yield from problems_with_keys(here, trusted.jwks, trusted.jwks_uri, allow)
        if not trusted.algorithms or (odd := [one for one in trusted.algorithms if one not in jose.SIGNATURES]):
            said = f"has {odd[0][:20]!r}" if trusted.algorithms else "is empty"
            yield (*here, "algorithms"), f"{said}; choose of {', '.join(jose.SIGNATURES)}"
        yield from _problems_with_lists(here, trusted.resources or (), trusted.scopes or (), registry)


def problems_with_exchange(
    rules: Mapping[str, TokenExchangeSettings], issuers: Mapping[str, object], registry: ScopeRegistry
) -> Iterator[Problem]:
    """Return what is wrong with permissions to exchange."""
    for name, rule in rules.items():
        here = ("token_exchange", name)
        if not rule.clients:
            yield (*here, "clients"), "must name the applications that may exchange"
        if not rule.subject_clients and not rule.subject_issuers:
            yield here, "must say whose tokens can be exchanged: subject_clients, subject_issuers, or both"
        for issuer in rule.subject_issuers:
            if issuer not in issuers:
                yield (*here, "subject_issuers"), f"has {issuer[:100]!r}, which is not in trusted_issuers; add it there"
        turned = [scope for scopes in rule.maps.values() for scope in scopes]
        yield from _problems_with_lists(
            here, (*rule.resources, *rule.subject_resources), (*(rule.scopes or ()), *turned), registry
        )


def _problems_with_lists(
    here: tuple[str, ...], identifiers: tuple[str, ...], scopes: tuple[str, ...], registry: ScopeRegistry
) -> Iterator[Problem]:
    for identifier in identifiers:
        if problem := resources.problem_with(identifier):
            yield here, f"has {identifier[:100]!r}, which {problem}"
    if unknown := registry.unknown(scopes):
        yield here, f"has {unknown[0]!r}, which is not in the scope registry; add it there or remove it here"


def problems_with_keys(
    here: tuple[str, ...], jwks: tuple[Any, ...], jwks_uri: str, allow: tuple[str, ...]
) -> Iterator[Problem]:
    """Return what is wrong with the keys by which somebody else is believed, who is written down `here`: they have to
    come from somewhere, and from one place. `allow` are the outbound exemptions."""
    if bool(jwks) == bool(jwks_uri):
        yield here, "needs its public keys: either jwks_uri or jwks"
    if jwks_uri:
        yield from (((*here, "jwks_uri"), why) for why in _problems_with_address(jwks_uri, allow))
    for key in jwks:
        if why := jose.problem_with_public_key(key):
            yield (*here, "jwks"), f"has a key that {why}"


def _problems_with_address(url: str, allow: tuple[str, ...]) -> Iterator[str]:
    try:
        outbound_target.target_of(url, frozenset(pair.lower() for pair in allow))
    except Refused as refused:
        yield str(refused)


def _is_issuer(name: str) -> bool:
    parts = redirect_uri.parse(name)
    if parts is None or not parts.host or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.host in redirect_uri.LOOPBACK_HOSTS)
