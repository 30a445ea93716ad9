"""A form that does its work once: sent again, by a reload or a second click, it makes nothing new.

The page puts a random key into the form, and what the form makes spends it in the same transaction.
"""

from starlette.requests import Request

from app.crypto.hashing import digest
from app.crypto.secrets import random_bytes
from app.protocol.facts import SessionFact
from app.routers.pages.forms import Form
from app.store.idempotency import Claim

ONCE_FIELD = "once"
_LENGTH = 16


def new_key() -> str:
    """Return the key of one form."""
    return random_bytes(_LENGTH).hex()


def claim_of(request: Request, session: SessionFact, form: Form) -> Claim:
    """Return what the form has to spend: its key belongs to the person and to the address that it was sent to."""
    path = request.scope["path"]
    whose = f"page {session.user_id} {path} {form.get(ONCE_FIELD)}"
    return Claim(digest(whose.encode("utf-8", "surrogatepass")), digest(path.encode("utf-8", "surrogatepass")))
