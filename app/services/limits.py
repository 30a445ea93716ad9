"""How many tries a person and an address have (architecture §6 Limits, NIST SP 800-63B-4 §3.2.2, standards PW-8).

Only failures count, and new accounts; no request sleeps, and a try is counted before the password is looked at and
forgiven afterwards: however many come at once, none is judged beyond the limit.

An account is known here by the name that was typed, as a keyed hash. So a name that belongs to nobody is slowed down
exactly like one that does, username and email address of one person do not betray each other, and whoever reads the
table learns no names.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from app.crypto.hashing import digest, keyed
from app.protocol.addresses import network_of
from app.protocol.configuration import AskingLimits, RegistrationLimits, SignInLimits
from app.store import failures
from app.store.database import Database
from app.store.failures import WaitRule
from app.store.transaction import Transaction

AT_ONCE = 64
"""Tries of one account that may be judged at once before its first wait: a person on many devices, or a test, signs in
in parallel, and a guesser stays below the 100 failures of NIST SP 800-63B-4 §3.2.2."""

WRONG_USER_CODES = 5
WRONG_USER_CODES_OF_ADDRESS = 20
"""Wrong user codes of an account, and of an address, within the life of a code: see `admit_user_code`."""

_LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Keys:
    """Under which keys one try is counted; `address` is None where the address is not known (a unix socket)."""

    account: bytes = field(repr=False)
    address: bytes | None = field(repr=False)


def keys_of(key: bytes, *, name: str, address: str) -> Keys:
    """Return the counters' keys for a folded login name and a client address; IPv6 counts by its /64 network."""
    network = network_of(address)
    return Keys(
        account=keyed(key, b"login/account/", name.encode("utf-8", "surrogatepass")),
        address=keyed(key, b"login/address/", network.encode("ascii")) if network else None,
    )


async def admit(database: Database, keys: Keys, now: datetime, limits: SignInLimits) -> datetime | None:
    """Count the try under both keys and return None; or count nothing and return until when it has to wait."""
    async with database.transaction() as transaction:
        if keys.address is not None:
            full_until = await failures.count_in_window(
                transaction, keys.address, now, limit=limits.address_failures, window=limits.address_window
            )
            if full_until is not None:
                return full_until
        waits_until = await failures.begin_try(transaction, keys.account, now, _wait_rule(limits))
        if waits_until is not None and keys.address is not None:
            await failures.forgive(transaction, keys.address)
        return waits_until


async def failed(transaction: Transaction, keys: Keys, now: datetime, limits: SignInLimits) -> datetime | None:
    """Note, in the caller's transaction, that an admitted try failed; return until when the account waits now."""
    return await failures.try_failed(transaction, keys.account, now, _wait_rule(limits))


async def admit_fetch(database: Database, clock: Callable[[], datetime], per_minute: int, host: str) -> bool:
    """Count a request of ours to a host; or count nothing and return False, after `per_minute` within a minute.

    All workers count together, so that what a stranger can make us send does not grow with their number.
    """
    key = digest(b"fetch/host/" + host.encode("ascii"))
    async with database.transaction() as transaction:
        full_until = await failures.count_in_window(
            transaction, key, clock(), limit=per_minute, window=timedelta(minutes=1)
        )
    return full_until is None


async def admit_registration(
    database: Database, key: bytes, address: str, now: datetime, limits: RegistrationLimits
) -> datetime | None:
    """Count a registration from an address; or count nothing and return until when to wait.

    Every one counts, also one that is refused because its name is taken: so names cannot be tried in any number. An
    address that is not known (a unix socket) has no limit.
    """
    network = network_of(address)
    if not network:
        return None
    counted = keyed(key, b"registration/address/", network.encode("ascii"))
    async with database.transaction() as transaction:
        return await failures.count_in_window(
            transaction, counted, now, limit=limits.address_registrations, window=limits.window
        )


def user_code_keys(key: bytes, *, user_id: UUID, address: str) -> Keys:
    """Return the counters' keys for a person who types user codes, and for his address."""
    network = network_of(address)
    return Keys(
        account=keyed(key, b"user-code/account/", user_id.bytes),
        address=keyed(key, b"user-code/address/", network.encode("ascii")) if network else None,
    )


