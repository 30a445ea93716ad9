"""Minting: an order becomes strings for the client and digests for the database."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.crypto.hashing import digest
from app.protocol.facts import Authentication, MachineOrigin
from app.protocol.outcomes import (
    IdTokenContent,
    IdTokenOrder,
    Issuance,
    MachineIssuance,
    RedeemCode,
    Refresh,
    RefreshMode,
)
from app.protocol.resources import Resource
from app.protocol.token_format import Credential, Prefix, parse_credential
from app.protocol.tokens.id_token import half_hash
from app.protocol.tokens.mint import Fresh, mint, mint_for_machine
from app.protocol.tokens.refresh_chain import ServerKeys, successor
from tests.support.facts import APPLICATION, CODE, FAMILY, KEYS, NOW, SECRET, SESSION, SIGNING, TOKEN, family, origin

FRESH = Fresh(access_id=TOKEN, access_secret=b"a" * 32, family_id=SESSION, refresh_secret=b"r" * 32)
NEW_KEYS = ServerKeys(current=2, by_version={**KEYS.by_version, 2: b"n" * 32})


def order(payment: RedeemCode | Refresh, *, with_refresh_token: bool, audience: Resource | None = None) -> Issuance:
    """An order for tokens of an hour."""
    return Issuance(
        payment=payment,
        origin=origin(),
        family_scopes=("a", "b"),
        family_resources=(),
        access_expires_at=NOW + timedelta(hours=1),
        with_refresh_token=with_refresh_token,
        client_id="web",
        subject="u-1",
        authentication=Authentication(auth_time=NOW),
        audience=audience,
    )


def first(*, with_refresh_token: bool = True) -> Issuance:
    """An order that a code pays for."""
    payment = RedeemCode(
        grant_id=CODE,
        authentication=Authentication(auth_time=NOW),
        nonce=None,
        idle_expires_at=None,
        family_expires_at=NOW + timedelta(days=1),
    )
    return order(payment, with_refresh_token=with_refresh_token)


def later(mode: RefreshMode) -> Issuance:
    """An order that generation 0 of a family pays for."""
    payment = Refresh(
        family=family(generation=1 if mode == "repeat" else 0, key_since=((1, 0),)),
        presented_generation=0,
        presented_secret=SECRET,
        mode=mode,
        idle_expires_at=NOW + timedelta(days=1),
    )
    return order(payment, with_refresh_token=mode != "keep")


@pytest.mark.spec("standards", "G5")
@pytest.mark.spec("standards", "RTK-1")
def test_a_code_buys_fresh_tokens_and_the_database_keeps_their_digests() -> None:
    minted = mint(first(), KEYS, FRESH, SIGNING)
    assert parse_credential(Prefix.ACCESS_TOKEN, minted.access_token) == Credential(TOKEN, b"a" * 32)
    assert parse_credential(Prefix.REFRESH_TOKEN, minted.refresh_token or "") == Credential(SESSION, b"r" * 32, 0)
    assert minted.access_digest == digest(b"a" * 32)
    assert minted.refresh_digest == digest(b"r" * 32)
    assert (minted.family_id, minted.key_version) == (SESSION, 1)


def test_without_a_refresh_token_the_family_has_nothing_to_be_refreshed_with() -> None:
    minted = mint(first(with_refresh_token=False), KEYS, FRESH, SIGNING)
    assert (minted.refresh_token, minted.refresh_digest, minted.family_id) == (None, None, SESSION)


def test_a_rotation_uses_the_current_server_key() -> None:
    minted = mint(later("rotate"), NEW_KEYS, FRESH, SIGNING)
    expected = Credential(FAMILY, successor(NEW_KEYS.by_version[2], FAMILY, 1, SECRET), 1)
    assert parse_credential(Prefix.REFRESH_TOKEN, minted.refresh_token or "") == expected
    assert (minted.family_id, minted.key_version) == (FAMILY, 2)


def test_a_repeat_uses_the_server_key_of_the_rotation_that_it_repeats() -> None:
    rotated = mint(later("rotate"), KEYS, FRESH, SIGNING)
    repeated = mint(later("repeat"), NEW_KEYS, replace(FRESH, refresh_secret=b"z" * 32), SIGNING)
    assert repeated.refresh_token == rotated.refresh_token
    assert repeated.key_version == 1


def test_an_application_that_does_not_rotate_gets_an_access_token_alone() -> None:
    minted = mint(later("keep"), KEYS, FRESH, SIGNING)
    assert (minted.refresh_token, minted.refresh_digest, minted.family_id) == (None, None, FAMILY)
    assert parse_credential(Prefix.ACCESS_TOKEN, minted.access_token) == Credential(TOKEN, b"a" * 32)


def test_what_was_minted_does_not_print_its_tokens() -> None:
    minted = mint(first(), KEYS, FRESH, SIGNING)
    assert minted.access_token not in repr(minted)
    assert str(minted.refresh_token) not in repr(minted)
    assert "aaaa" not in repr(FRESH)


@pytest.mark.spec("standards", "AT-4")
def test_an_applications_own_jwt_names_the_application_and_has_no_digest() -> None:
    ledger = Resource("https://ledger.example", token_format="jwt")
    own = MachineOrigin(APPLICATION, 0, ("a",), (ledger.identifier,))
    order = MachineIssuance(own, NOW + timedelta(minutes=15), "web", audience=ledger)
    minted = mint_for_machine(order, TOKEN, b"a" * 32, SIGNING)
    assert "'sub': 'web', 'client_id': 'web'" in minted.access_token
    assert minted.access_digest is None
    opaque = mint_for_machine(replace(order, audience=None), TOKEN, b"a" * 32, SIGNING)
    assert parse_credential(Prefix.ACCESS_TOKEN, opaque.access_token) == Credential(TOKEN, b"a" * 32)


@pytest.mark.spec("standards", "ID-4")
@pytest.mark.spec("standards", "AC-10")
def test_an_id_token_vouches_for_the_access_token_that_it_comes_with() -> None:
    content = IdTokenContent("https://id.example", "web", "u-1", NOW, NOW, Authentication(auth_time=NOW))
    minted = mint(replace(first(), id_token=IdTokenOrder(content, "ES256")), KEYS, FRESH, SIGNING)
    assert minted.id_token is not None
    assert minted.id_token.startswith("ES256.JWT.")
    assert f"'at_hash': '{half_hash(minted.access_token, 'ES256')}'" in minted.id_token
    assert mint(first(), KEYS, FRESH, SIGNING).id_token is None
