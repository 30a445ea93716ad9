"""The demo of `assent serve --demo`: a user, applications, and the example application as a child process.

What was made up for it is kept in the data directory, so that a later start can print it again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import orjson

import app
from app.cli import demo_notes
from app.cli.banner import Demo
from app.cli.order import Listeners, Order
from app.cli.refusals import Refused
from app.cli.sockets import door
from app.cli.worker_process import Worker
from app.protocol.scopes import OPENID
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
EMAIL = "demo@example.com"
CLIENT_ID = "assent-demo"
OWNER = "Assent examples"
"""What the consent page calls the maker of the demo. The space keeps it apart from everybody's username."""
FILE = "demo.json"
DRAIN_SECONDS = 2

PAGE_CLIENT_ID = "pocket-board"
PAGE_URL = "http://localhost:8002/"
"""`examples/spa` where its README starts it; on another port it works too, but for the way back from a sign-out."""

_ALG = "ES256"
_CLAIMS = {"name": "Demo Person", "given_name": "Demo", "family_name": "Person"}
_CHECKOUT = Path(app.__file__).resolve().parent.parent
_HOST = "localhost"
_ADDRESS = "127.0.0.1"


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
    notes_port: int
    environment: dict[str, str] = field(repr=False)


def check_available(settings: Settings) -> None:
    """Raise Refused when the example application cannot run here, or nobody could sign in to it."""
    webapp = (_CHECKOUT / "examples" / "webapp" / "main.py").is_file() and find_spec("authlib") is not None
    if not (webapp and demo_notes.is_available()):
        raise Refused(
            "The demo application is part of a checkout with its development packages (`make run`): "
            "start without --demo."
        )
    if OPENID not in settings.scope_registry():
        raise Refused("The demo signs in with OpenID Connect: switch features.openid on, or start without --demo.")


def reaching_demo(settings: Settings, port: int) -> Settings:
    """Return the settings with an exemption for the demo application, so that it hears of every sign-out, and open to
    agents that introduce themselves."""
    allow = (*settings.outbound.allow, _receiver(f"http://{_HOST}:{port}"))
    outbound = settings.outbound.model_copy(update={"allow": allow})
    return demo_notes.opened(settings.model_copy(update={"outbound": outbound}))


def data_of_demo(settings: Settings, made_up: MadeUp, demo_url: str, notes_url: str) -> dict[str, object]:
    """Return the demo's applications, and what they may learn of its user, as a data file."""
    return {
        "users": [{"username": USERNAME, "claims": _CLAIMS}],
        "organizations": [{"name": OWNER, "members": [{"user": USERNAME, "role": settings.role_set().top.name}]}],
        "resources": [demo_notes.resource(notes_url)],
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
                "id_token_signed_response_alg": _ALG,
                "post_logout_redirect_uris": [f"{demo_url}/signed-out"],
                "backchannel_logout_uri": f"http://{_receiver(demo_url)}/backchannel-logout",
                "backchannel_logout_session_required": True,
            },
            {
                "client_id": PAGE_CLIENT_ID,
                "client_name": "Pocket Board",
                "owner": OWNER,
                "client_uri": PAGE_URL,
                "redirect_uris": [PAGE_URL],
                "post_logout_redirect_uris": [PAGE_URL],
                "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"],
                "token_endpoint_auth_method": "none",
                "id_token_signed_response_alg": _ALG,
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
            demo_notes.agent(OWNER),
        ],
    }


async def settle_demo(
    database: Database, settings: Settings, directory: Path, port: int, notes_port: int
) -> RunningDemo:
    """Make the demo's user and applications, or bring them up to date with this start's addresses.

    `directory` is where the made-up secrets are kept. A password that somebody has changed since is left alone.
    """
    path = directory / FILE
    kept = _read(path)
    made_up = kept or MadeUp(accounts.random_password(), new_client_secret(datetime.now(UTC)))
    if kept is None:
        content = {"username": USERNAME, "password": made_up.password, "client_secret": made_up.client_secret}
        write_private(path, orjson.dumps(content, option=orjson.OPT_INDENT_2).decode() + "\n")
    url, notes_url = f"http://{_HOST}:{port}", demo_notes.url_at(notes_port)
    passwords = PasswordQueue(threads=1)
    try:
        password = await _settle_user(database, passwords, made_up.password)
        declared = data_of_demo(settings, made_up, url, notes_url)
        data = data_file.parse(declared, settings.scope_registry(), settings.role_set())
        await data_file.apply(database, passwords, data, Operator("serve --demo", datetime.now(UTC)))
    finally:
        passwords.close()
    environment = {
        "BOARD_ISSUER": settings.issuer_url,
        "BOARD_CLIENT_ID": CLIENT_ID,
        "BOARD_CLIENT_SECRET": made_up.client_secret,
        "BOARD_URL": url,
    }
    told = Demo(url, USERNAME, notes_url, tuple(demo_notes.snippets(notes_url)), settings.registration.mode, password)
    return RunningDemo(told=told, port=port, notes_port=notes_port, environment=environment)


@contextmanager
def demo_worker(demo: RunningDemo, style: LogStyle) -> Iterator[Worker]:
    """Start the example application beside the server; its place among the workers is yielded."""
    with door(_ADDRESS, demo.port) as front:
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


def _receiver(demo_url: str) -> str:
    """Return host and port where the demo application hears the server: the address at which it listens."""
    return f"{_ADDRESS}:{urlsplit(demo_url).port}"


async def _settle_user(database: Database, passwords: PasswordQueue, password: str) -> str | None:
    """Return the password with which the demo user signs in, None when it is not the one that was made up."""
    account = await users.find_for_sign_in(database, name_key(USERNAME))
    if account is None:
        operator = Operator("serve --demo", datetime.now(UTC))
        await accounts.create(database, passwords, operator, username=USERNAME, email=EMAIL, password=password)
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
