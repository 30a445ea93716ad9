"""The run: every cell in turn, round after round, so that what compares was measured side by side."""

import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from bench.floors_target import floors_server
from bench.load import Generator, LoadError, Work
from bench.meter import Cost, measure, peak_memory, proportional_memory
from bench.postgres import Postgres
from bench.stock import Client, FloorKind, Kind, ProductKind
from bench.target import ServerProcess, Target, free_port

FLOOR_KINDS: tuple[Kind, ...] = get_args(FloorKind)
PRODUCT_KINDS: tuple[Kind, ...] = get_args(ProductKind)
STARTS = 3
ENOUGH_ROUNDS = 3
"""Medians of fewer rounds say nothing; after these, the time limit may end the run."""

# What is compared stands together: FI with machine, FJ with its JWTs, F1 with introspect and userinfo, FX with exchange
# and refresh, FXJ with the exchange that signs somebody in.
_ORDER: tuple[Kind, ...] = (
    *("F0", "machine", "FI", "FJ", "machine_jwt", "revoke"),
    *("userinfo", "F1", "introspect", "exchange_openid", "FXJ", "exchange", "FX", "refresh"),
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One round of one cell, per request: CPU in microseconds, instructions in thousands, latencies in milliseconds."""

    cpu: Cost
    instructions: Cost | None
    per_second: float
    p50: float
    p99: float
    busy: float


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of request to one target, with its rounds."""

    target: Target
    kind: Kind
    samples: list[Sample] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Footprint:
    """Seconds until the first answer (median), and the largest process: peak resident set and PSS, in bytes."""

    start_seconds: float
    peak_rss: int
    pss: int


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Requests per second of the generator against a socket that only answers, and against bare ASGI."""

    socket: float
    asgi: float


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to do: requests per cell and round, and the moment (`time.monotonic`) by which the rounds are over."""

    rounds: int
    requests: int
    event: str | None
    deadline: float

    @property
    def passes(self) -> int:
        """The rounds and the one before them, which only warms up."""
        return self.rounds + 1


def measure_ceiling(generator: Generator, logs: Path, requests: int) -> Ceiling:
    """Measure what the generator can do; the best of three, as it is a bound."""
    work = Work(b'"active":true', (Client("nobody", "nothing").post("/", token="x" * 64),) * requests)

    def best(server: ServerProcess) -> float:
        server.start()
        try:
            return max(generator.run(server.port, work).per_second for _ in range(3))
        finally:
            server.stop()

    port = free_port()
    command = [sys.executable, "-m", "bench.responder", str(port)]
    responder = ServerProcess(command, port, log=logs / "responder.log", environment=os.environ)
    return Ceiling(best(responder), best(floors_server({}, logs / "bare.log")))


def start_all(targets: Sequence[Target]) -> dict[str, float]:
    """Start every target, a few times, and leave it running; return the median seconds by label."""
    taken: dict[str, float] = {}
    for target in targets:
        seconds = [target.server.start()]
        while len(seconds) < STARTS:
            target.server.stop()
            seconds.append(target.server.start())
        taken[target.label] = statistics.median(seconds)
    return taken


def measure_cells(
    targets: Sequence[Target],
    postgres: Postgres,
    generator: Generator,
    plan: Plan,
    progress: Callable[[str], None],
) -> list[Cell]:
    """Warm every cell up, then measure all of them in each round; every other round runs backwards against drift."""
    cells = _cells(targets)
    seconds = 0.0
    for number in range(plan.passes):
        began = time.monotonic()
        if number > ENOUGH_ROUNDS and began + seconds > plan.deadline:
            progress(f"no time for more than {number - 1} rounds")
            break
        for cell in reversed(cells) if number % 2 else cells:
            sample = _sample(cell, postgres, generator, plan)
            if number > 0:
                cell.samples.append(sample)
        seconds = time.monotonic() - began
        progress(f"{f'round {number}' if number else 'warm-up'} took {seconds:.0f} s")
    return cells


def footprint(target: Target, start_seconds: float) -> Footprint:
    """Return what the target's largest process took, now that the work is done."""
    pids = target.server.pids()
    return Footprint(start_seconds, max(map(peak_memory, pids)), max(map(proportional_memory, pids)))


def _cells(targets: Sequence[Target]) -> list[Cell]:
    def kinds(target: Target) -> tuple[Kind, ...]:
        return FLOOR_KINDS if target.name == "floors" else PRODUCT_KINDS

    return [Cell(target, kind) for kind in _ORDER for target in targets if kind in kinds(target)]


def _sample(cell: Cell, postgres: Postgres, generator: Generator, plan: Plan) -> Sample:
    target = cell.target
    work = target.work(cell.kind, plan.requests)
    try:
        with measure(target.server.pids(), postgres.backends(target.database), plan.event) as measured:
            load = generator.run(target.server.port, work)
    except LoadError as error:
        raise LoadError(f"{target.label}, {cell.kind}: {error}\n{target.server.log_tail()}") from None
    instructions = measured.instructions
    return Sample(
        cpu=measured.cpu.scaled(1e6 / load.requests),
        instructions=instructions.scaled(1e-3 / load.requests) if instructions else None,
        per_second=load.per_second,
        p50=load.p50,
        p99=load.p99,
        busy=load.busy,
    )
