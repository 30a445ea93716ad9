"""A real server for a test: `assent serve` as a process of its own, on its own data directory and free ports."""

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from typer.testing import CliRunner, Result

from app.cli.commands import main
from tests.support import memory

PATIENCE = 60.0
ASSENT = Path(sysconfig.get_path("scripts")) / "assent"
_RUN = "TEST_RUN_DIRECTORY"
"""The variable that tells every process of a test run where to find what they share."""
_KEPT = pytest.StashKey[contextlib.ExitStack]()  # where the process that began the run finds it again


class NotStarted(Exception):
    """The server ended, or did not become ready; `str()` is what it said."""


@dataclass(slots=True)
class Server:
    """A running server. `directory` holds its data, `spoken` what it said; `ca_file` is None without TLS."""

    process: subprocess.Popen[bytes]
    directory: Path
    spoken: Path
    environment: dict[str, str] = field(repr=False)
    ca_file: Path | None
    issuer: str = ""

    @property
    def said(self) -> str:
        """Everything on standard output so far."""
        return (self.spoken / "stdout").read_text()

    @property
    def log(self) -> str:
        """Everything on standard error so far: the log, and sentences about what went wrong."""
        return (self.spoken / "stderr").read_text()

    @property
    def data_dir(self) -> Path:
        """Its data directory."""
        return self.directory / "data"

    def told(self, name: str) -> str:
        """Return a value of the banner, such as `Issuer` or `Demo user`."""
        found = re.search(rf"^  {re.escape(name)}\s{{2,}}(.+)$", self.said, re.MULTILINE)
        if found is None:
            raise LookupError(f"the banner has no {name}")
        return found[1]

    def client(self, **options: Any) -> httpx.Client:
        """Return an HTTP client for the server that trusts its certificate."""
        verify = ssl.create_default_context(cafile=str(self.ca_file)) if self.ca_file else True
        return httpx.Client(base_url=self.issuer, verify=verify, timeout=PATIENCE, **options)

    def assent(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run another `assent` command on the same data, as a guest of the running database."""
        return subprocess.run(
            [ASSENT, *arguments], env=self.environment, cwd=self.directory, capture_output=True, text=True, check=check
        )

    def assent_here(self, *arguments: str) -> Result:
        """Run another command in this process, for tests of what it does: `assent` would load the same code anew."""
        with contextlib.chdir(self.directory):
            return CliRunner().invoke(main, arguments, env=self.environment)

    def apply(self, document: Mapping[str, Any]) -> str:
        """Apply a data file to the running server and return what was printed."""
        file = self.directory / "data.json"
        file.write_text(json.dumps(document))
        return self.assent("apply", str(file)).stdout

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop the server and return its exit status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextlib.contextmanager
def directory_for_server(*, on_disk: bool = False) -> Iterator[Path]:
    """Yield a directory that the uid which runs PostgreSQL reaches, too; pytest's own are closed to others.

    It is in memory where there is room, unless a test measures what a disk makes of it.
    """
    directory = Path(tempfile.mkdtemp(prefix="assent-test-", dir=None if on_disk else memory.room()))
    directory.chmod(0o711)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def running_server(
    directory: Path,
    *,
    workers: int = 1,
    tls: bool = False,
    durable: bool = False,
    data: Mapping[str, Any] | None = None,
    settings: Mapping[str, str] | None = None,
    arguments: Sequence[str] = (),
    first_start: bool = False,
) -> Iterator[Server]:
    """Start a server in `directory`, yield it when it is ready, and end it whatever happens.

    `data` is applied at its start, `settings` are `ASSENT_*` variables without the prefix, `arguments` further flags.
    Where there is no data yet it gets a copy of what a first start has left; with `first_start` it has to begin itself.
    Raises NotStarted.
    """
    if not (first_start or (directory / "data").exists() or "DATABASE_URL" in (settings or {})):
        begin(directory)
    server = start(
        directory, workers=workers, tls=tls, durable=durable, data=data, settings=settings, arguments=arguments
    )
    try:
        await_ready(server)
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            server.process.send_signal(signal.SIGTERM)
        try:
            server.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            server.process.kill()
            server.process.wait()


def begin(directory: Path) -> None:
    """Put into a directory what a first start has left.

    The first process of a test run that wants it makes it, and all copy it: a first start takes longer than a later one
    and the copy together.
    """
    run = Path(os.environ[_RUN])
    with (run / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (run / "data").exists():
            with directory_for_server() as made:
                with running_server(made, first_start=True):
                    pass
                shutil.move(made / "data", run / "data")
    subprocess.run(["cp", "-a", "--reflink=auto", run / "data", directory], check=True)


def pytest_configure(config: pytest.Config) -> None:
    """Make the directory that the processes of a test run share; the workers among them find its name."""
    if not hasattr(config, "workerinput"):
        run = config.stash[_KEPT] = contextlib.ExitStack()
        os.environ[_RUN] = str(run.enter_context(directory_for_server()))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove it, when all of them have ended."""
    if _KEPT in config.stash:
        config.stash[_KEPT].close()


def start(
    directory: Path,
    *,
    workers: int = 1,
    tls: bool = False,
    durable: bool = False,
    data: Mapping[str, Any] | None = None,
    settings: Mapping[str, str] | None = None,
    arguments: Sequence[str] = (),
    migrate: bool = True,
) -> Server:
    """Start a server and return at once; for tests that break it on the way. See `running_server`."""
    command = [str(ASSENT), "serve", "--workers", str(workers), *(["--migrate"] if migrate else [])]
    if "--port" not in arguments:
        command += ["--port", "0"]
    if not durable:
        command.append("--no-durable")
    ca_file = None
    if tls:
        ca_file, certificate, key = _certificate(directory)
        command += ["--tls-cert", str(certificate), "--tls-key", str(key)]
    if data is not None:
        file = directory / "start.json"
        file.write_text(json.dumps(data))
        command += ["--apply", str(file)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ASSENT_")}
    environment["ASSENT_DATA_DIR"] = str(directory / "data")
    if ca_file is not None:
        environment["SSL_CERT_FILE"] = str(ca_file)
    environment |= {f"ASSENT_{name}": value for name, value in (settings or {}).items()}
    spoken = Path(tempfile.mkdtemp(prefix="said-", dir=directory))
    with (spoken / "stdout").open("wb") as output, (spoken / "stderr").open("wb") as errors:
        process = subprocess.Popen(
            [*command, *arguments], stdout=output, stderr=errors, env=environment, cwd=directory, process_group=0
        )
    return Server(process, directory, spoken, environment, ca_file)


def await_ready(server: Server) -> None:
    """Wait for the banner; raises NotStarted with what was said instead."""
    deadline = time.monotonic() + PATIENCE
    while " is ready: " not in server.said or "Ctrl-C stops" not in server.said:
        if server.process.poll() is not None:
            raise NotStarted(f"exit status {server.process.returncode}: {server.log.strip()}")
        if time.monotonic() > deadline:
            raise NotStarted(f"not ready after {PATIENCE:.0f} s: {server.log.strip()}")
        time.sleep(0.02)
    server.issuer = server.told("Issuer")


def _certificate(directory: Path) -> tuple[Path, Path, Path]:
    """Make a certificate authority and a certificate for this machine, once per directory."""
    ca_file, certificate, key = directory / "ca.pem", directory / "server.pem", directory / "server.key"
    if not ca_file.exists():
        authority = trustme.CA()
        issued = authority.issue_cert("localhost", "127.0.0.1")
        authority.cert_pem.write_to_path(ca_file)
        for blob in issued.cert_chain_pems:
            blob.write_to_path(certificate, append=True)
        issued.private_key_pem.write_to_path(key)
    return ca_file, certificate, key
