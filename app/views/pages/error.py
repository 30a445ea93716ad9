"""The error page and the catalogue of its cases: what happened, who can fix it, what to do, and a reference.

Each case says what is *not* harmed, and blames nobody who cannot act on it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self
from urllib.parse import urlsplit

from markupsafe import Markup

from app.views.difference import marked_difference
from app.views.pages.consent import Fact
from app.views.pages.identity import Account, Application, Destination, Page, Policy
from app.views.words import duration, waiting_time

_SCHEMES_THAT_RUN = frozenset({"", "javascript", "data", "vbscript", "blob", "file", "about", "filesystem"})

_NOTHING_HAPPENED = ("Nothing was shared.", "Nothing was changed.")
_NOT_YOU = "You did nothing wrong."


@dataclass(frozen=True, slots=True)
class Reference:
    """Under which request id, and when (aware), the server recorded the case."""

    request_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """A way on that the person chooses. `outside` ones lead to another host and tell it nothing but what they carry:
    one with `fields` is a form that is posted there."""

    text: str
    url: str
    outside: bool = False
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPage(Page):
    """One case. Text fields hold plain text, or Markup in which every name from outside has been escaped."""

    template: ClassVar[str] = "error.html"

    code: int
    title: str
    headline: str
    unharmed: tuple[str, ...] = _NOTHING_HAPPENED
    happened: str
    who: str = ""
    who_note: str = ""
    todo: str
    link: Link | None = None
    reference: Reference
    facts: tuple[Fact, ...] = ()
    application: Application | None = None
    retry_after: int | None = None

    @property
    def status(self) -> int:
        return self.code

    @classmethod
    def redirect_uri_unknown(
        cls,
        reference: Reference,
        application: Application,
        *,
        client_id: str,
        received: str,
        closest: str = "",
        account: Account | None = None,
    ) -> Self:
        """The redirect URI is not registered: never redirect (RFC 6749 §4.1.2.4). `closest` is the registered URI
        nearest to the received one; the difference is marked."""
        name = name_of(application)
        return cls(
            code=400,
            title="We stopped",
            headline=Markup("We stopped: {} sent an address we don’t know").format(name),
            happened=Markup(
                "{} asked us to send you back to an address that is not on its list. We can’t tell whether that "
                "address is really theirs, so we don’t send you there."
            ).format(name),
            who=Markup("Most likely the makers of {}.").format(name),
            who_note=_NOT_YOU,
            todo=Markup(
                "Go back to {} and try once more. If this page comes again, send its makers the reference below."
            ).format(name),
            reference=reference,
            facts=(
                Fact("Error", "invalid_request: redirect_uri is not registered for this application"),
                Fact("Client ID", client_id),
                Fact("Received", marked_difference(received, closest)),
                Fact(
                    "How to mend it",
                    "Addresses must match character by character. Register this one, or send the one you registered.",
                ),
            ),
            application=application,
            account=account,
        )

    @classmethod
    def client_unknown(cls, reference: Reference, *, client_id: str) -> Self:
        """No application has this client_id, or the request has none."""
        return cls(
            code=400,
            title="We don’t know this application",
            headline="We don’t know the application that sent you here",
            happened="The application gave a name tag that belongs to nobody here, or none at all.",
            who="The makers of the application.",
            who_note=_NOT_YOU,
            todo="Go back to where you came from, and tell the makers of the application. Send them the reference.",
            reference=reference,
            facts=(
                Fact("Error", "invalid_request: client_id is missing or not registered"),
                Fact("Client ID", client_id),
            ),
        )

    @classmethod
    def request_wrong(
        cls,
        reference: Reference,
        *,
        error: str,
        description: str,
        application: Application | None = None,
        facts: tuple[Fact, ...] = (),
    ) -> Self:
        """The request is wrong in a way that leaves no address to answer to: a duplicate parameter, a missing redirect
        URI, a response mode nobody knows. `description` names the parameter and the remedy."""
        name = name_of(application)
        return cls(
            code=400,
            title="We stopped",
            headline=Markup("We stopped: {} sent a request we can’t answer").format(name)
            if application
            else "We stopped: this request can’t be answered",
            happened="The request that brought you here has a mistake in it. We don’t know where to send the answer.",
            who=Markup("The makers of {}.").format(name) if application else "The makers of the application.",
            who_note=_NOT_YOU,
            todo="Go back and try once more. If this page comes again, send the makers the reference below.",
            reference=reference,
            facts=(Fact("Error", f"{error}: {description}"), *facts),
            application=application,
        )

    @classmethod
    def refused(
        cls,
        reference: Reference,
        application: Application,
        *,
        error: str,
        description: str,
        return_to: str,
        posted: tuple[tuple[str, str], ...] = (),
        account: Account | None = None,
    ) -> Self:
        """An error that may not travel by itself, because nobody has checked the application. `return_to` is the
        redirect URI with the error on it, or without it when it is `posted`; the person chooses whether to follow it.
        """
        name = name_of(application)
        return cls(
            code=400,
            title="An application asked for something it can’t have",
            headline=Markup("{} asked for something it can’t have").format(name),
            happened=Markup(
                "We don’t give {} what it asked for. Nobody here has checked this application, so we don’t send you "
                "back to it without asking."
            ).format(name),
            who=Markup("Most likely the makers of {}.").format(name),
            who_note=_NOT_YOU,
            todo="Go back only if you came from there.",
            link=_way_back(return_to, posted),
            reference=reference,
            facts=(Fact("Error", f"{error}: {description}"),),
            application=application,
            account=account,
        )

    @classmethod
    def answer_not_made(
        cls, reference: Reference, application: Application, *, error: str, description: str, status: int
    ) -> Self:
        """The application wants signed or encrypted answers, and none can be made as it registered them (JARM)."""
        name = name_of(application)
        return cls(
            code=status,
            title="We stopped",
            headline=Markup("We can’t answer {} in the way it wants").format(name),
            unharmed=_NOTHING_HAPPENED[:1],
            happened=Markup(
                "{} takes answers only in a sealed form that nobody can change or read on the way, and we can’t make "
                "that form for it now. We don’t send anything less safe."
            ).format(name),
            who=Markup("Most likely the makers of {}.").format(name),
            who_note=_NOT_YOU,
            todo="Go back and try once more. If this page comes again, send the makers the reference below.",
            reference=reference,
            facts=(Fact("Error", f"{error}: {description}"),),
            application=application,
        )

    @classmethod
    def denied(
        cls,
        reference: Reference,
        application: Application,
        *,
        return_to: str,
        posted: tuple[tuple[str, str], ...] = (),
        account: Account | None = None,
    ) -> Self:
        """The person chose "Don’t allow" for an unchecked application: the answer waits for one more click."""
        name = name_of(application)
        return cls(
            code=200,
            title="Nothing was allowed",
            headline=Markup("You didn’t allow {}").format(name),
            happened="You decided against it. The application has not been told yet.",
            todo="You can close this page. If you go back, the application learns that you said no, and nothing else.",
            link=_way_back(return_to, posted),
            reference=reference,
            facts=(Fact("Error", "access_denied"),),
            application=application,
            account=account,
        )

    @classmethod
    def page_expired(cls, reference: Reference, *, kept_seconds: int) -> Self:
        """The interaction is gone: too old, already decided, or decided in another tab."""
        return cls(
            code=400,
            title="This page is out of date",
            unharmed=("This page has changed nothing.",),
            headline="This page is out of date",
            happened="It was answered already, perhaps in another tab, or it waited too long.",
            who="Nobody has to.",
            who_note=f"Decisions are kept for {duration(kept_seconds)}.",
            todo="Start again from the application that you came from.",
            reference=reference,
        )

    @classmethod
    def cookie_missing(cls, reference: Reference, *, host: str) -> Self:
        """The browser did not send the cookie that ties it to its interaction."""
        return cls(
            code=400,
            title="A cookie is missing",
            headline="Your browser didn’t send our cookie",
            happened="One cookie tells us that the browser that answers is the one that was asked. It didn’t come.",
            who="Your browser’s settings.",
            todo=f"Allow cookies for {host}, then start again from the application that you came from.",
            reference=reference,
        )

    @classmethod
    def form_refused(cls, reference: Reference) -> Self:
        """The CSRF token or the origin of a form does not hold."""
        return cls(
            code=403,
            title="We didn’t accept that form",
            headline="We didn’t accept that form",
            happened="It didn’t come from the page we gave you, or that page was too old.",
            who="Nobody has to.",
            who_note="If another site brought you here, it may have tried to press a button for you.",
            todo="Go to the page again and send it from there.",
            link=Link("Home", "/"),
            reference=reference,
        )

    @classmethod
    def setup_link_used(cls, reference: Reference) -> Self:
        """The one-time link of the first start is used, too old or mistyped."""
        return cls(
            code=404,
            title="This link no longer works",
            headline="This link no longer works",
            happened="It works once and for a short time, or a part of it is missing.",
            who="Whoever runs this server.",
            todo="Start the server again to get a new link. If an operator exists already, sign in.",
            link=Link("Sign in", "/login"),
            reference=reference,
        )

    @classmethod
    def not_found(cls, reference: Reference, *, account: Account | None = None) -> Self:
        """Nothing has this address, or nothing that this person may know of."""
        return cls(
            code=404,
            title="Not found",
            headline="There is nothing here",
            unharmed=(),
            happened="No page has this address.",
            todo="Check the address, or begin at the home page.",
            link=Link("Home", "/"),
            reference=reference,
            account=account,
        )

    @classmethod
    def method_not_allowed(cls, reference: Reference) -> Self:
        """The address exists and does not take this method."""
        return cls(
            code=405,
            title="Not possible here",
            headline="This page can’t be opened like that",
            unharmed=(),
            happened="The address exists, but not for this kind of request.",
            todo="Begin at the home page.",
            link=Link("Home", "/"),
            reference=reference,
        )

    @classmethod
    def password_queue_full(cls, reference: Reference, *, retry_after: int = 5) -> Self:
        """More people sign in at once than passwords can be checked."""
        return cls(
            code=503,
            title="Busy",
            headline="Many people are signing in right now",
            happened="We could not check your password in time. It may well be right.",
            who="We can.",
            todo=f"Go back and try again in {waiting_time(retry_after)}.",
            reference=reference,
            retry_after=retry_after,
        )

    @classmethod
    def unavailable(cls, reference: Reference, *, retry_after: int = 5) -> Self:
        """The database does not answer; it will be found as it was left."""
        return cls(
            code=503,
            title="Not available right now",
            headline="We can’t reach our database right now",
            happened="We could not finish what you asked for.",
            who="We can.",
            who_note=_NOT_YOU,
            todo=f"Go back and try again in {waiting_time(retry_after)}.",
            reference=reference,
            retry_after=retry_after,
        )

    @classmethod
    def broken(cls, reference: Reference) -> Self:
        """A fault of ours; its cause stands in the log under the reference and nowhere on the page."""
        return cls(
            code=500,
            title="Something broke on our side",
            headline="Something broke on our side",
            unharmed=("Nothing was changed.",),
            happened="We could not finish what you asked for.",
            who="We can, and we have a record.",
            who_note=_NOT_YOU,
            todo="Try again in a minute. If this page comes again, send us the reference.",
            reference=reference,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBack(ErrorPage):
    """The same for an answer that is posted: its form ends at the client."""

    policy: ClassVar[Policy] = Policy.MAY_END_AT_CLIENT


def name_of(application: Application | None) -> Markup:
    """Return what pages call an application, as text between other text; the name of an unchecked one in quotes."""
    if application is None:
        return Markup()
    if application.verified:
        return Markup("<bdi>{}</bdi>").format(application.shown)
    return Markup("“<bdi>{}</bdi>”").format(application.shown)


def _way_back(url: str, fields: tuple[tuple[str, str], ...]) -> Link | None:
    if urlsplit(url).scheme.lower() in _SCHEMES_THAT_RUN:
        return None
    return Link(f"Return to {Destination.of(url).host}", url, outside=True, fields=fields)
