"""Text from outside stays text."""

from dataclasses import replace

import pytest

from app.views.pages import (
    Account,
    Application,
    Consent,
    Destination,
    ErrorPage,
    Fact,
    Home,
    Permission,
    PermissionGroup,
    Reference,
    SignIn,
)
from tests.views.gallery import FIRST, MARCH, NOW, REFERENCE, UNCHECKED, VIEWS
from tests.views.parsed import Parsed

HOSTILE = '"><script>alert(1)</script>\u202e{{ 7*7 }}'


@pytest.mark.parametrize(
    "page",
    [
        SignIn(csrf=HOSTILE, interaction=HOSTILE, application=Application(HOSTILE, HOSTILE), username=HOSTILE),
        replace(
            FIRST,
            application=Application(HOSTILE, HOSTILE, HOSTILE),
            account=Account(HOSTILE, HOSTILE, HOSTILE),
            destination=Destination("web", HOSTILE),
            groups=(
                PermissionGroup(
                    HOSTILE,
                    (
                        Permission(HOSTILE, HOSTILE, HOSTILE),
                        Permission(HOSTILE, optional=True),
                        Permission(HOSTILE, granted=True, since=MARCH, facts=(Fact(HOSTILE, HOSTILE),)),
                        Permission(HOSTILE, facts=(Fact(HOSTILE, HOSTILE),)),
                    ),
                    HOSTILE,
                ),
            ),
            details=(Fact(HOSTILE, HOSTILE),),
        ),
        ErrorPage.redirect_uri_unknown(
            Reference(HOSTILE, NOW),
            Application(HOSTILE, HOSTILE, verified=False),
            client_id=HOSTILE,
            received=HOSTILE,
            closest="https://a.example/",
        ),
        ErrorPage.request_wrong(
            REFERENCE, error=HOSTILE, description=HOSTILE, application=Application(HOSTILE, HOSTILE)
        ),
        ErrorPage.denied(REFERENCE, UNCHECKED, return_to=f"https://{HOSTILE}/"),
        Home(account=Account(HOSTILE)),
    ],
    ids=["sign-in", "consent", "redirect-uri", "request", "way-back", "home"],
)
def test_hostile_names_stay_text(page: Consent | SignIn | ErrorPage | Home) -> None:
    html = VIEWS.render(page)
    taken_apart = Parsed(html)
    assert taken_apart.all("script") == []
    assert "49" not in taken_apart.text("h1")


def test_name_that_reverses_the_line_is_defused_and_isolated() -> None:
    html = VIEWS.render(replace(FIRST, application=Application("Evil\u202eelpmaxe", "evil.example")))
    assert "\u202e" not in html
    assert "<bdi>Evilelpmaxe</bdi>" in html
