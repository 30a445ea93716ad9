"""The ring of a worker: signs with today's key, learns of changes, and says so when it cannot sign."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from app.crypto import jose
from app.crypto.envelope import Purpose, Vault, open_vault
from app.pipeline import keyring
from app.pipeline.keyring import Keyring
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.tokens.keyring import RingKey, SigningPlan
from app.store.database import StoreUnavailable
from app.store.signing_keys import StoredKey
from tests.support.site import VAULT

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
PLAN = SigningPlan(algorithms=("ES256", "EdDSA"))


class Shelf:
    """Stored keys, and how often they were read."""

    def __init__(self) -> None:
        self.keys: list[StoredKey] = []
        self.read = 0

    async def __call__(self) -> tuple[StoredKey, ...]:
        self.read += 1
        return tuple(self.keys)

    def add(self, alg: str = "ES256", *, begins: timedelta = 0 * DAY, vault: Vault = VAULT) -> str:
        """Put a new key there and return its id."""
        jwk = jose.generate(alg)
        sealed = vault.seal(Purpose.SIGNING_KEY, orjson.dumps(jwk), jwk["kid"].encode())
        key = RingKey(jwk["kid"], alg, jose.public_part(jwk), NOW, NOW + begins)
        self.keys.append(StoredKey(key, sealed))
        return key.kid


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def ring(shelf: Shelf) -> Keyring:
    return Keyring(shelf, VAULT, PLAN)


@pytest.mark.spec("standards", "JW-3")
async def test_it_signs_with_the_key_of_the_moment(shelf: Shelf, ring: Keyring) -> None:
    today, tomorrow = shelf.add(), shelf.add(begins=DAY)
    await ring.refresh()

    for moment, kid in ((NOW, today), (NOW + DAY, tomorrow)):
        jwt = jose.verify(ring.sign(moment, "ES256", "at+jwt", {"a": 1}), ring.ring.public_keys(NOW), ["ES256"])
        assert (jwt.kid, jwt.typ) == (kid, "at+jwt")


async def test_the_first_algorithm_is_the_own_choice(shelf: Shelf, ring: Keyring) -> None:
    shelf.add("EdDSA")
    own = shelf.add("ES256")
    await ring.refresh()

    assert jose.peek(ring.sign(NOW, "", "at+jwt", {})).kid == own


@pytest.mark.parametrize("alg", ["RS256", "none", "HS256"])
async def test_without_a_key_it_asks_for_patience(shelf: Shelf, ring: Keyring, alg: str) -> None:
    shelf.add()
    await ring.refresh()

    with pytest.raises(OAuthError) as refused:
        ring.sign(NOW, alg, "at+jwt", {})
    assert refused.value.code is ErrorCode.TEMPORARILY_UNAVAILABLE


async def test_an_announced_algorithm_is_not_the_own_choice_yet(shelf: Shelf, ring: Keyring) -> None:
    shelf.add("ES256", begins=DAY)
    own = shelf.add("EdDSA")
    await ring.refresh()

    assert jose.peek(ring.sign(NOW, "", "at+jwt", {})).kid == own


async def test_a_key_under_another_root_secret_is_told_to_the_operator_alone(shelf: Shelf, ring: Keyring) -> None:
    kid = shelf.add(vault=open_vault(b"quite another root secret, 32 bytes"))
    await ring.refresh()

    with pytest.raises(OAuthError) as refused:
        ring.sign(NOW, "ES256", "at+jwt", {})
    assert kid in refused.value.detail
    assert kid not in refused.value.description


async def test_an_unknown_key_is_looked_for_once_in_a_while(
    shelf: Shelf, ring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = shelf.add()
    await ring.refresh()
    new = shelf.add()

    assert known in {key.kid for key in (await ring.knowing(known)).keys}
    assert shelf.read == 1
    assert new in {key.kid for key in (await ring.knowing(new)).keys}
    for _ in range(50):
        await ring.knowing("nobody's")
    assert shelf.read == 2

    monkeypatch.setattr(keyring, "AGAIN_SECONDS", 0.0)
    await ring.knowing("nobody's")
    assert shelf.read == 3


async def test_a_retired_key_is_gone_with_the_next_look(shelf: Shelf, ring: Keyring) -> None:
    shelf.add()
    await ring.refresh()
    ring.sign(NOW, "ES256", "at+jwt", {})
    assert len(orjson.loads(ring.published(NOW).body)["keys"]) == 1

    shelf.keys.clear()
    await ring.refresh()

    with pytest.raises(OAuthError):
        ring.sign(NOW, "ES256", "at+jwt", {})
    assert orjson.loads(ring.published(NOW).body) == {"keys": []}


@pytest.mark.spec("standards", "JW-2")
async def test_only_public_members_are_published(shelf: Shelf, ring: Keyring) -> None:
    """Even if a private half came into the wrong column."""
    for alg in ("ES256", "EdDSA", "RS256"):
        jwk = jose.generate(alg)
        shelf.keys.append(StoredKey(RingKey(jwk["kid"], alg, jwk, NOW, NOW), b""))
    await ring.refresh()

    keys = orjson.loads(ring.published(NOW).body)["keys"]

    assert len(keys) == len({key["kid"] for key in keys}) == 3
    for key in keys:
        assert not key.keys() & {"d", "p", "q", "dp", "dq", "qi", "k", "oth"}
        assert key["use"] == "sig"


async def test_the_list_is_the_same_bytes_for_as_long_as_it_says_the_same(shelf: Shelf, ring: Keyring) -> None:
    shelf.add()
    await ring.refresh()
    first = ring.published(NOW)
    await ring.refresh()
    assert ring.published(NOW + DAY) is first

    shelf.add(begins=DAY)
    await ring.refresh()
    assert ring.published(NOW).etag != first.etag


@pytest.mark.spec("standards", "JW-1")
async def test_a_list_that_could_not_be_read_for_long_is_not_to_be_kept(
    shelf: Shelf, ring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.add()
    await ring.refresh()
    assert ring.cache_seconds() == 12 * 3600
    started = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: started + 6 * 3600 + 60)
    assert ring.cache_seconds() == 0
    await ring.refresh()
    assert ring.cache_seconds() == 12 * 3600


async def test_a_database_that_is_away_changes_nothing(shelf: Shelf, ring: Keyring) -> None:
    """`run` goes on after it."""
    shelf.add()
    await ring.refresh()
    looked = asyncio.Event()

    async def away() -> tuple[StoredKey, ...]:
        if shelf.read == 1:
            shelf.read += 1
            raise StoreUnavailable("away")
        looked.set()
        return tuple(shelf.keys)

    ring.read = away
    running = asyncio.create_task(ring.run(every=0.001))
    async with asyncio.timeout(60):
        await looked.wait()
    running.cancel()
    assert ring.sign(NOW, "ES256", "at+jwt", {})
