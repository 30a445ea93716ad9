"""The demo of `assent serve --demo`: a user, two applications, and the example application as a child process.

What was made up for it is kept in the data directory, so that a later start can print it again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import orjson

import app
from app.cli.banner import Demo
from app.cli.order import Listeners, Order
from app.cli.refusals import Refused
from app.cli.sockets import door
from app.cli.worker_process import Worker
from app.services import accounts, data_file
from app.services.client_secrets import new_client_secret
from app.services.names import name_key
from app.services.operator import Operator
from app.services.passwords import PasswordQueue
from app.settings import Settings
from app.store import users
from app.store.database import Database
from app.store.embedded.private_file import write_private
from app.telemetry.style import LogStyle
from app.views.docs_page import DOCS_CLIENT_ID, DOCS_REDIRECT_PATH

USERNAME = "demo"
CLIENT_ID = "assent-demo"
OWNER = "Assent examples"
"""What the consent page calls the maker of the demo. The space keeps it apart from everybody's username."""
FILE = "demo.json"
DRAIN_SECONDS = 2

_CHECKOUT = Path(app.__file__).resolve().parent.parent
_HOST = "localhost"


@dataclass(frozen=True, slots=True)
class MadeUp:
    """The demo's secrets: kept in `demo.json`, mode 0600."""

    password: str = field(repr=False)
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RunningDemo:
    """What the example application is started with, and what the banner says of it."""

    told: Demo
    port: int
    environment: dict[str, str] = field(repr=False)


def check_available() -> None:
    """Raise Refused when the example application cannot run here."""
    if not (_CHECKOUT / "examples" / "webapp" / "main.py").is_file() or find_spec("authlib") is None:
        raise Refused(
            "The demo application is part of a checkout with its development packages (`make run`): "
            "start without --demo."
        )


def data_of_demo(settings: Settings, made_up: MadeUp, demo_url: str) -> dict[str, object]:
    """Return the demo's applications as a data file."""
    return {
        "organizations": [{"name": OWNER, "members": [{"user": USERNAME, "role": settings.role_set().top.name}]}],
        "applications": [
            {
                "client_id": CLIENT_ID,
                "client_secret": made_up.client_secret,
                "client_name": "Release Board",
                "owner": OWNER,
                "client_uri": demo_url,
                "redirect_uris": [f"{demo_url}/callback"],
                "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"],
                "token_endpoint_auth_method": "client_secret_basic",
            },
            {
                "client_id": DOCS_CLIENT_ID,
                "client_name": "API reference",
                "client_uri": settings.issuer_url,
                "redirect_uris": [f"{settings.issuer_url}{DOCS_REDIRECT_PATH}"],
                "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"],
                "token_endpoint_auth_method": "none",
            },
        ],
    }


async def settle_demo(database: Database, settings: Settings, directory: Path, port: int) -> RunningDemo:
    """Make the demo's user and applications, or bring them up to date with this start's addresses.

    `directory` is where the made-up secrets are kept. A password that somebody has changed since is left alone.
    """
    path = directory / FILE
    kept = _read(path)
    made_up = kept or MadeUp(accounts.random_password(), new_client_secret(datetime.now(UTC)))
    if kept is None:
        content = {"username": USERNAME, "password": made_up.password, "client_secret": made_up.client_secret}
        write_private(path, orjson.dumps(content, option=orjson.OPT_INDENT_2).decode() + "\n")
    url = f"http://{_HOST}:{port}"
    passwords = PasswordQueue(threads=1)
    try:
        password = await _settle_user(database, passwords, made_up.password)
        data = data_file.parse(data_of_demo(settings, made_up, url), settings.scope_registry(), settings.role_set())
        await data_file.apply(database, passwords, data, Operator("serve --demo", datetime.now(UTC)))
    finally:
        passwords.close()
    environment = {
        "BOARD_ISSUER": settings.issuer_url,
        "BOARD_CLIENT_ID": CLIENT_ID,
        "BOARD_CLIENT_SECRET": made_up.client_secret,
        "BOARD_URL": url,
    }
    return RunningDemo(told=Demo(url, USERNAME, password), port=port, environment=environment)


@contextmanager
def demo_worker(demo: RunningDemo, style: LogStyle) -> Iterator[Worker]:
    """Start the example application beside the server; its place among the workers is yielded."""
    with door("127.0.0.1", demo.port) as front:
        worker = Worker("demo", preload="json", essential=False)
        order = Order(
            "examples.webapp.main:create_app",
            environment=demo.environment,
            import_path=str(_CHECKOUT),
            drain_seconds=DRAIN_SECONDS,
            log_style=style,
        )
        listener = front.open()
        worker.start()
        try:
            worker.instruct(order, Listeners(listener))
            yield worker
        finally:
            worker.kill()


async def _settle_user(database: Database, passwords: PasswordQueue, password: str) -> str | None:
    """Return the password with which the demo user signs in, None when it is not the one that was made up."""
    account = await users.find_for_sign_in(database, name_key(USERNAME))
    if account is None:
        operator = Operator("serve --demo", datetime.now(UTC))
        await accounts.create(database, passwords, operator, username=USERNAME, password=password)
        return password
    async with passwords.place() as place:
        return password if await place.verify(account.password_hash, password) else None


def _read(path: Path) -> MadeUp | None:
    try:
        kept = orjson.loads(path.read_bytes())
        return MadeUp(str(kept["password"]), str(kept["client_secret"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused(f"{path} cannot be read: remove it, and the demo gets a new secret.") from error
