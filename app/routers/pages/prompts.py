"""Where a person is asked: the page of each prompt (OC-2)."""

from collections.abc import Mapping
from urllib.parse import urlencode

from app.protocol.authorize.interaction import Asked, Prompt
from app.protocol.facts import SessionFact
from app.routers.pages import login, select_account, sign_up

CONSENT = "/consent"

_PAGES: Mapping[Prompt, str] = {
    "create": sign_up.PATH,
    "select_account": select_account.PATH,
    "login": login.PATH,
    "consent": CONSENT,
}


def page_for(asked: Asked, session: SessionFact | None, saved: str) -> str:
    """Return the path of the page that asks, for the request behind the reference `saved`.

    Where the person who is signed in is not the one that the request is for, somebody else has to sign in.
    """
    fields = {"interaction": saved}
    if asked.prompt == "login" and session is not None and not asked.confirms:
        fields["account"] = login.ANOTHER
    return f"{_PAGES[asked.prompt]}?{urlencode(fields)}"
