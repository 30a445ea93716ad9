"""Goals, the table, and the same figures for machines."""

import os
import platform
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeVar

from bench.meter import Cost, Unit
from bench.run import Ceiling, Cell, Footprint, Sample
from bench.stock import Kind

T = TypeVar("T")

PRODUCT = "assent"
PEER = "node-oidc-provider"
FLOORS = "floors"

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound that a measured value has to keep."""

    name: str
    value: float
    bound: float
    sense: Literal["≤", "≥"]
    unit: str
    detail: str

    @property
    def kept(self) -> bool:
        """Whether the value is on the right side of the bound."""
        return self.value <= self.bound if self.sense == "≤" else self.value >= self.bound


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that a run found. `skipped` says what is missing and why."""

    cells: Sequence[Cell]
    footprints: Mapping[str, Footprint]
    ceiling: Ceiling
    unit: Unit
    seconds: float
    versions: Mapping[str, str]
    settings: Mapping[str, int]
    skipped: Sequence[str]


_FLOOR_GOALS: tuple[tuple[Kind, Kind, float], ...] = (
    ("introspect", "F1", 1.0),
    ("userinfo", "F1", 1.0),
    ("exchange", "FX", 1.4),
    ("exchange_openid", "FXJ", 1.4),
    ("refresh", "FX", 1.4),
    ("machine", "FI", 1.35),
    ("machine_jwt", "FJ", 1.3),
)
_PEER_GOALS: dict[Kind, float] = {
    **dict.fromkeys(("introspect", "exchange", "exchange_openid", "refresh"), 1.5),
    **dict.fromkeys(("machine", "machine_jwt", "userinfo"), 1.0),
}
_MEMORY_GOAL = 100.0
_START_GOAL = 1.0


def goals(results: Results) -> list[Goal]:
    """Return every goal whose both sides were measured.

    Against the floors one worker of the product is compared with one of theirs; against the peer each side has its
    cheapest number of processes.
    """
    found = [*_against_floors(results), *_against_peer(results)]
    for label, used in results.footprints.items():
        if label.startswith(f"{PRODUCT} "):
            found.append(Goal(f"memory, {label}", used.peak_rss / _MIB, _MEMORY_GOAL, "≤", "MiB", _memory_detail(used)))
            found.append(Goal(f"start, {label}", used.start_seconds, _START_GOAL, "≤", "s", "to the first answer"))
    return found


def _memory_detail(used: Footprint) -> str:
    return f"largest process: peak resident set; PSS now {used.pss / _MIB:.0f} MiB"


def _against_floors(results: Results) -> Iterator[Goal]:
    for kind, floor, bound in _FLOOR_GOALS:
        ours, theirs = _cell(results, PRODUCT, kind, 1), _cell(results, FLOORS, floor, 1)
        if ours and theirs:
            yield Goal(f"{kind} / {floor}", _ratio(ours, theirs, results), bound, "≤", "x", "one worker each")


def _against_peer(results: Results) -> Iterator[Goal]:
    for kind, bound in _PEER_GOALS.items():
        ours, theirs = _cheapest(results, PRODUCT, kind), _cheapest(results, PEER, kind)
        if ours and theirs:
            detail = f"CPU, {ours.target.label} and {theirs.target.label}"
            yield Goal(f"{PEER} / {kind}", _cpu_ratio(theirs, ours), bound, "≥", "x", detail)


def render(results: Results) -> str:
    """Return the table for people."""
    return "\n".join([*_heading(results), "", *_cell_lines(results), "", *_goal_lines(results)])


def as_json(results: Results) -> dict[str, Any]:
    """Return the same and every single round."""
    return {
        "machine": {"system": platform.platform(), "processor": _processor(), "cores": os.cpu_count()},
        "versions": dict(results.versions),
        "settings": dict(results.settings),
        "seconds": round(results.seconds, 1),
        "unit": results.unit,
        "ceiling": asdict(results.ceiling),
        "cells": [
            {
                "target": cell.target.name,
                "processes": cell.target.processes,
                "kind": cell.kind,
                "rounds": [asdict(sample) for sample in cell.samples],
            }
            for cell in results.cells
        ],
        "footprints": {label: asdict(footprint) for label, footprint in results.footprints.items()},
        "goals": [{**asdict(goal), "kept": goal.kept} for goal in goals(results)],
        "skipped": list(results.skipped),
    }


