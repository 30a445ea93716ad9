"""Mint: an order becomes strings for the client and digests for the database. Chance comes in, never from here."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from app.crypto.hashing import Digest, digest
from app.protocol.outcomes import DelegatedIssuance, IdTokenOrder, Issuance, MachineIssuance, RedeemCode
from app.protocol.token_format import Credential, Prefix, format_credential
from app.protocol.tokens import access_token, id_token
from app.protocol.tokens.access_token import Content, Sign
from app.protocol.tokens.refresh_chain import ServerKeys, key_version_of, successor


@dataclass(frozen=True, slots=True)
class Fresh:
    """Identifiers and random bytes for one issuance; a family id and secret are used only when a family begins."""

    access_id: UUID
    access_secret: bytes = field(repr=False)
    family_id: UUID
    refresh_secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Signing:
    """How JWTs are signed here: in whose name, at which moment, by what."""

    issuer: str
    now: datetime
    sign: Sign = field(repr=False)


@dataclass(frozen=True, slots=True)
class Minted:
    """What goes to the client (the three tokens) and what the database keeps of it."""

    issuance: Issuance
    access_token: str = field(repr=False)
    access_id: UUID
    access_digest: Digest
    refresh_token: str | None = field(repr=False)
    refresh_digest: Digest | None
    family_id: UUID
    key_version: int
    id_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class MachineMinted:
    """The same for a token without a person: nothing else comes with it. A JWT has no digest, for it gets no row."""

    issuance: MachineIssuance
    access_token: str = field(repr=False)
    access_id: UUID
    access_digest: Digest | None


@dataclass(frozen=True, slots=True)
class DelegatedMinted:
    """The same for a token that speaks for a person without his consent; it has a row, whatever its format."""

    issuance: DelegatedIssuance
    access_token: str = field(repr=False)
    access_id: UUID
    access_digest: Digest


def mint(issuance: Issuance, keys: ServerKeys, fresh: Fresh, signing: Signing) -> Minted:
    """Return the token strings of an order.

    A refresh computes the successor from the presented secret, so that a repeat inside the grace gets the same one;
    it uses the server key that the family already used for that step, else the current one.
    """
    family_id, refresh, key_version = _refresh_credential(issuance, keys, fresh)
    text, shown = _access_token(issuance, fresh.access_id, fresh.access_secret, signing)
    return Minted(
        issuance=issuance,
        access_token=text,
        access_id=fresh.access_id,
        access_digest=shown,
        refresh_token=format_credential(Prefix.REFRESH_TOKEN, refresh) if refresh else None,
        refresh_digest=digest(refresh.secret) if refresh else None,
        family_id=family_id,
        key_version=key_version,
        id_token=None if issuance.id_token is None else _id_token(issuance.id_token, text, signing),
    )


def mint_for_machine(
    issuance: MachineIssuance, access_id: UUID, access_secret: bytes, signing: Signing
) -> MachineMinted:
    """Return the token string of an order without a person; identifier and random bytes are fresh."""
    if issuance.audience is None:
        text, shown = _opaque(access_id, access_secret)
        return MachineMinted(issuance, text, access_id, shown)
    content = Content(
        issuer=signing.issuer,
        id=access_id,
        issued_at=signing.now,
        expires_at=issuance.access_expires_at,
        client_id=issuance.client_id,
        subject=issuance.client_id,
        audience=issuance.audience,
        scopes=issuance.origin.scopes,
        client_epoch=issuance.origin.application_epoch,
        binding=issuance.binding,
    )
    return MachineMinted(issuance, access_token.write(content, signing.sign), access_id, None)


def mint_delegated(
    issuance: DelegatedIssuance, access_id: UUID, access_secret: bytes, signing: Signing
) -> DelegatedMinted:
    """Return the token string of an order without consent; identifier and random bytes are fresh."""
    text, shown = _access_token(issuance, access_id, access_secret, signing)
    return DelegatedMinted(issuance, text, access_id, shown)


def _access_token(
    issuance: Issuance | DelegatedIssuance, access_id: UUID, access_secret: bytes, signing: Signing
) -> tuple[str, Digest]:
    if issuance.audience is None:
        return _opaque(access_id, access_secret)
    text = access_token.write(
        Content(
            issuer=signing.issuer,
            id=access_id,
            issued_at=signing.now,
            expires_at=issuance.access_expires_at,
            client_id=issuance.client_id,
            subject=issuance.subject,
            audience=issuance.audience,
            scopes=issuance.origin.scopes,
            authentication=issuance.authentication,
            binding=issuance.binding,
            actor=issuance.actor if isinstance(issuance, DelegatedIssuance) else None,
            details=issuance.origin.details,
        ),
        signing.sign,
    )
    return text, digest(text.encode("ascii"))


def _id_token(order: IdTokenOrder, access: str, signing: Signing) -> str:
    """ID-4: it vouches for the access token that it comes with."""
    return id_token.write(replace(order.content, access_token=access), order.alg, signing.sign)


def _opaque(access_id: UUID, secret: bytes) -> tuple[str, Digest]:
    return format_credential(Prefix.ACCESS_TOKEN, Credential(access_id, secret)), digest(secret)


def _refresh_credential(issuance: Issuance, keys: ServerKeys, fresh: Fresh) -> tuple[UUID, Credential | None, int]:
    payment = issuance.payment
    if isinstance(payment, RedeemCode):
        begun = Credential(fresh.family_id, fresh.refresh_secret) if issuance.with_refresh_token else None
        return fresh.family_id, begun, keys.current
    family = payment.family
    if payment.mode == "keep":
        return family.id, None, keys.current
    generation = payment.presented_generation + 1
    version = keys.current if payment.mode == "rotate" else key_version_of(family.key_since, generation)
    secret = successor(keys.by_version[version], family.id, generation, payment.presented_secret)
    return family.id, Credential(family.id, secret, generation), version