async def admit_user_code(database: Database, keys: Keys, now: datetime, lifetime: timedelta) -> datetime | None:
    """Count a user code as wrong before it is looked up; or count nothing and return until when to wait.

    DV-5, RFC 8628 §5.1: who guesses must not hit a code that waits. From the fifth wrong one on, an account waits as
    long as a code lives, and longer after each further one. So within the life of a code it has 5 tries of 20^8, and
    hits a given one with a probability of 2^-32. Right ones do not clear the count: everybody can get himself a right
    one. An address has 40 tries in that time at most, whatever accounts it uses: 2^-29.
    """
    async with database.transaction() as transaction:
        if keys.address is not None:
            full_until = await failures.count_in_window(
                transaction, keys.address, now, limit=WRONG_USER_CODES_OF_ADDRESS, window=lifetime
            )
            if full_until is not None:
                return full_until
        rule = WaitRule(WRONG_USER_CODES, lifetime, max(lifetime, _LONGEST_WAIT), at_once=WRONG_USER_CODES)
        waits_until = await failures.begin_try(transaction, keys.account, now, rule)
        if waits_until is not None and keys.address is not None:
            await failures.forgive(transaction, keys.address)
        return waits_until


async def user_code_was_right(database: Database, keys: Keys) -> None:
    """Take back what `admit_user_code` has counted: only failures count."""
    async with database.transaction() as transaction:
        if keys.address is not None:
            await failures.forgive(transaction, keys.address)
        await failures.take_back(transaction, keys.account)


@dataclass(frozen=True, slots=True)
class AskingKeys:
    """Under which keys a request to a person elsewhere is counted: of the application, and of whichever; of the
    application again where it is `connected` to him."""

    application: bytes = field(repr=False)
    person: bytes = field(repr=False)
    connected: bool = False


@dataclass(frozen=True, slots=True)
class Counted:
    """A request to a person elsewhere that is counted `under` these keys, and whether he is to be asked: not if too
    many have asked him."""

    under: tuple[bytes, ...] = field(repr=False)
    reaches: bool


def asking_keys(
    key: bytes, *, application_id: UUID, name: str, person_id: UUID | None, connected: bool = False
) -> AskingKeys:
    """Return the counters' keys for an application that asks for whoever has this name.

    What the application hears of depends on the name alone, so that it learns neither whether anybody has that name nor
    which names are one person's. The other one is the person's, or nobody's. All strangers share it; an application to
    which he is `connected` has one of its own, or any stranger could keep it from him by asking often enough.
    """
    named = name.encode("utf-8", "surrogatepass")
    whom = named if person_id is None else person_id.bytes
    return AskingKeys(
        application=keyed(key, b"asking/application/", application_id.bytes + named),
        person=(
            keyed(key, b"asking/connected/", application_id.bytes + whom)
            if connected
            else keyed(key, b"asking/person/", whom)
        ),
        connected=connected,
    )


async def admit_asking(database: Database, keys: AskingKeys, now: datetime, limits: AskingLimits) -> datetime | Counted:
    """Count a request to a person before it is placed; or count nothing and return until when the application has to
    wait (CB-11, ASVS 6.6.4).

    What he approves is taken back by whoever writes that down: only what nobody wanted counts.
    """
    async with database.transaction() as transaction:
        full_until = await failures.count_in_window(
            transaction, keys.application, now, limit=limits.of_application, window=limits.window
        )
        if full_until is not None:
            return full_until
        reaches = await failures.is_counted(
            transaction,
            keys.person,
            now,
            limit=limits.of_application if keys.connected else limits.of_person,
            window=limits.window,
        )
    if not reaches:
        return Counted((keys.application,), reaches=False)
    return Counted((keys.application, keys.person), reaches=True)


def _wait_rule(limits: SignInLimits) -> WaitRule:
    """Return the rule for accounts, as the store counts by it."""
    at_once = max(AT_ONCE, limits.account_failures)
    return WaitRule(limits.account_failures, limits.first_wait, limits.longest_wait, at_once)
