"""What a person signs in, signs up or chooses an account for: a request that waits, or one of our own pages.

Where that leads is decided by the interaction that the server keeps, or by a reference that only the server makes,
never by a URL in the request (SE-11).
"""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from starlette.requests import Request

from app.routers.pages import interactions, returning
from app.routers.pages.interactions import Waiting

RESUME = "/oauth/authorize/resume"


@dataclass(frozen=True, slots=True)
class Errand:
    """The request of an application that waits, or one of our own pages; `onwards` is the path that goes on with it.

    `to` is the reference to that page, empty unless it is one of ours for this browser.
    """

    interaction: str
    waiting: Waiting | None
    to: str
    onwards: str

    def at(self, page: str, **more: str) -> str:
        """Return the path of a page that serves the same errand; `more` are further fields, empty ones left out."""
        fields = {"interaction": self.interaction, "to": self.to, **more}
        said = {name: value for name, value in fields.items() if value}
        return f"{page}?{urlencode(said)}" if said else page


async def errand_of(request: Request, told: Callable[[str], str]) -> Errand:
    """Return the errand that the fields of a link or a form tell; raises `PageRefused` for one that is over."""
    interaction = told("interaction")
    if interaction:
        waiting = await interactions.load(request, interaction)
        return Errand(interaction, waiting, "", f"{RESUME}?interaction={quote(interaction, safe='')}")
    path = returning.path_behind(request, told("to"))
    return Errand("", None, told("to") if path else "", path or returning.DESK)
