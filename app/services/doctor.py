"""The self-check: is this configuration safe, and is the server reachable as it says? (RFC 9700, architecture §6)

Every check is a pure function of what was found; `cli.doctor` finds it. A finding that is not fine names the remedy.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from app.protocol import origins, response_types
from app.protocol.client_auth import client_secret_jwt, hindrances
from app.protocol.exchange_policy import ExchangeRule
from app.protocol.features import FeatureSet
from app.protocol.mtls import MutualTls
from app.protocol.redirect_uri import LOOPBACK_NAMES
from app.protocol.scopes import ScopeRegistry
from app.protocol.tokens.keyring import KeyRing
from app.protocol.trusted_issuers import TrustedIssuer
from app.store.condition import DatabaseCondition, RegisteredApplication, UntoldApplication, WebsiteKey

OLDEST_POSTGRESQL = 150000
CLOCK_TOLERANCE = timedelta(seconds=2)
_PARTITIONS_AHEAD = 2


class Level(StrEnum):
    """How bad it is. Only `fail` makes the exit status 1."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: what was looked at, what was seen, and what to do about it."""

    level: Level
    subject: str
    seen: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class FileCondition:
    """A path of the data directory: `mode` is None when it is missing; `widest` is the widest mode that is safe."""

    path: str
    mode: int | None
    widest: int
    ours: bool = True


def fine(subject: str, seen: str) -> Finding:
    """A check that passed."""
    return Finding(Level.OK, subject, seen)


def check_issuer(issuer: str) -> Iterator[Finding]:
    """RFC 9700 §2.6: https, or http between programs on one machine."""
    parts = urlsplit(issuer)
    if parts.scheme == "https":
        yield fine("issuer", issuer)
    elif parts.hostname in LOOPBACK_NAMES:
        remedy = "Before others use it: set ASSENT_ISSUER to its https address."
        yield Finding(Level.WARN, "issuer", f"{issuer} works on this machine only", remedy)
    else:
        yield Finding(
            Level.FAIL, "issuer", f"{issuer} is neither https nor on this machine", "Set ASSENT_ISSUER to https://…"
        )


def check_files(files: Iterable[FileCondition]) -> Iterator[Finding]:
    """Nobody but the server's own user may read secrets or the database's files."""
    for file in files:
        if file.mode is None:
            yield Finding(Level.FAIL, "files", f"{file.path} is missing", "Restore it from your backup.")
        elif file.mode & ~file.widest:
            yield Finding(
                Level.FAIL, "files", f"{file.path} has mode {file.mode:04o}", f"chmod {file.widest:04o} {file.path}"
            )
        elif not file.ours:
            yield Finding(Level.WARN, "files", f"{file.path} belongs to another user", "Run the server as its owner.")
        else:
            yield fine("files", f"{file.path} {file.mode:04o}")


def check_database(condition: DatabaseCondition, *, embedded: bool) -> Iterator[Finding]:
    """What the server needs of PostgreSQL: version, durability, sessions of its own, a role that owns nothing."""
    version = f"PostgreSQL {condition.version // 10000}.{condition.version % 10000}"
    if condition.version < OLDEST_POSTGRESQL:
        yield Finding(Level.FAIL, "database", f"{version} is too old", "Upgrade to PostgreSQL 15 or newer.")
    else:
        yield fine("database", f"{version}, embedded" if embedded else version)
    if not condition.fsync:
        yield Finding(Level.FAIL, "database", "fsync is off: a power cut may lose everything", "Set fsync = on.")
    if condition.synchronous_commit in {"off", "local"}:
        yield Finding(
            Level.FAIL if condition.synchronous_commit == "off" else Level.WARN,
            "database",
            f"synchronous_commit is {condition.synchronous_commit}: an answer may be given and lost",
            "Set synchronous_commit = on.",
        )
    if condition.fsync and condition.synchronous_commit not in {"off", "local"}:
        yield fine("database", "commits are durable")
    if condition.pooled:
        yield Finding(
            Level.FAIL,
            "database",
            "a pooler hands its backends from transaction to transaction",
            "Use session pooling (PgBouncer: pool_mode = session), or connect directly.",
        )
    yield from _check_role(condition)


