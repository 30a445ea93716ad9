"""`assent application`: OAuth clients in the hands of the operator."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from app.cli.options import Config

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.cli.connection import Session
    from app.crypto.envelope import Vault
    from app.protocol.scopes import ScopeRegistry
    from app.services.applications import Owner, Registered
    from app.services.data_file.application_entry import ApplicationEntry
    from app.store.applications import StoredApplication

application = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, help="Register, list and change applications."
)

_STATUS = {"inactive": "disabled", "pending_deletion": "to be deleted", "deletion_in_progress": "deleted"}
"""The registered status in the words of the commands."""

_TLS_SUBJECTS = ("subject_dn", "san_dns", "san_uri", "san_ip", "san_email")

ClientId = Annotated[str, typer.Argument(help="The application’s client_id.")]


def _many(help_text: str) -> Any:
    return typer.Option(help=help_text, show_default=False)


@application.command()
def create(
    name: Annotated[str, typer.Option(help="What the consent page calls it; two random words without.")] = "",
    redirect_uri: Annotated[list[str] | None, _many("Where answers may go, exactly; repeatable.")] = None,
    grant_type: Annotated[
        list[str] | None, _many("Repeatable; without: authorization_code and refresh_token, if it has a redirect URI.")
    ] = None,
    response_type: Annotated[
        list[str] | None, _many('What it may get through the browser, such as "code id_token"; repeatable.')
    ] = None,
    scope: Annotated[list[str] | None, _many("What it may ask for; repeatable; everything without.")] = None,
    public: Annotated[bool, typer.Option("--public", help="It cannot keep a secret: native and browser ones.")] = False,
    auth_method: Annotated[str, typer.Option(help="Such as private_key_jwt, if not public.")] = "client_secret_basic",
    signing_alg: Annotated[str, typer.Option(help="The one algorithm of its assertions; any that fits without.")] = "",
    jwks: Annotated[Path | None, typer.Option(help="File with its public keys, a JWK set.")] = None,
    jwks_uri: Annotated[str, typer.Option(help="Where it publishes its public keys.")] = "",
    tls_subject: Annotated[str, typer.Option(help="What its certificate names, such as san_dns=client.example.")] = "",
    dpop: Annotated[bool, typer.Option("--dpop", help="Its tokens are bound to the key of a DPoP proof.")] = False,
    id_token_alg: Annotated[
        str, typer.Option(help="What its ID tokens are signed with; ES256 without, where the server has it.")
    ] = "",
    pairwise: Annotated[
        bool, typer.Option("--pairwise", help="It knows people by names that no application of another host knows.")
    ] = False,
    sector_identifier_uri: Annotated[
        str, typer.Option(help="With several hosts: a JSON array of all redirect URIs, which is fetched.")
    ] = "",
    post_logout_redirect_uri: Annotated[
        list[str] | None, _many("Where people may be sent after signing out, exactly; repeatable.")
    ] = None,
    backchannel_logout_uri: Annotated[str, typer.Option(help="Where it is told that a session is over.")] = "",
    frontchannel_logout_uri: Annotated[
        str, typer.Option(help="Its page that is loaded when somebody signs out; on the host of a redirect URI.")
    ] = "",
    push: Annotated[bool, typer.Option("--push", help="It pushes each authorization request before (PAR).")] = False,
    response_mode: Annotated[list[str] | None, _many("How answers may reach it, such as jwt; repeatable.")] = None,
    answer_alg: Annotated[
        str, typer.Option(help="What signed authorization answers (JARM) are signed with; RS256 without.")
    ] = "",
    ciba_mode: Annotated[str, typer.Option(help="poll or ping: how it learns what a person decided (CIBA).")] = "",
    ciba_endpoint: Annotated[str, typer.Option(help="Where it is told so, with ping.")] = "",
    profile: Annotated[
        str, typer.Option(help="Set of rules to hold it to: oauth2.1, fapi2 or fapi2-message-signing.")
    ] = "",
    owner: Annotated[str, typer.Option(help="Username of the person whose application it is.")] = "",
    client_id: Annotated[str, typer.Option(help="Identifier; a random one without.")] = "",
    pkce: Annotated[bool, typer.Option("--require-pkce/--no-require-pkce", help="Whether PKCE is demanded.")] = True,
    rotate: Annotated[
        bool, typer.Option("--rotate-refresh-tokens/--no-rotate-refresh-tokens", help="Whether each use renews them.")
    ] = True,
    implicit: Annotated[
        bool, typer.Option("--allow-implicit", help="Legacy: tokens through the browser; needs features.implicit.")
    ] = False,
    config: Config = None,
) -> None:
    """Register an application. Its secret is printed once."""
    from app.cli.connection import run

    members = {
        "client_id": client_id,
        "client_name": name,
        "redirect_uris": redirect_uri or [],
        "grant_types": grant_type or (["authorization_code", "refresh_token"] if redirect_uri else []),
        "response_types": response_type or [],
        "scope": None if scope is None else " ".join(scope),
        "token_endpoint_auth_method": "none" if public else auth_method,
        "token_endpoint_auth_signing_alg": signing_alg or None,
        "jwks": None if jwks is None else _read_keys(jwks),
        "jwks_uri": jwks_uri or None,
        **({"dpop_bound_access_tokens": True} if dpop else {}),
        **_subject(tls_subject),
        "id_token_signed_response_alg": id_token_alg or None,
        "subject_type": "pairwise" if pairwise else None,
        "sector_identifier_uri": sector_identifier_uri or None,
        "post_logout_redirect_uris": post_logout_redirect_uri or [],
        "backchannel_logout_uri": backchannel_logout_uri or None,
        "frontchannel_logout_uri": frontchannel_logout_uri or None,
        **({"require_pushed_authorization_requests": True} if push else {}),
        "response_modes": response_mode or [],
        "authorization_signed_response_alg": answer_alg or None,
        "backchannel_token_delivery_mode": ciba_mode or None,
        "backchannel_client_notification_endpoint": ciba_endpoint or None,
        **_profile(profile),
        "require_pkce": pkce,
        "rotate_refresh_tokens": rotate,
        "allow_implicit": implicit,
    }
    registered = run("application create", config, lambda session: _create(session, members, owner))
    typer.echo(f"Registered {registered.name}.")
    typer.echo(f"client_id: {registered.client_id}")
    if registered.client_secret is not None:
        typer.echo(f"client_secret, shown only now: {registered.client_secret}")


@application.command("list")
def list_(config: Config = None) -> None:
    """List all applications, oldest first; those that introduced themselves say so in a fifth column."""
    from app.cli.connection import run
    from app.services import applications

    for entry in run("application list", config, lambda session: applications.list_all(session.database)):
        served = "refused" if entry.description.unmet else _STATUS.get(entry.status, entry.status)
        line = f"{entry.client_id}\t{entry.description.name}\t{entry.description.kind}\t{served}"
        typer.echo(f"{line}\t{_introduced(entry)}" if entry.self_registered else line)


@application.command()
def show(client_id: ClientId, config: Config = None) -> None:
    """Print what is registered, as JSON; never a secret."""
    from app.cli.connection import run
    from app.services import applications

    found = run("application show", config, lambda session: applications.find(session.database, client_id))
    typer.echo(orjson.dumps(_shown(found), option=orjson.OPT_INDENT_2).decode())


@application.command()
def rotate_secret(
    client_id: ClientId,
    keep_old: Annotated[
        bool, typer.Option("--keep-old", help="Let the old secret work, until `assent application retire-secret`.")
    ] = False,
    config: Config = None,
) -> None:
    """Replace the secret. The old one is worth nothing from now on."""
    from app.cli.connection import run
    from app.services import applications

    async def work(session: "Session") -> str:
        found = await applications.find(session.database, client_id)
        vault = await _vault(session, found.description.auth_method)
        return await applications.rotate_secret(
            session.database, client_id, session.operator, keep_old=keep_old, vault=vault
        )

    client_secret = run("application rotate-secret", config, work)
    typer.echo(f"client_secret, shown only now: {client_secret}")


@application.command()
def retire_secret(client_id: ClientId, config: Config = None) -> None:
    """End the older of two secrets: the last step of a rotation with --keep-old."""
    from app.cli.connection import run
    from app.services import applications

    last_four = run(
        "application retire-secret",
        config,
        lambda session: applications.retire_secret(session.database, client_id, session.operator),
    )
    typer.echo(
        f"The secret …{last_four} is worth nothing now." if last_four else "The older secret is worth nothing now."
    )


@application.command()
def disable(client_id: ClientId, config: Config = None) -> None:
    """Switch an application off. All its tokens are dead at once and for ever."""
    from app.cli.connection import run
    from app.services import applications

    changed = run(
        "application disable",
        config,
        lambda session: applications.disable(session.database, client_id, session.operator),
    )
    typer.echo(f"{client_id} is disabled." if changed else f"{client_id} was not active.")


@application.command()
def enable(client_id: ClientId, config: Config = None) -> None:
    """Switch an application on again. Its old tokens stay dead."""
    from app.cli.connection import run
    from app.services import applications

    changed = run(
        "application enable",
        config,
        lambda session: applications.enable(session.database, client_id, session.operator),
    )
    typer.echo(f"{client_id} is active." if changed else f"{client_id} was not disabled.")


def _read_keys(file: Path) -> Any:
    try:
        return orjson.loads(file.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise typer.BadParameter(f"{file} cannot be read as JSON: {error}", param_hint="--jwks") from None


def _profile(given: str) -> dict[str, str]:
    from app.protocol.profiles import KNOWN

    if given not in ("", *KNOWN):
        raise typer.BadParameter(f"must be one of {', '.join(KNOWN)}", param_hint="--profile")
    return {"profile": given} if given else {}


def _subject(given: str) -> dict[str, str]:
    """Return the member of RFC 8705 §2.1.2 that an option such as `san_dns=client.example` means."""
    if not given:
        return {}
    kind, equals, value = given.partition("=")
    if kind not in _TLS_SUBJECTS or not equals:
        raise typer.BadParameter(f"begin with one of {', '.join(_TLS_SUBJECTS)}, and =", param_hint="--tls-subject")
    return {f"tls_client_auth_{kind}": value}


async def _create(session: "Session", members: dict[str, Any], owner: str) -> "Registered":
    """The options go the way of a data file's entry, so that both refuse the same with the same words."""
    from app.protocol.client_openid import preferred_alg
    from app.services import applications

    signing = session.settings.signing.algorithms
    members["client_id"] = client_id = members["client_id"] or applications.new_client_id()
    members["id_token_signed_response_alg"] = members["id_token_signed_response_alg"] or preferred_alg(signing)
    entry = _entry(members, session.settings.scope_registry(), signing)
    await _look_at_sector(session, entry)
    description = applications.describe(
        *(entry, entry.policy()),
        owner=await _owner(session, owner),
        further=entry.further(),
        unmet=entry.unmet_further(),
    )
    vault = await _vault(session, description.auth_method)
    return await applications.create(session.database, description, session.operator, client_id=client_id, vault=vault)


