"""What the developer pages say, state by state."""

from dataclasses import replace

import pytest

from app.views.pages.portal import OwnApplication, SecretShown
from app.views.pages.portal_application import OwnApplicationPage
from tests.views.gallery import GALLERY, VIEWS
from tests.views.parsed import Parsed, parsed


def application_page() -> OwnApplicationPage:
    """Return the page of an application with two secrets."""
    page = GALLERY["portal-application"]
    assert isinstance(page, OwnApplicationPage)
    return page


def test_the_list_says_kinds_in_words_and_has_a_badge_for_the_exception_alone() -> None:
    text = parsed("portal-list").text("table")
    for words in ("Web", "Browser", "Phone or desktop", "Machine", "1,318", "10,000+", "Off", "Deleted"):
        assert words in text
    badges = [
        attributes for tag, attributes in parsed("portal-list").elements if "badge" in attributes.get("class", "")
    ]
    assert len(badges) == 3


def test_an_empty_list_says_what_it_is_for_and_has_one_action() -> None:
    page = parsed("portal-list-empty")
    assert "You have no application yet" in page.text()
    assert [link["href"] for link in page.all("a") if "btn" in link.get("class", "")] == ["/apps/new"]
    assert not page.all("form")


def test_the_list_of_an_organization_leads_to_a_new_application_of_the_organization() -> None:
    page = parsed("portal-organization")
    assert {"href": "/apps/new?owner=northquay", "class": "btn btn--primary"} in page.all("a")
    current = [link["href"] for link in page.all("a") if link.get("aria-current") == "page"]
    assert current == ["/organizations/northquay/applications"]


def test_an_operator_who_is_no_member_sees_applications_that_he_does_not_manage() -> None:
    page = parsed("portal-organization-seen-by-operator")
    assert "Deploy Diary" in page.text("table")
    assert not [link for link in page.all("a") if link["href"].startswith("/apps/")]


@pytest.mark.parametrize("name", ["portal-secret-created", "portal-secret-added"])
def test_a_secret_stands_in_a_field_that_only_reads_and_has_the_focus(name: str) -> None:
    [field] = parsed(name).all("textarea")
    assert {"readonly", "autofocus"} <= field.keys()
    assert not parsed(name).all("form")


def test_a_page_with_a_secret_does_not_print_it() -> None:
    page = GALLERY["portal-secret-created"]
    assert isinstance(page, SecretShown)
    assert page.secret
    assert page.secret not in repr(page)


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("portal-application-one-secret", "Add a new secret"),
        ("portal-application", "Put it into your application"),
        ("portal-application-in-use", "Remove the old one"),
    ],
)
def test_the_steps_of_a_new_secret_show_where_one_is(name: str, step: str) -> None:
    html = VIEWS.render(GALLERY[name])
    current = html.partition('<li aria-current="step">')[2]
    assert current.startswith(step)
    assert html.count('aria-current="step"') == 1


def test_the_only_secret_cannot_be_removed_and_two_leave_no_room_for_a_third() -> None:
    one, two = parsed("portal-application-one-secret"), parsed("portal-application")
    assert not [link for link in one.all("a") if link["href"].endswith("/remove")]
    assert "add-secret" in one.ids()
    assert len([link for link in two.all("a") if link["href"].endswith("/remove")]) == 2
    assert "add-secret" not in two.ids()


def test_every_form_of_an_application_carries_the_version_it_was_made_for() -> None:
    page = parsed("portal-application")
    assert list(page.fields()).count(("version", "7")) == len(page.all("form"))


@pytest.mark.parametrize("name", ["portal-application-deleted", "portal-application-gone"])
def test_a_deleted_application_can_be_restored_while_there_is_time_and_nothing_else(name: str) -> None:
    actions = [form["action"] for form in parsed(name).all("form")]
    assert actions == (["/apps/" + "a4ab" * 8 + "/restore"] if name.endswith("deleted") else [])


def test_what_the_operators_turned_off_has_no_button_to_turn_it_on() -> None:
    assert "turn-on" in parsed("portal-application-off").ids()
    locked = parsed("portal-application-locked")
    assert "turn-on" not in locked.ids()
    assert "The operators of Lumenfold turned it off" in locked.text()


def test_a_stale_form_says_what_happened() -> None:
    page = parsed("portal-application-stale")
    assert "Somebody changed this application meanwhile" in page.text()
    assert GALLERY["portal-application-stale"].status == 409


@pytest.mark.parametrize("name", ["portal-new-problems", "portal-application-problems", "portal-delete-wrong-name"])
def test_every_problem_leads_to_its_field_which_names_it(name: str) -> None:
    page = parsed(name)
    assert page.text("title").startswith("Error: ")
    assert GALLERY[name].status == 422
    links = [link["href"] for link in page.all("a") if link["href"].startswith("#") and link["href"] != "#main"]
    assert links
    for href in links:
        assert href.removeprefix("#") in page.ids()
        assert f"{href.removeprefix('#')}-error" in page.ids()


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("portal-delete", "1,318 people lose their connection"),
        ("portal-delete-one-person", "1 person loses the connection"),
        ("portal-off", "1,318 people are signed out of it"),
        ("portal-off-one-person", "1 person is signed out of it"),
        ("portal-application", "1,318 people lose their connection"),
    ],
)
def test_a_loss_is_named_in_numbers(name: str, loss: str) -> None:
    assert loss in parsed(name).text()


def test_more_people_than_are_counted_are_many() -> None:
    many = OwnApplication("x", "x", "web", people=10_000, more_people=True)
    assert (many.people_words, many.people_number) == ("More than 10,000 people", "10,000+")


@pytest.mark.parametrize(
    ("client_id", "url"),
    [
        ("deploy-diary-7f3k", "/apps/deploy-diary-7f3k"),
        ("new", "/apps/=bmV3"),
        ("..", "/apps/=Li4"),
        ("a/b?c", "/apps/=YS9iP2M"),
        ("=bmV3", "/apps/=PWJtVjM"),
    ],
)
def test_every_client_id_has_an_address_of_its_own(client_id: str, url: str) -> None:
    assert OwnApplication(client_id, "x", "web").url == url


def test_a_name_that_reverses_the_line_is_defused() -> None:
    page = application_page()
    html = VIEWS.render(replace(page, entry=replace(page.entry, name="Evil\u202eelpmaxe")))
    assert "\u202e" not in html
    assert "<h1><bdi>Evilelpmaxe</bdi></h1>" in html


def test_markup_in_names_and_addresses_stays_text() -> None:
    hostile = '"><script>alert(1)</script>{{ 7*7 }}'
    page = application_page()
    hostile_page = replace(
        page,
        entry=replace(page.entry, client_id=hostile, name=hostile, owner=hostile),
        redirect_uris=(hostile,),
        allowed_origins=(hostile,),
        typed_uri=hostile,
        typed_origin=hostile,
        unknown_scopes=(hostile,),
        authentication=replace(page.authentication, keys=hostile, keys_url=hostile, subject=hostile, algorithm=hostile),
    )
    assert Parsed(VIEWS.render(hostile_page)).all("script") == []
