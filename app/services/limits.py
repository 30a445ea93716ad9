"""How many tries a person and an address have (architecture §6 Limits, NIST SP 800-63B-4 §3.2.2, standards PW-8).

Only failures count, no request sleeps, and a try is counted before the password is looked at and forgiven afterwards:
however many come at once, none is judged beyond the limit.

An account is known here by the name that was typed, as a keyed hash. So a name that belongs to nobody is slowed down
exactly like one that does, username and email address of one person do not betray each other, and whoever reads the
table learns no names.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address

from app.crypto.hashing import keyed
from app.protocol.configuration import SignInLimits
from app.store import failures
from app.store.database import Database
from app.store.failures import WaitRule
from app.store.transaction import Transaction

AT_ONCE = 64
"""Tries of one account that may be judged at once before its first wait: a person on many devices, or a test, signs in
in parallel, and a guesser stays below the 100 failures of NIST SP 800-63B-4 §3.2.2."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Under which keys one try is counted; `address` is None where the address is not known (a unix socket)."""

    account: bytes = field(repr=False)
    address: bytes | None = field(repr=False)


def keys_of(key: bytes, *, name: str, address: str) -> Keys:
    """Return the counters' keys for a folded login name and a client address; IPv6 counts by its /64 network."""
    network = _network(address)
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


def seconds_until(moment: datetime, now: datetime) -> int:
    """Return a `Retry-After`: whole seconds, rounded up, at least one."""
    return max(1, -int((now - moment) // timedelta(seconds=1)))


def _wait_rule(limits: SignInLimits) -> WaitRule:
    """Return the rule for accounts, as the store counts by it."""
    at_once = max(AT_ONCE, limits.account_failures)
    return WaitRule(limits.account_failures, limits.first_wait, limits.longest_wait, at_once)


def _network(address: str) -> str:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)
