"""`python -m bench`: measure the hot endpoints beside their floors and a peer, print one table, judge the goals."""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from app.store.embedded import EmbeddedError
from bench import assent_target, floors_target, peer_target, postgres, report, run
from bench.load import Generator, LoadError
from bench.meter import countable_event
from bench.stock import Volume
from bench.target import Target

CONNECTIONS = 16
PROCESS_COUNTS = (1, 2)
TIME_LIMIT = 270.0
"""Seconds by which the rounds are over; little follows, so that all is done within 5 minutes."""

_NAMES = (report.FLOORS, report.PRODUCT, "peer")


def main(arguments: list[str]) -> int:
    """Return 0 when every goal that could be measured is kept, 1 when not, 2 when nothing could be measured."""
    options = _parse(arguments)
    if not Path("/proc/self/schedstat").exists():
        print("CPU time is read from /proc: the benchmark runs on Linux only")
        return 2
    signal.signal(signal.SIGTERM, _interrupt)
    began = time.monotonic()
    try:
        results = _measure(options, began)
    except (EmbeddedError, LoadError, RuntimeError) as error:
        print(f"cannot measure: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    print(report.render(results), flush=True)
    if options.json:
        options.json.write_text(json.dumps(report.as_json(results), indent=2) + "\n", "utf-8")
    return 0 if all(goal.kept for goal in report.goals(results)) else 1


def _measure(options: argparse.Namespace, began: float) -> report.Results:
    plan = run.Plan(options.rounds, options.requests, countable_event(), began + TIME_LIMIT)
    skipped: list[str] = []
    with (
        tempfile.TemporaryDirectory(prefix="assent-bench-logs-") as directory,
        postgres.running() as database,
        Generator(CONNECTIONS) as generator,
    ):
        logs = Path(directory)
        _progress("measuring the load generator")
        ceiling = run.measure_ceiling(generator, logs, options.requests)
        _progress("filling the databases")
        targets = _targets(options, plan, database, logs, skipped)
        try:
            database.settle()
            starts = run.start_all(targets)
            cells = run.measure_cells(targets, database, generator, plan, _progress)
            footprints = {target.label: run.footprint(target, starts[target.label]) for target in targets}
        finally:
            for target in targets:
                target.server.stop()
        return report.Results(
            cells=cells,
            footprints=footprints,
            ceiling=ceiling,
            unit="kI" if plan.event else "µs",
            seconds=time.monotonic() - began,
            versions=_versions(database),
            settings={"connections": CONNECTIONS, "tokens": options.rows, "requests a cell": options.requests},
            skipped=skipped,
        )


def _targets(
    options: argparse.Namespace, plan: run.Plan, database: postgres.Postgres, logs: Path, skipped: list[str]
) -> list[Target]:
    """Prepare what `--only` asks for and what can run here."""
    per_target = plan.passes * plan.requests
    targets: list[Target] = []
    if report.FLOORS in options.only:
        targets.append(floors_target.floors(database, logs, Volume(options.rows, per_target, 0, 0), CONNECTIONS))
    shared = len(PROCESS_COUNTS) * per_target
    volume = Volume(options.rows, shared, shared, shared)
    if report.PRODUCT in options.only:
        targets += assent_target.servers(database, logs, volume, PROCESS_COUNTS)
    if "peer" in options.only:
        if reason := peer_target.missing():
            skipped.append(f"{report.PEER}: {reason}")
        else:
            targets += peer_target.peers(database, logs, volume, CONNECTIONS, PROCESS_COUNTS)
    if not targets:
        raise RuntimeError("; ".join(skipped))
    return targets


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 rounds of 1,000 requests: for a first impression")
    parser.add_argument("--rounds", type=int, help=f"at least {run.ENOUGH_ROUNDS} (default 5)")
    parser.add_argument("--requests", type=int, help="requests per cell and round (default 3,000)")
    parser.add_argument("--rows", type=int, help="access tokens in each product's table (default 100,000)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round and goal there")
    parser.add_argument("--only", nargs="+", choices=_NAMES, default=_NAMES, help="measure these alone")
    options = parser.parse_args(arguments)
    rounds, requests, rows = (3, 1_000, 20_000) if options.quick else (5, 3_000, 100_000)
    options.rounds = options.rounds or rounds
    options.requests = options.requests or requests
    options.rows = options.rows or rows
    if options.rounds < run.ENOUGH_ROUNDS:
        parser.error(f"--rounds: at least {run.ENOUGH_ROUNDS}, medians of fewer say nothing")
    return options


def _versions(database: postgres.Postgres) -> dict[str, str]:
    versions = {"Python": platform.python_version(), "PostgreSQL": database.version}
    if peer_target.missing() is None:
        node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
        versions["Node"] = node.stdout.strip().removeprefix("v")
    return versions


def _interrupt(_number: int, _frame: object) -> None:
    """End like Ctrl-C does: everything that was started is stopped."""
    raise KeyboardInterrupt


def _progress(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parent.parent)
    sys.exit(main(sys.argv[1:]))