def check_schema(*, pending: int, serves: bool) -> Iterator[Finding]:
    """Migrations that wait, and a schema that this version is too old for."""
    if not serves:
        yield Finding(Level.FAIL, "schema", "the database belongs to a newer version", "Install the newer version.")
    elif pending:
        noun = "migration waits" if pending == 1 else "migrations wait"
        yield Finding(Level.FAIL, "schema", f"{pending} {noun}", "Run `assent migrate`.")
    else:
        yield fine("schema", "current")


def check_partitions(left: Mapping[str, int]) -> Iterator[Finding]:
    """Every partitioned table needs a partition for now, and one for the time after it."""
    behind = [table for table, count in left.items() if count < _PARTITIONS_AHEAD]
    for table in behind:
        seen = f"{table} has {left[table] or 'no'} partition from now on"
        yield Finding(Level.WARN, "partitions", seen, "Let the server run: it makes them ahead.")
    if not behind:
        yield fine("partitions", "made ahead")


def check_applications(applications: Iterable[RegisteredApplication]) -> Iterator[Finding]:
    """The exemptions that RFC 9700 advises against, by application."""
    applications = tuple(applications)
    before = 0
    for application in applications:
        for seen, remedy in _weaknesses(application):
            before += 1
            yield Finding(Level.WARN, "applications", f"{application.client_id} {seen}", remedy)
    if not before:
        yield fine("applications", f"{len(applications)} active, none with an exemption")


def check_methods(applications: Iterable[RegisteredApplication], features: FeatureSet) -> Iterator[Finding]:
    """How applications prove themselves: with what is switched on, and with what they have (CA-1, CA-3)."""
    kinds: dict[str, int] = {}
    before = 0
    for application in applications:
        kinds[application.auth_method] = kinds.get(application.auth_method, 0) + 1
        for seen, remedy in _hindrances(application, features):
            before += 1
            yield Finding(Level.WARN, "methods", f"{application.client_id} {seen}", remedy)
    if not before:
        counted = ", ".join(f"{count} {method}" for method, count in sorted(kinds.items()))
        yield fine("methods", counted or "no application is active")


def check_implicit(applications: Iterable[RegisteredApplication], *, on: bool) -> Iterator[Finding]:
    """Tokens through the browser end in histories and logs; RFC 9700 §2.1.2 says that nobody should use them."""
    marked = [application.client_id for application in applications if application.allow_implicit]
    if not on:
        yield fine("implicit", "off")
    elif marked:
        yield Finding(
            Level.WARN,
            "implicit",
            f"response_type=token is on for {', '.join(marked)}",
            "Move them to response_type=code with PKCE, then remove allow_implicit and features.implicit.",
        )
    else:
        yield Finding(
            Level.WARN, "implicit", "features.implicit is on, and no application has allow_implicit", "Switch it off."
        )


def check_front_channel(applications: Iterable[RegisteredApplication], *, on: bool) -> Iterator[Finding]:
    """Who gets ID tokens through the browser: they name a person to whatever reads along there, such as a log."""
    using = [
        f"{application.client_id} ({name})"
        for application in applications
        for name in application.response_types
        if response_types.ID_TOKEN in response_types.words(name)
    ]
    if on:
        yield fine("ID tokens", ", ".join(using) or "no application gets any")
    elif using:
        yield Finding(
            Level.WARN,
            "ID tokens",
            f"features.front_channel_id_tokens is off, and {', '.join(using)} cannot sign anybody in with them",
            "Move them to response_type=code, or switch the feature on.",
        )
    else:
        yield fine("ID tokens", "off")


def check_keys(keys: Iterable[WebsiteKey]) -> Iterator[Finding]:
    """API keys that any website may use: whoever gets hold of one can put it into a page of his."""
    open_ones = [(key, origin) for key in keys for origin in key.allowed_origins if origins.is_wildcard(origin)]
    for key, origin in open_ones:
        seen = f"{key.label!r} of {key.slug} works on every website ({origin})"
        yield Finding(Level.WARN, "API keys", seen, "Name its own websites in its allowed origins, or none.")
    if not open_ones:
        yield fine("API keys", "none works on every website")


