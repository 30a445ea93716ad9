"""What the pages say, page by page and state by state."""

from dataclasses import replace

import pytest
from jinja2 import UndefinedError

from app.views.docs_page import DocsPage
from app.views.pages import (
    ConnectedApplicationPage,
    Home,
)
from tests.views.gallery import GALLERY, VIEWS
from tests.views.parsed import Parsed, parsed


@pytest.mark.parametrize("name", GALLERY)
def test_page_is_whole_and_has_one_headline_a_skip_link_and_unique_ids(name: str) -> None:
    page = parsed(name)
    assert page.open == []
    assert len(page.all("h1")) == 1
    assert {"class": "skip", "href": "#main"} in page.all("a")
    assert len(page.ids()) == len(set(page.ids()))
    assert page.text("title").endswith("– Lumenfold")


@pytest.mark.spec("standards", "A1-5")
@pytest.mark.spec("standards", "BC-10")
@pytest.mark.parametrize("name", GALLERY)
def test_page_has_no_inline_script_or_style_and_loads_nothing_from_elsewhere(name: str) -> None:
    page = parsed(name)
    assert "style" not in [tag for tag, _ in page.elements]
    for tag, attributes in page.elements:
        assert not [key for key in attributes if key == "style" or key.startswith("on")], tag
        loaded = attributes.get("src") or (attributes.get("href", "") if tag in {"link", "use"} else "")
        assert not loaded or loaded.startswith("/static/") or tag == "iframe", loaded
    assert all(attributes.get("src") for attributes in page.all("script"))


@pytest.mark.parametrize("name", GALLERY)
def test_every_form_posts_to_this_server_with_the_token_of_the_session(name: str) -> None:
    page = parsed(name)
    # A search asks for a page and changes nothing; its token would end up in the address. What goes back to an
    # application takes nothing of ours along.
    ours = [form for form in page.all("form") if form.get("id") != "return-form"]
    changing = [form for form in ours if form.get("role") != "search"]
    for form in changing:
        assert form["method"] == "post"
    assert all(form["action"].startswith("/") for form in ours)
    assert list(page.fields()).count(("csrf", "csrf-value")) == len(changing)


def test_sign_in_asks_for_name_and_password_and_says_who_waits() -> None:
    page = parsed("sign-in")
    assert {"username", "password", "login-submit"} <= set(page.ids())
    assert dict(page.fields())["interaction"] == "interaction-value"
    assert "to continue to Deploy Diary deploydiary.example" in page.text()


def test_failed_sign_in_keeps_the_name_and_says_not_which_part_was_wrong() -> None:
    page = parsed("sign-in-failed")
    assert dict(page.fields())["username"] == "robin@lumenfold.example"
    assert dict(page.fields())["password"] == ""
    assert "That email and password don’t match" in page.text()
    assert page.text("title").startswith("Error: ")
    assert GALLERY["sign-in-failed"].status == 422


def test_confirming_fixes_the_account() -> None:
    username = next(field for field in parsed("sign-in-confirm").all("input") if field.get("id") == "username")
    assert username["value"] == "robin"
    assert "readonly" in username


def test_slowed_down_sign_in_says_how_long_and_until_when() -> None:
    text = parsed("sign-in-slowed-down").text()
    assert "Wait 4 minutes, then try again" in text
    assert "You can try again at 14:32 UTC" in text


def test_ended_session_says_why() -> None:
    assert "You were signed out after 12 hours without use" in parsed("sign-in-session-ended").text()


def test_setup_shows_every_problem_in_a_summary_that_leads_to_its_field() -> None:
    page = parsed("setup-problems")
    assert "There are 3 problems" in page.text()
    assert {"#email", "#password", "#password-confirm"} <= {link["href"] for link in page.all("a")}
    assert {"username", "email", "password", "password-confirm", "setup-submit"} <= set(page.ids())
    assert dict(page.fields())["token"] == "setup-token-value"
    assert "15 characters or more" in page.text()


