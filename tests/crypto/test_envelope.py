"""Encryption at rest: each purpose and context opens its own, and the root can be followed by another."""

import pickle

import pytest

from app.crypto.envelope import Purpose, Vault, open_vault

ROOT, OTHER = b"the first root secret, 32 bytes!", b"another root secret of 32 bytes!"


@pytest.fixture
def vault() -> Vault:
    return open_vault(ROOT)


def test_what_was_sealed_is_opened_again_by_every_process_with_the_root(vault: Vault) -> None:
    sealed = vault.seal(Purpose.CLIENT_SECRET, b"secret", b"application")

    assert b"secret" not in sealed
    assert open_vault(ROOT).unseal(Purpose.CLIENT_SECRET, sealed, b"application") == b"secret"
    assert sealed != vault.seal(Purpose.CLIENT_SECRET, b"secret", b"application")


def test_it_opens_for_nothing_else(vault: Vault) -> None:
    sealed = vault.seal(Purpose.CLIENT_SECRET, b"secret", b"application")

    assert vault.unseal(Purpose.SIGNING_KEY, sealed, b"application") is None
    assert vault.unseal(Purpose.CLIENT_SECRET, sealed, b"another") is None
    assert open_vault(OTHER).unseal(Purpose.CLIENT_SECRET, sealed, b"application") is None


@pytest.mark.parametrize("broken", [b"", b"\1", b"\1short", b"\2" + b"x" * 60, b"\1" + b"x" * 60], ids=range(5))
def test_what_is_no_seal_opens_not_at_all(vault: Vault, broken: bytes) -> None:
    assert vault.unseal(Purpose.SIGNING_KEY, broken, b"") is None


def test_a_second_root_opens_what_the_first_sealed_and_seals_under_itself(vault: Vault) -> None:
    both = open_vault(ROOT, OTHER)
    old, new = (one.seal(Purpose.SIGNING_KEY, b"key", b"kid") for one in (vault, both))

    assert [both.unseal(Purpose.SIGNING_KEY, sealed, b"kid") for sealed in (old, new)] == [b"key", b"key"]
    assert vault.unseal(Purpose.SIGNING_KEY, new, b"kid") is None
    assert (old[0], new[0]) == (1, 2)


def test_a_worker_gets_neither_the_root_nor_anything_to_print(vault: Vault) -> None:
    assert ROOT not in pickle.dumps(vault)
    assert "keys" not in repr(vault)
    assert pickle.loads(pickle.dumps(vault)) == vault  # noqa: S301 -- as the parent hands it to its workers
