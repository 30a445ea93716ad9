"""The frame that tells an application whether its login still stands (OpenID Connect Session Management 1.0 §3.2).

It is the one page of ours that others may frame (LS-2, SE-10): there is nothing in it to be seen or pressed, and its
script answers one question, about the very origin that asks.
"""

from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import ClassVar

from markupsafe import Markup

from app.views.pages.identity import Page
from app.views.static import text_of


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSession(Page):
    """The frame; `cookie` is the name of the one that its script reads."""

    template: ClassVar[str] = "check_session.html"

    cookie: str

    @property
    def script(self) -> Markup:
        """The script as it has to stand in the page."""
        return Markup(_script())  # noqa: S704 - a file of ours


def frame_headers(*, https: bool) -> dict[str, str]:
    """Return the headers of the frame. The content policy allows its script by digest, and nothing else (HD-4)."""
    headers = {
        "Cache-Control": "public, max-age=3600",
        "Content-Security-Policy": (
            f"default-src 'none'; script-src {_source()}; base-uri 'none'; form-action 'none'; frame-ancestors *"
        ),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    if https:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers


def _script() -> str:
    return text_of("check_session.js")


@cache
def _source() -> str:
    return f"'sha256-{b64encode(sha256(_script().encode('utf-8')).digest()).decode('ascii')}'"
