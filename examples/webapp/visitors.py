"""What the application keeps about browsers. A real application has a database."""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request

FURTHER_SCOPES = ("project:releases", "event:read", "project:write", "org:read")
MAX_VISITORS = 1000


@dataclass(slots=True)
class Visitor:
    """One browser. Tokens stay on the server, never in the cookie; `claims` are those of the validated ID token."""

    token: dict[str, Any] = field(default_factory=dict, repr=False)
    claims: dict[str, Any] = field(default_factory=dict, repr=False)
    notice: str = ""
    problem: str = ""

    @property
    def scopes(self) -> list[str]:
        """The scopes of the token in hand."""
        return str(self.token.get("scope", "")).split()

    @property
    def next_scope(self) -> str | None:
        """The scope to ask for next, or None when it has them all."""
        return next((scope for scope in FURTHER_SCOPES if scope not in self.scopes), None)

    def forget(self, notice: str) -> None:
        """Let go of who signed in and of his tokens."""
        self.token, self.claims, self.notice, self.problem = {}, {}, notice, ""


class Visitors:
    """Visitors by the random id in their session cookie, the latest thousand."""

    def __init__(self) -> None:
        self._by_id: OrderedDict[str, Visitor] = OrderedDict()

    def of(self, request: Request) -> Visitor:
        """Return the visitor behind the request, a new one when the cookie is new."""
        key = request.session.setdefault("visitor", secrets.token_urlsafe(24))
        visitor = self._by_id.setdefault(key, Visitor())
        self._by_id.move_to_end(key)
        if len(self._by_id) > MAX_VISITORS:
            self._by_id.popitem(last=False)
        return visitor

    def renew(self, request: Request) -> Visitor:
        """Give the visitor a new id, so that an id from before the sign-in is worth nothing after it."""
        visitor = self._by_id.pop(request.session.pop("visitor", ""), Visitor())
        key = request.session["visitor"] = secrets.token_urlsafe(24)
        self._by_id[key] = visitor
        return visitor

    def sign_out(self, sub: str | None, sid: str | None) -> None:
        """Sign out whom a logout token names: one session of the server's, or everything of a person."""
        for visitor in self._by_id.values():
            named = visitor.claims.get("sid") == sid if sid else visitor.claims.get("sub") == sub
            if visitor.claims and named:
                visitor.forget("You were signed out at the server, and so here.")
