"""The page for a browser that comes for a pushed request which is over."""

from markupsafe import Markup

from app.views.pages.consent import Fact
from app.views.pages.error import ErrorPage, Reference, name_of
from app.views.pages.identity import Application


def start_again(
    reference: Reference, application: Application, *, error: str, description: str, facts: tuple[Fact, ...]
) -> ErrorPage:
    """Return it (RFC 9126 §4): nobody has done anything wrong, and only the application can send another request."""
    name = name_of(application)
    return ErrorPage(
        code=400,
        title="Start again",
        headline=Markup("Start again from {}").format(name),
        happened=Markup(
            "{} sent us its request ahead, and your browser came to answer it. A request counts once and not for "
            "long: this one was answered already, or it has run out."
        ).format(name),
        who="Nobody has to.",
        who_note="You did nothing wrong.",
        todo=Markup("Go back to {} and begin there once more.").format(name),
        reference=reference,
        facts=(Fact("Error", f"{error}: {description}"), *facts),
        application=application,
    )
