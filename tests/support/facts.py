"""Facts for tests of pure rules: a sound default, changed by keyword."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.crypto.hashing import digest
from app.protocol.context import TokenContext
from app.protocol.facts import (
    Authentication,
    ClientFact,
    CodeFact,
    FamilyFact,
    KeyFact,
    MachineOrigin,
    MachineTokenFact,
    Origin,
    PersonalTokenFact,
    SessionFact,
    Standing,
    TokenFact,
)
from app.protocol.policy import ServerPolicy, effective
from app.protocol.scopes import ScopeDefinition, ScopeRegistry
from app.protocol.tokens.mint import Signing
from app.protocol.tokens.refresh_chain import ServerKeys

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
ISSUER = "https://id.example"
APPLICATION, USER, RECORD, CODE, FAMILY, TOKEN, SESSION, ORGANIZATION = (UUID(int=n) for n in range(1, 9))
SECRET = b"s" * 32
KEYS = ServerKeys(current=1, by_version={1: b"k" * 32})
SIGNING = Signing("https://id.example", NOW, lambda alg, typ, claims: f"{alg}.{typ}.{claims}")
"""Signs nothing: says what there is to be signed."""
REGISTRY = ScopeRegistry([ScopeDefinition("a"), ScopeDefinition("b"), ScopeDefinition("c")])
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
REDIRECT_URI = "https://client.example/callback"


def client(**changes: Any) -> ClientFact:
    """A confidential web application."""
    fact = ClientFact(
        id=APPLICATION,
        client_id="client",
        name="Client",
        version=1,
        epoch=0,
        auth_method="client_secret_basic",
        secret_digests=(digest(b"secret"),),
        redirect_uris=(REDIRECT_URI,),
        grant_types=frozenset({"authorization_code", "refresh_token"}),
        response_types=frozenset({"code"}),
        scopes=None,
        verified=True,
    )
    return replace(fact, **changes)


def standing(**changes: Any) -> Standing:
    """Everybody in force; the record holds a and b since its first version."""
    fact = Standing(
        record_id=RECORD,
        record_version=1,
        record_revoked=False,
        pairs=("a", "b"),
        since=(1, 1),
        user_active=True,
        user_epoch=0,
        application_active=True,
        application_epoch=0,
    )
    return replace(fact, **changes)


def origin(**changes: Any) -> Origin:
    """An authorization event that gave a and b."""
    fact = Origin(
        application_id=APPLICATION,
        user_id=USER,
        record_id=RECORD,
        record_version=1,
        user_epoch=0,
        application_epoch=0,
        scopes=("a", "b"),
    )
    return replace(fact, **changes)


def code(**changes: Any) -> CodeFact:
    """An unused code with a challenge."""
    fact = CodeFact(
        id=CODE,
        digest=digest(SECRET),
        origin=origin(),
        authentication=Authentication(auth_time=NOW),
        redirect_uri=REDIRECT_URI,
        code_challenge=CHALLENGE,
        nonce=None,
        offline=True,
        failed_attempts=0,
        used_at=None,
        family_id=None,
        expires_at=NOW + timedelta(seconds=60),
        standing=standing(),
    )
    return replace(fact, **changes)


def family(**changes: Any) -> FamilyFact:
    """A family at generation 0."""
    fact = FamilyFact(
        id=FAMILY,
        digest=digest(SECRET),
        generation=0,
        key_since=((1, 0),),
        origin=origin(),
        authentication=Authentication(auth_time=NOW),
        rotated_at=NOW,
        idle_expires_at=NOW + timedelta(days=30),
        expires_at=NOW + timedelta(days=180),
        revoked_at=None,
        standing=standing(),
    )
    return replace(fact, **changes)


def access_token(**changes: Any) -> TokenFact:
    """A live access token."""
    fact = TokenFact(
        id=TOKEN,
        digest=digest(SECRET),
        family_id=FAMILY,
        origin=origin(),
        client_id="client",
        username="robin",
        subject="subject-1",
        auth_time=NOW,
        issued_at=NOW,
        expires_at=NOW + timedelta(hours=1),
        revoked_at=None,
        family_revoked=False,
        standing=standing(),
    )
    return replace(fact, **changes)


def machine_token(**changes: Any) -> MachineTokenFact:
    """A live access token that an application got for itself, with a and b."""
    fact = MachineTokenFact(
        id=TOKEN,
        digest=digest(SECRET),
        origin=MachineOrigin(application_id=APPLICATION, application_epoch=0, scopes=("a", "b")),
        client_id="client",
        issued_at=NOW,
        expires_at=NOW + timedelta(hours=1),
        revoked_at=None,
        application_active=True,
        application_epoch_now=0,
    )
    return replace(fact, **changes)


def personal_token(**changes: Any) -> PersonalTokenFact:
    """A live personal token of somebody who is a member somewhere; a server's default roles know its scopes."""
    fact = PersonalTokenFact(
        id=TOKEN,
        digest=digest(SECRET),
        user_id=USER,
        user_epoch=0,
        name="nightly",
        scopes=("org:read", "team:read"),
        issued_at=NOW,
        expires_at=NOW + timedelta(days=90),
        revoked_at=None,
        subject="subject-1",
        username="robin",
        user_active=True,
        user_epoch_now=0,
        roles=("member",),
    )
    return replace(fact, **changes)


def api_key(**changes: Any) -> KeyFact:
    """A working key with the five scopes that a new one gets."""
    fact = KeyFact(
        id=TOKEN,
        digest=digest(SECRET),
        retiring_digest=None,
        organization_id=ORGANIZATION,
        organization_slug="saltbarn",
        organization_active=True,
        label="Default",
        last_four="cafe",
        scopes=("project:read", "event:read", "team:read", "org:read", "member:read"),
        allowed_origins=(),
        active=True,
        issued_at=NOW,
    )
    return replace(fact, **changes)


def session(**changes: Any) -> SessionFact:
    """A session that has just begun."""
    fact = SessionFact(
        id=SESSION,
        sid=SESSION,
        digest=digest(SECRET),
        user_id=USER,
        user_epoch=0,
        subject="subject-1",
        username="robin",
        email="robin@example.com",
        display_name="Robin",
        auth_time=NOW,
        amr=("pwd",),
        last_used_at=NOW,
        idle_expires_at=NOW + timedelta(hours=12),
        expires_at=NOW + timedelta(days=30),
    )
    return replace(fact, **changes)


def context(*, now: datetime = NOW, **changes: Any) -> TokenContext:
    """The token endpoint at one moment, with a client changed by keyword."""
    asking = client(**changes)
    policy = effective(ServerPolicy(issuer=ISSUER), asking.policy, confidential=asking.confidential)
    return TokenContext(now=now, client=asking, policy=policy, scopes=REGISTRY, keys=KEYS)
