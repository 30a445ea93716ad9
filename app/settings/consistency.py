"""Settings that are right one by one and wrong together."""

from collections.abc import Iterator

from app.protocol.features import Feature
from app.protocol.resources import problem_with
from app.protocol.scopes import BUILTIN, well_formed
from app.settings import assurance, delegation
from app.settings.claims import problems_with_claims
from app.settings.details import problems_with_details
from app.settings.model import Settings
from app.settings.registration import problems_with_documents, problems_with_registration

Contradiction = tuple[tuple[str, ...], str]
"""The path of the key to change, and the second half of the sentence."""

_RESERVED = frozenset(scope.name for scope in BUILTIN)
_THIS_COMPUTER = {"localhost", "127.0.0.1", "::1", "0.0.0.0", "::"}  # noqa: S104 - where browsers here find the server


def contradictions(settings: Settings) -> Iterator[Contradiction]:
    """Return every contradiction, so that all can be repaired at once."""
    yield from _address(settings)
    yield from _secrets(settings)
    yield from _lifetimes(settings)
    yield from _limits(settings)
    yield from _signing(settings)
    yield from _certificates(settings)
    yield from _resources(settings)
    yield from _delegation(settings)
    yield from _introductions(settings)
    yield from _claims(settings)
    yield from problems_with_details(settings.authorization_details)
    yield from _features(settings)
    yield from _demanding_requests(settings)
    yield from _scopes(settings)
    yield from _assurance(settings)
    yield from _calls(settings)


def _address(settings: Settings) -> Iterator[Contradiction]:
    if settings.issuer is None and settings.host not in _THIS_COMPUTER:
        yield (
            ("issuer",),
            f"is required by a server that listens on {settings.host}; set it to that server’s https address",
        )


def _secrets(settings: Settings) -> Iterator[Contradiction]:
    if settings.database_url is not None and settings.secret_key is None:
        yield (
            ("secret_key",),
            "is required with database_url; set ASSENT_SECRET_KEY_FILE to a file made with: openssl rand -base64 48",
        )
    if settings.database_owner_url is not None and settings.database_url is None:
        yield ("database_owner_url",), "makes no sense without database_url; add that or remove this"


def _lifetimes(settings: Settings) -> Iterator[Contradiction]:
    lifetimes = settings.lifetimes
    if lifetimes.refresh_token_idle > lifetimes.refresh_token_absolute:
        yield (
            ("lifetimes", "refresh_token_idle"),
            f"must not be longer than refresh_token_absolute; set it to {lifetimes.refresh_token_absolute} or less",
        )
    if lifetimes.access_token > lifetimes.refresh_token_idle:
        yield (
            ("lifetimes", "refresh_token_idle"),
            f"must outlive the access token; set it to {lifetimes.access_token} or more, or shorten access_token",
        )
    if lifetimes.session_idle > lifetimes.session_absolute:
        yield (
            ("lifetimes", "session_idle"),
            f"must not be longer than session_absolute; set it to {lifetimes.session_absolute} or less",
        )


def _limits(settings: Settings) -> Iterator[Contradiction]:
    if settings.limits.first_wait > settings.limits.longest_wait:
        yield (
            ("limits", "first_wait"),
            f"must not be longer than longest_wait; set it to {settings.limits.longest_wait} or less",
        )


def _signing(settings: Settings) -> Iterator[Contradiction]:
    """JW-3: ID tokens are shown as hints for as long as the session goes on, and the last one lives on by itself."""
    if settings.signing.announce * 2 > settings.signing.rotation:
        yield (
            ("signing", "announce"),
            f"must not be longer than half of rotation; set it to {settings.signing.rotation // 2} or less",
        )
    needed = settings.lifetimes.session_absolute + settings.lifetimes.id_token
    if settings.switched_on(Feature.OPENID) and settings.signing.keep < needed:
        yield (
            ("signing", "keep"),
            f"must outlast a session and its last ID token; set it to {needed} or more, or shorten "
            "lifetimes.session_absolute",
        )


