"""The statements that device codes and requests to people elsewhere have in common: each table has its own of them."""

from collections.abc import Callable
from dataclasses import dataclass

from app.protocol.grant_management import GrantAction
from app.store.gather_sql import held
from app.store.hot_connection import Statement
from app.store.polled_rows import POLLED
from app.store.settle_sql import audit, proved, redemption

# ruff: noqa: S608 -- put together from constants; every value is a parameter


@dataclass(frozen=True, slots=True)
class PolledStatements:
    """How such grants of one table are asked for, decided and redeemed; `approve` goes into the implicit record,
    `approve_into` where Grant Management says."""

    gather: tuple[Statement, Statement]
    approve: Statement
    approve_into: Callable[[GrantAction], Statement]
    deny: Statement
    note_poll: Statement
    slow_down: Statement
    settle: tuple[Statement, Statement]


def gather(name: str, table: str) -> tuple[Statement, Statement]:
    """Return what reads a grant with the client that asks, and without."""
    return held(name, POLLED, table)


def deny(name: str, table: str, decided: str, condition: str = "") -> Statement:
    """Return what denies a grant that waits: $1 grant, $2 now, $3 person, $4-$14 the audit row."""
    return Statement(
        name,
        f"""
with d as (
    update {table} set status = 'denied', {decided}
    where id = $1 and status = 'pending' and expires_at > $2{condition}
    returning id),
l as ({audit(4, "d")})
select id from d""",
    )


def note_poll(name: str, table: str) -> Statement:
    """Return what notes that a client asked: $1 grant, $2 now, $3 when it had asked last."""
    return Statement(
        name,
        f"""
update {table} set polled_at = $2 where id = $1 and status = 'pending' and polled_at is not distinct from $3
returning id""",
    )


def slow_down(name: str, table: str) -> Statement:
    """Return what lets a client wait longer: $1 grant, $2 now, $3 seconds."""
    return Statement(
        name,
        f"""
update {table} set polled_at = greatest(polled_at, $2), poll_seconds = poll_seconds + $3
where id = $1 and status = 'pending'
returning id""",
    )


def settle(name: str, table: str) -> tuple[Statement, Statement]:
    """Return what consumes a grant and begins its family, without a proof and with one."""
    paid = f"{table} set status = 'used', used_at = $2, family_id = $3 where id = $1 and status = 'approved'"
    asked = "null::text nonce, null::text claims"
    return redemption(name, paid, asked=asked), redemption(f"{name}.proved", paid, *proved(29), asked=asked)