def _heading(results: Results) -> Iterator[str]:
    yield f"{_processor()}, {os.cpu_count()} cores; " + ", ".join(f"{n} {v}" for n, v in results.versions.items())
    settings = ", ".join(f"{value} {name}" for name, value in results.settings.items())
    rounds = min(len(cell.samples) for cell in results.cells)
    yield f"{settings}, {rounds} rounds, medians; {results.seconds:.0f} s in all"
    busiest = max(sample.busy for cell in results.cells for sample in cell.samples)
    yield (
        f"load generator: {results.ceiling.socket:,.0f} requests/s against a socket that only answers, "
        f"{results.ceiling.asgi:,.0f} against bare ASGI; at most {busiest:.0%} of a core while measuring"
    )
    kind = "thousand instructions (kI)" if results.unit == "kI" else "user and system time (µs); no counters here"
    yield f"cost of a request: {kind}, of the server's processes and its PostgreSQL backends"
    yield from (f"skipped: {reason}" for reason in results.skipped)


def _cell_lines(results: Results) -> Iterator[str]:
    unit = results.unit
    yield (
        f"{'request':<16}{'server':<24}{'server ' + unit:>10}{'PG ' + unit:>9}{'both':>8}"
        f"{'requests/s':>13}{'p50 ms':>9}{'p99 ms':>9}{'peak MiB':>10}{'start s':>9}"
    )
    for cell in results.cells:
        cost = [_cost(sample, results) for sample in cell.samples]
        footprint = results.footprints[cell.target.label]
        yield (
            f"{cell.kind:<16}{cell.target.label:<24}"
            f"{_median(cost, lambda c: c.server):>10.0f}{_median(cost, lambda c: c.database):>9.0f}"
            f"{_median(cost, lambda c: c.total):>8.0f}"
            f"{_median(cell.samples, lambda s: s.per_second):>13,.0f}"
            f"{_median(cell.samples, lambda s: s.p50):>9.2f}{_median(cell.samples, lambda s: s.p99):>9.2f}"
            f"{footprint.peak_rss / _MIB:>10.0f}{footprint.start_seconds:>9.2f}"
        )


def _goal_lines(results: Results) -> Iterator[str]:
    yield f"{'goal':<40}{'measured':>12}{'bound':>14}   {'':<6}"
    for goal in goals(results):
        measured, bound = f"{goal.value:.2f} {goal.unit}", f"{goal.sense} {goal.bound:g} {goal.unit}"
        yield f"{goal.name:<40}{measured:>12}{bound:>14}   {'pass' if goal.kept else 'FAIL':<6}{goal.detail}"


def _cell(results: Results, name: str, kind: Kind, processes: int) -> Cell | None:
    for cell in results.cells:
        if (cell.target.name, cell.kind, cell.target.processes) == (name, kind, processes):
            return cell
    return None


def _cheapest(results: Results, name: str, kind: Kind) -> Cell | None:
    found = [cell for cell in results.cells if (cell.target.name, cell.kind) == (name, kind)]
    return min(found, key=lambda cell: _median(cell.samples, lambda s: s.cpu.total), default=None)


def _ratio(above: Cell, below: Cell, results: Results) -> float:
    """Return the median of the rounds' ratios: what was measured together is compared."""
    pairs = zip(above.samples, below.samples, strict=True)
    return statistics.median(_cost(a, results).total / _cost(b, results).total for a, b in pairs)


def _cpu_ratio(above: Cell, below: Cell) -> float:
    pairs = zip(above.samples, below.samples, strict=True)
    return statistics.median(a.cpu.total / b.cpu.total for a, b in pairs)


def _cost(sample: Sample, results: Results) -> Cost:
    if results.unit == "kI" and sample.instructions is not None:
        return sample.instructions
    return sample.cpu


def _median(values: Sequence[T], of: Callable[[T], float]) -> float:
    return statistics.median(map(of, values))


def _processor() -> str:
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()