async def _vault(session: "Session", auth_method: str) -> "Vault | None":
    """Return what seals the secrets of an application that makes MACs with them; others need none."""
    from app.cli.connection import vault_of
    from app.protocol.client_auth import client_secret_jwt

    return await vault_of(session) if auth_method == client_secret_jwt.NAME else None


async def _look_at_sector(session: "Session", entry: "ApplicationEntry") -> None:
    """DR-10: what stands at the address lists every redirect URI."""
    if entry.sector_identifier_uri is None:
        return
    from app.outbound.client import Outbound
    from app.services import sector_lists
    from app.services.applications import NotPossible

    async def admit(_: str) -> bool:
        return True  # it is the operator who asks

    outbound = Outbound(session.settings.configuration().outbound, admit)
    listed = await sector_lists.fetch(outbound, entry.sector_identifier_uri)
    if listed is not None and (problem := listed.problem_with(entry.redirect_uris)) is not None:
        raise NotPossible(f"has a sector_identifier_uri that {problem}")


def _entry(members: dict[str, Any], scopes: "ScopeRegistry", signing: "Sequence[str]") -> "ApplicationEntry":
    from app.services.data_file import DataFileError, Problem, parse

    try:
        return parse({"applications": [members]}, scopes, signing=signing).applications[0]
    except DataFileError as refused:
        paths = [problem.path.partition("].")[2] or "the application:" for problem in refused.problems]
        problems = zip(paths, refused.problems, strict=True)
        raise DataFileError([Problem(path, problem.message) for path, problem in problems]) from None