def test_each_permission_is_removed_by_a_form_of_its_own() -> None:
    page = parsed("application")
    removals = [form["action"] for form in page.all("form")]
    assert removals == ["/account/applications/0198c1f0/remove"] * 5
    assert ("resource", "https://api.example/") in list(page.fields())
    assert {
        "Remove: See your projects and teams",
        "Remove: Create and edit releases",
        "Remove: See your bank accounts (Actions: read_balance, list)",
    } <= {button.get("aria-label") for button in page.all("button")}


def test_history_says_who_did_what() -> None:
    text = parsed("application").text("ol")
    assert "You allowed 2 more: Comment on issues, See your invoices 22 November 2026, 14:28 UTC" in text
    assert "You connected Deploy Diary with 1 permission 3 March 2026, 16:20 UTC" in text


def test_disconnecting_names_the_loss_and_posts_to_the_record() -> None:
    page = parsed("disconnect")
    assert "It loses all 6 permissions at once, on every device." in page.text()
    assert page.all("form")[0]["action"] == "/account/applications/0198c1f0/disconnect"


def test_record_id_cannot_leave_its_place_in_an_address() -> None:
    page = GALLERY["application"]
    assert isinstance(page, ConnectedApplicationPage)
    assert replace(page.entry, id="../x?y").url == "/account/applications/..%2Fx%3Fy"


def test_list_tells_what_each_application_can_do() -> None:
    text = parsed("applications").text("table")
    assert "See 4 things, change 2" in text
    assert "Manage 1 thing" in text
    assert "Not checked" in text


def test_signing_out_asks_first_and_can_be_left() -> None:
    page = parsed("sign-out")
    assert "logout-confirm" in page.ids()
    assert "Stay signed in" in page.text()
    assert page.all("form")[0]["action"] == "/logout"


def test_signing_out_says_who_asks_and_who_hears_of_it() -> None:
    text = parsed("sign-out-asked").text("main")
    assert "Deploy Diary at deploydiary.example asks to sign you out of Lumenfold as well." in text
    assert "In this browser you are also signed out of: Sheet Export" in text
    assert "“ Notes Agent ” at notes-agent.example asks" in parsed("sign-out-unchecked").text("main")


def test_after_signing_out_the_page_says_where_and_where_not_and_leads_on() -> None:
    page = parsed("signed-out-onward")
    assert "Lumenfold tells these applications to sign you out too: Deploy Diary" in page.text("main")
    assert "These may keep you signed in on their side." in page.text("main")
    assert "1 other account stays signed in on this browser." in page.text("main")
    assert "by itself" not in page.text("main")
    [link] = [link for link in page.all("a") if link.get("id") == "return-link"]
    assert link["href"] == "https://deploydiary.example/bye?state=1"


@pytest.mark.spec("standards", "LF-1")
def test_frames_of_applications_are_out_of_sight_and_cannot_lead_away() -> None:
    page = parsed("signed-out-frames")
    assert [frame["src"] for frame in page.all("iframe")] == [
        "https://deploydiary.example/out?sid=1",
        "https://sheets.example/out?iss=2&sid=2",
    ]
    for frame in page.all("iframe"):
        assert "hidden" in frame
        assert frame["title"]
        assert frame["referrerpolicy"] == "no-referrer"
        assert frame["sandbox"].split() == ["allow-same-origin", "allow-scripts", "allow-forms"]
    assert "This page goes on by itself in a moment." in page.text("main")


def test_home_leads_to_sign_in_or_to_the_account() -> None:
    assert {"/login", "/docs"} <= {link["href"] for link in parsed("home").all("a")}
    assert "/account" in {link["href"] for link in parsed("home-signed-in").all("a")}
    assert "https://id.lumenfold.example" in parsed("home").text()


def test_docs_page_carries_what_the_explorer_needs() -> None:
    page = Parsed(VIEWS.render(DocsPage(scopes=("openid", "profile"))))
    explorer = next(attributes for attributes in page.all("div") if attributes.get("id") == "swagger-ui")
    assert explorer["data-client-id"] == "assent-docs"
    assert explorer["data-redirect-url"] == "https://id.lumenfold.example/docs/oauth2-redirect"
    assert explorer["data-scopes"] == "openid profile"


def test_template_that_asks_for_what_the_page_lacks_is_an_error() -> None:
    class Impostor(Home):
        template = "sign_in.html"

    with pytest.raises(UndefinedError):
        VIEWS.render(Impostor())
