"""What the first terminal says when the server is ready: where it is, what to do once, what to try next."""

from dataclasses import dataclass, field
from pathlib import Path
from shutil import which

from app import __version__


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo as a person uses it; `password` is None when somebody has changed it.

    `agents` are the commands that connect an agent to the MCP server at `notes_url`; `registration` says who may
    register applications.
    """

    url: str
    username: str
    notes_url: str
    agents: tuple[str, ...]
    registration: str
    password: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Banner:
    """Everything the banner names. `seconds` is the time from the start of the command to the first worker; `command`
    is what to type for `assent`. `dangers` are sentences about what only test set-ups may have."""

    issuer: str
    seconds: float
    workers: int
    storage: str
    setup_link: str | None = field(default=None, repr=False)
    demo: Demo | None = None
    metrics_url: str | None = None
    command: str = "assent"
    dangers: tuple[str, ...] = ()


def render(banner: Banner) -> str:
    """Return the banner as text."""
    facts = [("Issuer", banner.issuer), ("API reference", f"{banner.issuer}/docs")]
    if banner.demo is not None:
        facts.append(("Demo", banner.demo.url))
        facts.append(("Demo user", f"{banner.demo.username}, password {_password(banner.demo, banner.command)}"))
        facts.append(("MCP server", banner.demo.notes_url))
    if banner.metrics_url is not None:
        facts.append(("Metrics", banner.metrics_url))
    facts.append(("Data", banner.storage))
    workers = "1 worker" if banner.workers == 1 else f"{banner.workers} workers"
    lines = [f"Assent {__version__} is ready: {workers}, {banner.seconds:.1f} s.", ""]
    lines += [f"  {name:<15}{value}" for name, value in facts]
    if banner.setup_link is not None:
        lines += ["", "Nobody runs this server yet. Choose your name and password here, once, within 24 hours:"]
        lines += [f"  {banner.setup_link}"]
    if banner.demo is not None:
        lines += ["", f"Connect an agent to the MCP server. {_introduction(banner.demo)}"]
        lines += [f"  {line}" for line in banner.demo.agents]
    if banner.dangers:
        lines += ["", "For test set-ups only:"]
        lines += [f"  {line}" for line in banner.dangers]
    lines += ["", "Next:"]
    lines += [f"  {line}" for line in _suggestions(banner)]
    return "\n".join([*lines, ""])


def storage_named(data_dir: Path | None) -> str:
    """Return where the data is, in words."""
    return "the PostgreSQL of ASSENT_DATABASE_URL" if data_dir is None else str(data_dir)


def command_as_typed(called: str) -> str:
    """Return what to type for `assent`, when it was called as `called`: a path, unless the shell finds it by name."""
    found = Path(called).name == "assent" and which("assent") != called
    return called if found else "assent"


def _password(demo: Demo, command: str) -> str:
    return demo.password or f"as you set it (`{command} user set-password {demo.username}` sets another)"


def _introduction(demo: Demo) -> str:
    """Return what the demo has opened, which no server does by itself."""
    if demo.registration != "open":
        return "It needs a metadata document, or the client ID notes-agent: registration is not open here."
    return "It registers itself: in the demo, registration is open to everybody."


def _suggestions(banner: Banner) -> list[str]:
    suggestions = []
    if banner.demo is not None:
        suggestions.append(f"Open {banner.demo.url} and sign in as {banner.demo.username}.")
        suggestions.append(f"Or open {banner.issuer}/account/tokens and make a token for a script of yours.")
    commands = {
        "login-test": "walk the whole flow from here",
        "application create": "register an application of your own",
        "doctor": "ask whether this configuration is safe",
    }
    suggestions += [f"{banner.command} {name:<20} {effect}" for name, effect in commands.items()]
    return [*suggestions, "Ctrl-C stops the server and its database."]