def _certificates(settings: Settings) -> Iterator[Contradiction]:
    """MT-5: a header that anybody can send is no certificate. And nobody can ask for what he could not check."""
    mtls = settings.mtls
    if not settings.switched_on(Feature.MUTUAL_TLS):
        for key in ("client_ca_file", "port", "proxy_header", "url"):
            if getattr(mtls, key):
                yield ("mtls", key), "needs the feature mutual_tls; switch it on, or remove this"
        return
    if mtls.proxy_header and not settings.trusted_proxies:
        yield ("mtls", "proxy_header"), "needs trusted_proxies; name the networks of the proxies that remove the header"
    if mtls.port is not None and mtls.client_ca_file is None:
        yield ("mtls", "port"), "needs client_ca_file; name the authorities whose certificates clients are asked for"
    if mtls.port is not None and mtls.port == settings.port:
        yield ("mtls", "port"), "must not be the port that browsers use; choose another one"


def _resources(settings: Settings) -> Iterator[Contradiction]:
    try:
        registry = settings.scope_registry()
    except ValueError:
        return  # said where the scopes are looked at
    for identifier, resource in settings.resources.items():
        if problem := problem_with(identifier):
            yield ("resources", identifier), problem
        if unknown := registry.unknown(resource.scopes or ()):
            yield (
                ("resources", identifier, "scopes"),
                f"has {unknown[0]!r}, which is not in the scope registry; add it there or remove it here",
            )
        if resource.signing_alg and resource.signing_alg not in settings.signing.algorithms:
            yield (
                ("resources", identifier, "signing_alg"),
                f"is {resource.signing_alg}, with which the server has no key; add it to signing.algorithms",
            )


def _delegation(settings: Settings) -> Iterator[Contradiction]:
    try:
        registry = settings.scope_registry()
    except ValueError:
        return  # said where the scopes are looked at
    issuers = settings.trusted_issuers
    yield from delegation.problems_with_issuers(issuers, settings.issuer_url, settings.outbound.allow, registry)
    yield from delegation.problems_with_exchange(settings.token_exchange, issuers, registry)


def _introductions(settings: Settings) -> Iterator[Contradiction]:
    yield from problems_with_documents(settings.client_documents)
    try:
        registry = settings.scope_registry()
    except ValueError:
        return  # said where the scopes are looked at
    on = settings.switched_on(Feature.DYNAMIC_REGISTRATION)
    yield from problems_with_registration(settings.registration, settings.outbound.allow, registry, on=on)


def _claims(settings: Settings) -> Iterator[Contradiction]:
    try:
        registry = settings.scope_registry()
    except ValueError:
        return  # said where the scopes are looked at
    yield from problems_with_claims(settings.claims, registry, signs_in=settings.switched_on(Feature.OPENID))


def _features(settings: Settings) -> Iterator[Contradiction]:
    try:
        settings.feature_set()
    except ValueError as refused:
        yield ("features",), f"cannot be: {refused}"


def _demanding_requests(settings: Settings) -> Iterator[Contradiction]:
    """Whatever every application has to do can be done."""
    for member, demanded, feature in (
        ("require_pushed_requests", settings.require_pushed_requests, Feature.PUSHED_REQUESTS),
        ("require_signed_requests", settings.require_signed_requests, Feature.REQUEST_OBJECTS),
    ):
        if demanded and not settings.switched_on(feature):
            yield (member,), f"needs the feature {feature.key}; switch it on, or remove this"


def _scopes(settings: Settings) -> Iterator[Contradiction]:
    broken = False
    for name in settings.scopes or {}:
        if not well_formed(name):
            broken = True
            yield (
                ("scopes", name),
                "is no scope: use up to 200 printable ASCII characters without space, quote, backslash",
            )
        elif name in _RESERVED:
            broken = True
            yield ("scopes", name), "is reserved for OpenID Connect; choose another name"
    if broken:
        return
    try:
        registry = settings.scope_registry()
    except ValueError as refused:
        yield ("scopes",), f"cannot be: {refused}"
        return
    unknown_in_role = False
    for role, names in settings.roles.items():
        if unknown := registry.unknown(names):
            unknown_in_role = True
            yield (
                ("roles", role),
                f"has {unknown[0]!r}, which is not in the scope registry; add it there or remove it here",
            )
    if not unknown_in_role:
        try:
            settings.role_set()
        except ValueError as refused:
            yield ("roles",), f"cannot be: {refused}"


def _assurance(settings: Settings) -> Iterator[Contradiction]:
    yield from assurance.problems_with_levels(settings.assurance)
    try:
        registry = settings.scope_registry()
    except ValueError:
        return  # said where the scopes are looked at
    yield from assurance.problems_with_scopes(settings.assurance, registry)


def _calls(settings: Settings) -> Iterator[Contradiction]:
    yield from settings.ciba.problems(frozenset(pair.lower() for pair in settings.outbound.allow))