def check_signing_keys(ring: KeyRing, unreadable: Iterable[str], now: datetime) -> Iterator[Finding]:
    """Keys that the root secret opens, and one that signs for each algorithm."""
    sealed = ", ".join(unreadable)
    without = [alg for alg in ring.plan.algorithms if ring.signer(alg, now) is None]
    if sealed:
        yield Finding(
            Level.FAIL,
            "signing keys",
            f"the root secret does not open {sealed}",
            "Set ASSENT_SECRET_KEY to what it was before, or end them with `assent keys retire`.",
        )
    if without:
        seen = f"no key signs with {', '.join(without)}"
        yield Finding(Level.WARN, "signing keys", seen, "Start the server: it makes what is missing.")
    if not sealed and not without:
        yield fine("signing keys", f"{len(ring.published(now))} published, for {', '.join(ring.plan.algorithms)}")


def check_logout_notices(untold: Iterable[UntoldApplication], *, on: bool) -> Iterator[Finding]:
    """Applications that do not hear when sessions end leave people signed in who have signed out (LB-4)."""
    if not on:
        yield fine("logout", "off")
        return
    untold = tuple(untold)
    for one in untold:
        parts = (("notices that wait for another attempt", one.waiting), ("given up in the last 7 days", one.failed))
        seen = ", ".join(f"{said}: {count}" for said, count in parts if count)
        remedy = "Check its backchannel_logout_uri; the trail has the reasons (session.notice_failed)."
        yield Finding(Level.WARN, "logout", f"{one.client_id or 'a deleted application'}: {seen}", remedy)
    if not untold:
        yield fine("logout", "every application hears when sessions end")


def check_imported(counts: Mapping[str, int]) -> Iterator[Finding]:
    """Credentials of an imported system have no checksum, and their holders no new ones: they are to run out."""
    if counts:
        held = ", ".join(f"{number} {kind.replace('_', ' ')}{'s' * (number != 1)}" for kind, number in counts.items())
        remedy = "Ask their holders to make new ones; refresh tokens renew themselves."
        yield Finding(Level.WARN, "imported", f"{held} of the imported system still count", remedy)
    else:
        yield fine("imported", "no credentials of another system")


def check_system_key(*, on: bool, networks: Iterable[str]) -> Iterator[Finding]:
    """The root credential is off unless somebody needs it."""
    if on:
        seen = f"on, from {', '.join(networks) or 'nowhere'}; it may do everything"
        yield Finding(Level.WARN, "system key", seen, "Remove ASSENT_SYSTEM_KEY_FILE while nobody needs it.")
    else:
        yield fine("system key", "off")


def check_outbound(allow: Iterable[str]) -> Iterator[Finding]:
    """Places in the own network that strangers can have the server ask (standards NS-4)."""
    places = sorted(allow)
    for place in places:
        seen = f"{place} may be in your network, and without TLS: whoever registers an address can have it asked"
        yield Finding(Level.WARN, "outbound", seen, "Remove it from outbound.allow once it has a public https address.")
    if not places:
        yield fine("outbound", "no exemption from the ban on private addresses")


def check_certificates(mtls: MutualTls, *, on: bool, asked_for: bool, proxies: Iterable[str]) -> Iterator[Finding]:
    """How client certificates reach the server, if they do (MT-5). `asked_for`: in the handshake at `mtls.port`."""
    if not on:
        yield fine("certificates", "off")
        return
    if mtls.proxy_header:
        seen = f"as {', '.join(proxies)} forward them in Client-Cert, which they must remove from what clients send"
        yield Finding(Level.WARN, "certificates", seen, "Check that with a request that has the header already.")
    elif asked_for:
        yield fine("certificates", f"asked for at {mtls.url}")
    else:
        seen = "mutual_tls is on, and no certificate can reach the server"
        yield Finding(Level.FAIL, "certificates", seen, "Set mtls.port, or mtls.proxy_header with trusted_proxies.")
    if not mtls.authorities:
        seen = "no authority vouches for clients: tls_client_auth refuses everybody"
        yield Finding(Level.WARN, "certificates", seen, "Set mtls.client_ca_file, if an application uses that method.")


def check_delegation(issuers: Collection[TrustedIssuer], rules: Iterable[ExchangeRule]) -> Iterator[Finding]:
    """Tokens without consent: who vouches for people here, and where it stays hidden who acts (JB-6, TX-5)."""
    trusted = sorted(issuer.issuer for issuer in issuers)
    open_ones = [issuer.issuer for issuer in issuers if not issuer.authenticated]
    hidden = [rule.name for rule in rules if rule.mode == "impersonation"]
    for name in open_ones:
        seen = f"{name}: whoever finds a JWT of it can use it, for the applications that present them are not proved"
        yield Finding(Level.WARN, "delegation", seen, "Set its client_authentication to true, if they have secrets.")
    for name in hidden:
        seen = f"token_exchange.{name} makes tokens that do not say who acts"
        yield Finding(Level.WARN, "delegation", seen, "Set its mode to delegation, unless an API cannot do with `act`.")
    if not open_ones and not hidden:
        yield fine("delegation", f"trusted issuers: {', '.join(trusted) or 'none'}")


