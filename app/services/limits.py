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
from app.store import failures
from app.store.database import Database


@dataclass(frozen=True, slots=True)
class SignInLimits:
    """From the `account_failures`-th failure in a row the account waits, `first_wait` doubling up to `longest_wait`;
    an address waits after `address_failures` within `address_window`."""

    account_failures: int = 10
    first_wait: timedelta = timedelta(seconds=30)
    longest_wait: timedelta = timedelta(hours=1)
    address_failures: int = 300
    address_window: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Keys:
    """Under which keys one try is counted; `address` is None where the address is not known (a unix socket)."""

    account: bytes = field(repr=False)
    address: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether the try may be judged, and until when the account waits should it fail (or, refused, does already)."""

    admitted: bool
    wait_until: datetime | None


def keys_of(key: bytes, *, name: str, address: str) -> Keys:
    """Return the counters' keys for a folded login name and a client address; IPv6 counts by its /64 network."""
    network = _network(address)
    return Keys(
        account=keyed(key, b"login/account/", name.encode("utf-8", "surrogatepass")),
        address=keyed(key, b"login/address/", network.encode("ascii")) if network else None,
    )


async def admit(database: Database, keys: Keys, now: datetime, limits: SignInLimits) -> Admission:
    """Count the try as a failure of both counters, or of neither and refuse it."""
    async with database.transaction() as transaction:
        if keys.address is not None:
            full_until = await failures.count_in_window(
                transaction, keys.address, now, limit=limits.address_failures, window=limits.address_window
            )
            if full_until is not None:
                return Admission(admitted=False, wait_until=full_until)
        counted = await failures.count_in_a_row(
            transaction,
            keys.account,
            now,
            limit=limits.account_failures,
            first_wait=limits.first_wait,
            longest_wait=limits.longest_wait,
        )
        if not counted.admitted and keys.address is not None:
            await failures.forgive(transaction, keys.address)
        return Admission(counted.admitted, counted.wait_until)


def seconds_until(moment: datetime, now: datetime) -> int:
    """Return a `Retry-After`: whole seconds, rounded up, at least one."""
    return max(1, -int((now - moment) // timedelta(seconds=1)))


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
