"""The page that posts an authorization answer to the application by itself (OAuth 2.0 Form Post Response Mode §2)."""

from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import ClassVar

from markupsafe import Markup

from app.views.pages.identity import Destination, Page, Policy

SCRIPT = 'document.getElementById("answer").submit();'
"""All that runs there. The content policy allows it by its digest, and nothing else."""

SCRIPT_SOURCE = f"'sha256-{b64encode(sha256(SCRIPT.encode('ascii')).digest()).decode('ascii')}'"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedAnswer(Page):
    """The members of an answer as a form for `uri`, whose button is for browsers that run no scripts (RT-6)."""

    template: ClassVar[str] = "posted_answer.html"
    policy: ClassVar[Policy] = Policy.POSTS_ANSWER

    uri: str
    fields: tuple[tuple[str, str], ...] = field(repr=False)

    @property
    def host(self) -> str:
        """Where it goes, as a person reads it."""
        return Destination.of(self.uri).host

    @property
    def script(self) -> Markup:
        """The script as it has to stand in the page."""
        return Markup(SCRIPT)  # noqa: S704 - a constant