def check_scopes(registry: ScopeRegistry) -> Iterator[Finding]:
    """A scope without a title stands on the consent page as its technical name."""
    untitled = [definition.name for definition in registry if not definition.title]
    for name in untitled:
        yield Finding(
            Level.WARN, "scopes", f"{name} has no description", f'Set [scopes."{name}"] description in assent.toml.'
        )
    if not untitled:
        yield fine("scopes", f"{len(registry)}, all with a description")


def check_metadata(issuer: str, published: str | None, problem: str = "") -> Iterator[Finding]:
    """RFC 8414 §3.3: what the metadata calls the issuer is what clients were told, letter by letter."""
    if problem:
        remedy = "Start the server with `assent serve`; if it runs, its address is not the issuer."
        yield Finding(Level.WARN, "reachable", problem, remedy)
    elif published != issuer:
        yield Finding(
            Level.FAIL,
            "reachable",
            f"the metadata names {published!r}",
            "Something else answers at the issuer's address.",
        )
    else:
        yield fine("reachable", "the metadata names the issuer")


def check_clock(here: datetime, others: Iterable[tuple[str, datetime]]) -> Iterator[Finding]:
    """Tokens are judged by the clock of whoever judges them."""
    for name, there in others:
        apart = abs(here - there)
        seen = f"{name} and this machine are {apart.total_seconds():.1f} s apart"
        if apart > CLOCK_TOLERANCE:
            yield Finding(Level.WARN, "clock", seen, "Let both follow a time server.")
        else:
            yield fine("clock", seen)


def _check_role(condition: DatabaseCondition) -> Iterator[Finding]:
    if condition.superuser:
        yield Finding(
            Level.FAIL, "roles", f"{condition.role} is a superuser", "Let the server connect as a role of its own."
        )
    elif condition.has_tables and (condition.owns_tables or condition.may_rewrite_audit):
        yield Finding(
            Level.WARN,
            "roles",
            f"{condition.role} owns the tables, so it could rewrite the audit log",
            "Give migrations an owner role (ASSENT_DATABASE_OWNER_URL) and the server a runtime role.",
        )
    else:
        yield fine("roles", f"{condition.role} owns nothing")


def _hindrances(application: RegisteredApplication, features: FeatureSet) -> Iterator[tuple[str, str]]:
    """Return why an application gets no token at all."""
    method, bound = application.auth_method, {"dpop_bound": application.dpop_bound, "tls_bound": application.tls_bound}
    for does, feature in hindrances(method, features, **bound).items():
        yield f"{does}, and features.{feature} is off", f"Set features.{feature} = true, or change that."
    if method == client_secret_jwt.NAME and not application.sealed_secrets:
        remedy = f"Run `assent application rotate-secret {application.client_id}` and give it the new secret."
        yield "is to make MACs, and of its secrets only digests are known", remedy


def _weaknesses(application: RegisteredApplication) -> Iterator[tuple[str, str]]:
    if not application.require_pkce:
        yield (
            "is exempt from PKCE",
            "Once it sends a challenge, apply a data file that describes it without require_pkce = false.",
        )
    if not (application.rotates or application.fapi):
        yield "keeps its refresh token", "Remove rotate_refresh_tokens = false once it stores the new one."
    for uri in application.redirect_uris:
        parts = urlsplit(uri)
        if parts.scheme == "http" and parts.hostname not in LOOPBACK_NAMES:
            yield f"gets its codes over http ({parts.hostname})", "Register its https address instead."
    for origin in filter(origins.is_wildcard, application.allowed_origins):
        yield f"lets its tokens be used on every website ({origin})", "Name its own websites instead."
    for member in application.unmet:
        remedy = "Apply its data file again, or have its owner save it, if that is new here; else remove the member."
        yield f"asks for {member}, which it cannot have as it is registered, so it is refused", remedy
