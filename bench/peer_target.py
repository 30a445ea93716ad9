"""node-oidc-provider on PostgreSQL: the peer that the product is compared with."""

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.postgres import Postgres
from bench.stock import RESOURCE, Client, Kind, Stock, Volume
from bench.target import ServerProcess, Target, free_port

HOME = Path(__file__).resolve().parent / "node"

_DATABASE = "bench_peer"
_PATHS: dict[Kind, str] = {
    "introspect": "/token/introspection",
    **dict.fromkeys(("exchange", "exchange_openid", "refresh", "machine", "machine_jwt"), "/token"),
    "userinfo": "/me",
    "revoke": "/token/revocation",
}
_SCOPE = "read write"
_OLDEST_NODE = 20


def missing() -> str | None:
    """Return what is missing for the peer to run, or None."""
    node = shutil.which("node")
    if node is None:
        return "Node is not installed"
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < _OLDEST_NODE:
        return f"Node {version} is older than {_OLDEST_NODE}"
    if not (HOME / "node_modules" / "oidc-provider").is_dir():
        return "its packages are not installed: npm ci --prefix bench/node"
    return None


def peers(postgres: Postgres, logs: Path, volume: Volume, connections: int, processes: Sequence[int]) -> list[Target]:
    """Make and fill the peer's database, return the peer with each number of processes."""
    dsn = postgres.make_database(_DATABASE)
    client = Client("peer", secrets.token_urlsafe(32))
    environment = {
        **os.environ,
        "NODE_ENV": "production",
        "BENCH_PEER_HOST": dsn.host,
        "BENCH_PEER_PORT": str(dsn.port),
        "BENCH_PEER_USER": dsn.user,
        "BENCH_PEER_PASSWORD": dsn.password,
        "BENCH_PEER_DATABASE": dsn.database,
        "BENCH_PEER_CLIENT": client.client_id,
        "BENCH_PEER_SECRET": client.secret,
        "BENCH_PEER_REDIRECT_URI": client.redirect_uri,
        "BENCH_PEER_RESOURCE": RESOURCE,
    }
    made = _prepare(volume, environment, logs / "peer-prepare.log")
    stock = Stock(
        client,
        _PATHS,
        tokens=made["tokens"],
        codes=made["codes"],
        refresh_tokens=made["refreshTokens"],
        revocable=made["revocable"],
        openid_codes=made["openidCodes"],
        openid_tokens=made["openidTokens"],
        scope=_SCOPE,
    )
    targets = []
    for number in processes:
        port = free_port()
        command = ["node", "server.mjs", str(port), str(number), str(connections)]
        server = ServerProcess(command, port, log=logs / f"peer-{number}.log", environment=environment, cwd=HOME)
        targets.append(Target("node-oidc-provider", number, server, _DATABASE, stock.work))
    return targets


def _prepare(volume: Volume, environment: Mapping[str, str], log: Path) -> dict[str, list[str]]:
    """Let the peer's own models fill the table; return the credentials by kind."""
    command = ["node", "prepare.mjs", *map(str, (volume.tokens, volume.codes, volume.families, volume.revocable))]
    with log.open("wb") as errors:
        prepared = subprocess.run(
            command, env=environment, cwd=HOME, stdout=subprocess.PIPE, stderr=errors, check=False
        )
    if prepared.returncode != 0:
        raise RuntimeError(f"the peer's database cannot be filled:\n{log.read_text('utf-8', 'replace')[-2000:]}")
    made: dict[str, list[str]] = json.loads(prepared.stdout)
    return made
