"""The pages about several accounts, a new one, and sessions, in every state they can be in."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from app.views.pages import Account, Application, Page, SignIn
from app.views.pages.accounts import AccountChoice, ChooseAccount, SignUp, SignUpSlowedDown
from app.views.pages.forms import Trouble
from app.views.pages.sessions import SessionLine, Sessions

_FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
    "Mobile/15E148 Safari/604.1"
)


def account_choice_pages(
    person: Account, now: datetime, applications: tuple[Application, ...]
) -> Iterator[tuple[str, Page]]:
    """Yield each state; `applications` are a usual one, an unchecked one and one with a long name."""
    usual, unchecked, long_name = applications
    choices = (
        AccountChoice("1", person),
        AccountChoice("2", Account("on-call")),
        AccountChoice("3", Account("jun", "a" * 60 + "@" + "b" * 60 + ".example", "J" * 64), signed_out=True),
    )
    another = "/login?interaction=interaction-value&account=another"
    chooser = ChooseAccount(
        csrf="csrf-value", interaction="interaction-value", choices=choices, another_url=another, application=usual
    )
    yield "choose-account", chooser
    yield "choose-account-again", replace(chooser, seen="1795876087000000", choices=choices[:1])
    yield "choose-account-unchecked", replace(chooser, application=unchecked)
    yield "choose-account-long-name", replace(chooser, application=long_name)
    own = ChooseAccount(csrf="csrf-value", choices=choices, another_url="/login?account=another")
    yield "choose-account-no-application", own
    sign_in = SignIn(csrf="csrf-value", application=usual, interaction="interaction-value")
    yield "sign-in-links", replace(sign_in, choose_url="/select-account", sign_up_url="/sign-up")
    yield "sign-in-another", SignIn(csrf="csrf-value", chosen="another", username="on-call")
    yield "sign-in-confirm-or-another", replace(sign_in, account=person, another_url=another)
    sign_up = SignUp(csrf="csrf-value", interaction="interaction-value", application=usual, sign_in_url=another)
    yield "sign-up", sign_up
    yield "sign-up-unchecked", replace(sign_up, application=unchecked)
    problems = (
        Trouble("username", "Somebody has this name already; choose another"),
        Trouble("email", "Give an email address such as name@example.org"),
        Trouble("password", "Use 15 characters or more. Four or five words in a row are easy to remember."),
        Trouble("password-confirm", "Type the same password here as above"),
    )
    yield (
        "sign-up-problems",
        SignUp(csrf="csrf-value", sign_in_url=another, username='ro"bin', email="robin@", problems=problems),
    )
    yield "sign-up-slowed-down", SignUpSlowedDown(retry_after=230, now=now, again_url="/sign-up")


def session_pages(person: Account, now: datetime) -> Iterator[tuple[str, Page]]:
    """Yield each state of the list of sessions."""
    lines = session_lines(now)
    sessions = Sessions(
        account=person, sessions=lines, csrf="csrf-value", now=now, idle_seconds=43_200, absolute_seconds=2_592_000
    )
    yield "sessions", sessions
    yield "sessions-alone", replace(sessions, sessions=lines[:1], done="others")
    yield "sessions-one-ended", replace(sessions, sessions=lines[:2], done="one")
    yield "sessions-paged", replace(sessions, first_url="/account/sessions", older_url="/account/sessions?after=A")


def session_lines(now: datetime) -> tuple[SessionLine, ...]:
    """Return sessions of all kinds."""
    present = SessionLine(
        id="1",
        user_agent=_FIREFOX,
        address="203.0.113.24",
        signed_in=now - timedelta(hours=5),
        last_used=now,
        amr=("pwd",),
        present=True,
        applications=(
            Application("Deploy Diary", "deploydiary.example"),
            Application("Notes Agent", "notes-agent.example", verified=False),
        ),
    )
    return (
        present,
        replace(
            present,
            id="2",
            user_agent=_PHONE,
            address="2001:db8:1234:5678:9abc:def0:1234:5678",
            signed_in=now - timedelta(days=9),
            last_used=now - timedelta(hours=9),
            present=False,
            applications=(Application("Wonderfully long names for applications that nobody can remember", "a.example"),)
            * 3,
        ),
        SessionLine("3", "", "", now - timedelta(days=11), now - timedelta(days=11)),
        SessionLine("4", "curl/8.5.0", "198.51.100.7", now - timedelta(days=12), now - timedelta(days=11)),
    )