async def _owner(session: "Session", username: str) -> "Owner":
    from app.services import accounts
    from app.services.applications import Owner

    if not username:
        return Owner()
    person = await accounts.find(session.database, username)
    return Owner(person.id, person.username)


def _introduced(found: "StoredApplication") -> str:
    from app.protocol import introductions

    by_document = introductions.is_by_document(found.client_id, self_registered=found.self_registered)
    how = "known by its document" if by_document else "registered itself"
    return f"{how}, checked" if found.verified else how


def _shown(found: "StoredApplication") -> dict[str, Any]:
    description = found.description
    return {
        "client_id": found.client_id,
        "status": _STATUS.get(found.status, found.status),
        "kind": description.kind,
        "owner": description.owner_name or None,
        "self_registered": found.self_registered,
        "checked": found.verified,
        **description.registration,
        "client_name": description.name,
        **description.policy,
        **({"sector": sector} if (sector := description.openid.get("sector")) else {}),
        "optional_scopes": list(description.optional_scopes),
        "allowed_origins": list(description.allowed_origins),
        "secrets": len(found.secret_digests),
        "deletes_at": found.delete_after.isoformat() if found.delete_after else None,
        "not_served_because_of": list(description.unmet),
        "created_at": found.created_at.isoformat(),
        "updated_at": found.updated_at.isoformat(),
    }
