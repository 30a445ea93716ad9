"""The pages that take an answer to an application, in every state."""

from collections.abc import Iterator, Mapping

from app.views.pages import Account, Application, Page, Reference
from app.views.pages.answer import PostedAnswer
from app.views.pages.error import HeldBack

_CODE = (("code", "asac_code-value"), ("state", "state-value"), ("iss", "https://id.lumenfold.example"))
_ERROR = (("error", "access_denied"), ("error_description", "the person did not allow it"))

POSTED: Mapping[str, PostedAnswer] = {
    "plain": PostedAnswer(uri="https://deploydiary.example/callback", fields=_CODE),
    "long host": PostedAnswer(uri=f"https://{'a' * 60}.{'b' * 60}.example/callback", fields=_CODE),
}
"""Those that do not stay: they have a script."""


def answer_pages(person: Account, unchecked: Application, reference: Reference) -> Iterator[tuple[str, Page]]:
    """Yield those that wait for a click."""
    back = "https://notes-agent.example/callback"
    denied = HeldBack.denied(reference, unchecked, return_to=back, posted=_ERROR, account=person)
    yield "answer-held-back", denied
