"""`/organizations/{slug}/api-keys`: an organization's keys, seen, made, changed, given another secret, removed.

Whoever may not manage them gets the 403 that says who can give access; a key of another organization is answered like
one that never was. A secret is shown on the answer to the form that made it, and sending that form again makes nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.protocol import permissions
from app.routers.organizations import entrance as door
from app.routers.organizations import key_desk
from app.routers.organizations.entrance import Entrance, acting_in
from app.routers.pages import answers, forms, once
from app.routers.pages.answers import SeeInstead
from app.routers.pages.forms import Form
from app.routers.pages.visitor import person_of, require_recent
from app.services import api_keys
from app.services.acting import NotAllowed, OrganizationGone
from app.services.api_keys import (
    BeyondReach,
    NoSuchKey,
    NotAccepted,
    NothingRetires,
    StillRetiring,
    TooManyKeys,
    Wanted,
)
from app.services.connections import read_id
from app.store.api_keys import KeyStatus, StoredKey
from app.store.idempotency import Repeated
from app.store.versions import VersionChanged
from app.views.pages.api_keys import (
    ApiKeyPage,
    ApiKeys,
    KeyDone,
    KeyForm,
    KeyTrouble,
    NewApiKey,
    RemoveApiKey,
    RetireApiKeySecret,
)

router = APIRouter(include_in_schema=False)

PATH = "/organizations/{slug}/api-keys"
ONE = PATH + "/{key_id}"

_STATUSES: dict[str, KeyStatus] = {"active": "active", "inactive": "inactive"}
_DONE: dict[str, KeyDone] = {"saved": "saved", "retired": "retired"}


@router.get(PATH)
async def show_list(request: Request, slug: str) -> Response:
    """Show every key of the organization, and what has just been removed."""
    inside = await door.enter(request, slug, permissions.API_KEYS)
    server = server_of(request)
    found = await api_keys.list_page(server.database, inside.organization.id)
    return answers.show(
        request,
        ApiKeys(
            account=person_of(inside.session),
            organization=inside.tab,
            of=inside.tab,
            keys=tuple(map(key_desk.entry_of, found)),
            now=server.clock(),
            removed=await _just_removed(request, inside),
        ),
    )


@router.get(PATH + "/new")
async def ask_for_new(request: Request, slug: str) -> Response:
    """Show the form of a new key, filled in as usual."""
    inside = await door.enter(request, slug, permissions.API_KEYS, "POST")
    require_recent(request, inside.session, back=f"{inside.tab.url}/api-keys/new")
    usual = api_keys.default_scopes(inside.scopes, server_of(request).scopes)
    return answers.show(request, _new_page(request, inside, key_desk.new_form(_offer(request, inside), usual)))


@router.post(PATH + "/new")
async def create(request: Request, slug: str) -> Response:
    """Make a key and show it, this once; 422 with the form again when something is wrong with it."""
    form = await forms.read_form(request)
    inside = await door.enter(request, slug, permissions.API_KEYS, "POST")
    require_recent(request, inside.session, back=f"{inside.tab.url}/api-keys/new")
    wanted, claim = _wanted(form), once.claim_of(request, inside.session, form)
    try:
        with _refusals(request, inside):
            made = await api_keys.create(
                server_of(request).database, acting_in(request, inside), inside.organization.id, wanted, claim
            )
    except NotAccepted as refused:
        typed = key_desk.typed_form(_offer(request, inside), wanted, refused.problems)
        return answers.show(request, _new_page(request, inside, typed))
    except TooManyKeys:
        typed = key_desk.typed_form(_offer(request, inside), wanted)
        return answers.show(request, _new_page(request, inside, typed, full=api_keys.MAX_KEYS))
    except Repeated as repeated:
        key = await _find(request, inside, repeated.resource_id)
        return answers.show(request, _page(request, inside, key, trouble="seen"))
    return answers.show(request, _page(request, inside, made.key, secret=made.secret))


@router.get(ONE)
async def show_one(request: Request, slug: str, key_id: str) -> Response:
    """Show one key, and what has just been done to it."""
    inside = await door.enter(request, slug, permissions.API_KEYS)
    key = await _find(request, inside, key_id)
    return answers.show(request, _page(request, inside, key, done=_just_done(request, key)))


@router.post(ONE)
async def change(request: Request, slug: str, key_id: str) -> Response:
    """Save what is said about a key; it holds from the next request with the key on."""
    form = await forms.read_form(request)
    inside = await door.enter(request, slug, permissions.API_KEYS, "POST")
    key = await _find(request, inside, key_id)
    require_recent(request, inside.session, back=_url(inside, key))
    wanted = _wanted(form)
    try:
        with _refusals(request, inside):
            after = await api_keys.change(
                server_of(request).database,
                acting_in(request, inside),
                inside.organization.id,
                key.id,
                wanted,
                version=_version(form),
            )
    except NotAccepted as refused:
        typed = key_desk.typed_form(_offer(request, inside, key), wanted, refused.problems)
        return answers.show(request, _page(request, inside, key, form=typed))
    except VersionChanged:
        latest = await _find(request, inside, key_id)
        return answers.show(request, _page(request, inside, latest, stale=True))
    return answers.see(request, f"{_url(inside, key)}?{urlencode({'saved': after.version})}")


@router.post(ONE + "/rotate")
async def rotate(request: Request, slug: str, key_id: str) -> Response:
    """Give the key another secret and show it, this once; the one before stays good."""
    form = await forms.read_form(request)
    inside = await door.enter(request, slug, permissions.API_KEYS, "POST")
    key = await _find(request, inside, key_id)
    require_recent(request, inside.session, back=_url(inside, key))
    claim = once.claim_of(request, inside.session, form)
    trouble: KeyTrouble
    try:
        with _refusals(request, inside):
            made = await api_keys.rotate(
                server_of(request).database, acting_in(request, inside), inside.organization.id, key.id, claim
            )
        return answers.show(request, _page(request, inside, made.key, secret=made.secret))
    except Repeated:
        trouble = "seen"
    except StillRetiring:
        trouble = "retiring"
    except BeyondReach:
        trouble = "beyond"
    return answers.show(request, _page(request, inside, await _find(request, inside, key_id), trouble=trouble))


@router.get(ONE + "/retire")
async def ask_to_retire(request: Request, slug: str, key_id: str) -> Response:
    """Ask before the secret before ends."""
    inside = await door.enter(request, slug, permissions.API_KEYS, "POST")
    key = await _find(request, inside, key_id)
    if key.retiring_last_four is None:
        raise SeeInstead(_url(inside, key))
    require_recent(request, inside.session, back=f"{_url(inside, key)}/retire")
    return answers.show(
        request,
        RetireApiKeySecret(
            account=person_of(inside.session),
            organization=inside.tab,
            of=inside.tab,
            entry=key_desk.entry_of(key),
            csrf=forms.csrf_token(request),
            now=server_of(request).clock(),
        ),
    )


@router.post(ONE + "/retire")
async def retire(request: Request, slug: str, key_id: str) -> Response:
    """End the secret before."""
    await forms.read_form(request)
    inside = await door.enter(request, slug, permissions.API_KEYS, "POST")
    key = await _find(request, inside, key_id)
    require_recent(request, inside.session, back=f"{_url(inside, key)}/retire")
    try:
        with _refusals(request, inside):
            after = await api_keys.retire(
                server_of(request).database, acting_in(request, inside), inside.organization.id, key.id
            )
    except NothingRetires:
        return answers.show(request, _page(request, inside, key, trouble="one-secret"))
    return answers.see(request, f"{_url(inside, key)}?{urlencode({'retired': after.version})}")


@router.get(ONE + "/remove")
async def ask_to_remove(request: Request, slug: str, key_id: str) -> Response:
    """Ask before a key ends."""
    inside = await door.enter(request, slug, permissions.API_KEYS, "DELETE")
    key = await _find(request, inside, key_id)
    return answers.show(
        request,
        RemoveApiKey(
            account=person_of(inside.session),
            organization=inside.tab,
            of=inside.tab,
            entry=key_desk.entry_of(key),
            csrf=forms.csrf_token(request),
            now=server_of(request).clock(),
        ),
    )


@router.post(ONE + "/remove")
async def remove(request: Request, slug: str, key_id: str) -> Response:
    """Remove a key, at once and for good."""
    await forms.read_form(request)
    inside = await door.enter(request, slug, permissions.API_KEYS, "DELETE")
    key = await _find(request, inside, key_id)
    with _refusals(request, inside):
        await api_keys.remove(server_of(request).database, acting_in(request, inside), inside.organization.id, key.id)
    return answers.see(request, f"{inside.tab.url}/api-keys?{urlencode({'removed': str(key.id)})}")


def _page(
    request: Request,
    inside: Entrance,
    key: StoredKey,
    *,
    form: KeyForm | None = None,
    secret: str = "",
    done: KeyDone = "",
    trouble: KeyTrouble = "",
    stale: bool = False,
) -> ApiKeyPage:
    return ApiKeyPage(
        account=person_of(inside.session),
        organization=inside.tab,
        of=inside.tab,
        entry=key_desk.entry_of(key),
        form=form or key_desk.form_of(_offer(request, inside, key), key.description),
        version=key.version,
        csrf=forms.csrf_token(request),
        once=once.new_key(),
        now=server_of(request).clock(),
        secret=secret,
        done=done,
        trouble=trouble,
        stale=stale,
    )


def _new_page(request: Request, inside: Entrance, form: KeyForm, *, full: int = 0) -> NewApiKey:
    return NewApiKey(
        account=person_of(inside.session),
        organization=inside.tab,
        of=inside.tab,
        form=form,
        csrf=forms.csrf_token(request),
        once=once.new_key(),
        full=full,
    )


def _offer(request: Request, inside: Entrance, key: StoredKey | None = None) -> key_desk.Offer:
    return key_desk.Offer(server_of(request).scopes, inside.scopes, key.description.scopes if key else ())


def _wanted(form: Form) -> Wanted:
    return Wanted(
        label=form.get("label"),
        scopes=form.all("scope"),
        allowed_origins=tuple(form.get("allowed_origins").splitlines()),
        status=_STATUSES.get(form.get("status")),
    )


def _version(form: Form) -> int | None:
    """Return the version that the form was made for; what is none is older than every key."""
    text = form.get("version")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _url(inside: Entrance, key: StoredKey) -> str:
    return f"{inside.tab.url}/api-keys/{key.id}"


async def _find(request: Request, inside: Entrance, key_id: str) -> StoredKey:
    known = read_id(key_id)
    with _refusals(request, inside):
        if known is None:
            raise NoSuchKey
        return await api_keys.find(server_of(request).database, inside.organization.id, known)
    raise AssertionError("a refusal is never swallowed")


@contextmanager
def _refusals(request: Request, inside: Entrance) -> Iterator[None]:
    """Turn what is so for every page into pages: what is not there, and who may not do this any more."""
    try:
        yield
    except (NoSuchKey, OrganizationGone):
        raise door.nothing_here(request, inside.session) from None
    except NotAllowed:
        raise door.refused(request, inside) from None


def _just_done(request: Request, key: StoredKey) -> KeyDone:
    """Return what the address says was done, if the key is as that left it."""
    for name, done in _DONE.items():
        if request.query_params.get(name) == str(key.version) and key.version > 1:
            return done
    return ""


async def _just_removed(request: Request, inside: Entrance) -> str:
    """Return the label of the key in the address, if this very person has just removed it."""
    known: UUID | None = read_id(request.query_params.get("removed", ""))
    if known is None:
        return ""
    server = server_of(request)
    return await api_keys.just_removed(
        server.database, inside.organization.id, known, inside.session.user_id, server.clock()
    )
