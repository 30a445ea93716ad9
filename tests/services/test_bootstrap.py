"""The root secret: made once, recognised ever after, and refused in words when it is not what it was."""

import os
import stat
from pathlib import Path

import pytest
from sqlalchemy import delete, select
from sqlmodel import col

from app.models.server_meta import ServerMeta
from app.services.bootstrap import SECRET_FILE, SecretRefused, check_value, read_secret, server_keys, settle_secret
from app.store.database import Database

GIVEN = "a-secret-that-somebody-configured-0123456789"


@pytest.fixture
async def fresh(database: Database) -> Database:
    """A database that knows no secret yet."""
    async with database.transaction() as transaction:
        await transaction.execute(delete(ServerMeta).where(col(ServerMeta.key).startswith("root_secret.")))
    return database


async def test_the_first_start_makes_a_secret_that_only_we_may_read(fresh: Database, tmp_path: Path) -> None:
    root = await settle_secret(fresh, read_secret(None, tmp_path), tmp_path)

    file = tmp_path / SECRET_FILE
    assert file.read_text().strip().encode() == root
    assert len(root) >= 43
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == [SECRET_FILE]


async def test_later_starts_find_the_same_secret(fresh: Database, tmp_path: Path) -> None:
    first = await settle_secret(fresh, read_secret(None, tmp_path), tmp_path)

    assert await settle_secret(fresh, read_secret(None, tmp_path), tmp_path) == first


async def test_a_lost_secret_is_refused_and_no_other_is_put_in_its_place(fresh: Database, tmp_path: Path) -> None:
    await settle_secret(fresh, None, tmp_path)
    (tmp_path / SECRET_FILE).unlink()

    with pytest.raises(SecretRefused, match="is gone"):
        await settle_secret(fresh, read_secret(None, tmp_path), tmp_path)
    assert not (tmp_path / SECRET_FILE).exists()


async def test_a_changed_secret_is_refused(fresh: Database) -> None:
    await settle_secret(fresh, read_secret(GIVEN, None), None)

    with pytest.raises(SecretRefused, match="not the one that this database was begun with"):
        await settle_secret(fresh, f"{GIVEN}!", None)


async def test_a_configured_secret_wins_over_the_file(fresh: Database, tmp_path: Path) -> None:
    (tmp_path / SECRET_FILE).write_text("another-secret-in-the-data-directory-0123456789\n")

    assert await settle_secret(fresh, read_secret(GIVEN, tmp_path), tmp_path) == GIVEN.encode()


async def test_the_database_knows_only_a_check_value(fresh: Database) -> None:
    root = await settle_secret(fresh, GIVEN, None)

    async with fresh.transaction() as transaction:
        values = set(await transaction.scalars(select(col(ServerMeta.value))))
    assert check_value(root) in values
    assert not [value for value in values if GIVEN in value]
    assert server_keys(root).by_version[1].hex() not in values


@pytest.mark.parametrize("content", ["", "short\n", "\xff"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / SECRET_FILE).write_text(content, "latin-1")

    with pytest.raises(SecretRefused, match="restore it from your backup"):
        read_secret(None, tmp_path)


def test_without_a_data_directory_the_secret_must_be_configured() -> None:
    with pytest.raises(SecretRefused, match="ASSENT_SECRET_KEY is required"):
        read_secret(None, None)


def test_keys_differ_by_secret_and_never_show_in_a_repr() -> None:
    keys = server_keys(b"one" * 16)

    assert keys.by_version[keys.current] != server_keys(b"two" * 16).by_version[1]
    assert keys.by_version[keys.current].hex() not in repr(keys)
    assert str(keys.by_version[keys.current]) not in repr(keys)
