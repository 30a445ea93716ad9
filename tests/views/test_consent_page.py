"""What the consent page asks, state by state."""

from dataclasses import replace

import pytest

from app.views.pages import (
    Destination,
)
from tests.views.gallery import FIRST, GALLERY, UNCHECKED, VIEWS
from tests.views.introduced_states import LOGO
from tests.views.parsed import Parsed, parsed


def test_consent_answers_who_what_how_long_and_how_to_undo_in_this_order() -> None:
    text = parsed("consent").text("form")
    answers = [
        "Allow Deploy Diary to use your Lumenfold account?",
        "deploydiary.example by Saltbarn Checked by Lumenfold",
        "It asks to",
        "See your projects and teams",
        "Until you disconnect it. Works while you are away. Ends after 30 days without use.",
        "Account, then Connected applications.",
        "Either way you go back to deploydiary.example",
    ]
    places = [text.index(answer) for answer in answers]
    assert places == sorted(places)


@pytest.mark.parametrize("name", [name for name in GALLERY if name.startswith("consent")])
def test_deny_stands_before_allow_so_that_enter_never_approves(name: str) -> None:
    page = parsed(name)
    buttons = [(button["id"], button["name"], button["value"]) for button in page.all("button")]
    assert buttons == [("consent-deny", "decision", "deny"), ("consent-approve", "decision", "approve")]


def test_optional_permissions_are_boxes_left_unticked_and_required_ones_have_none() -> None:
    boxes = [field for field in parsed("consent").all("input") if field["type"] == "checkbox"]
    assert [(box["name"], box["value"]) for box in boxes] == [("scope", "member:read"), ("scope", "issue:comment")]
    assert not [box for box in boxes if "checked" in box]


def test_incremental_consent_keeps_new_and_granted_apart() -> None:
    text = parsed("consent-more").text("form")
    assert "Deploy Diary asks for 3 more permissions" in text
    new, had = text.index("It also asks to"), text.index("Already allowed")
    assert new < text.index("Comment on issues") < had < text.index("See your projects and teams")
    assert "Since 3 March 2026 . These stay, whatever you choose now." in text
    assert "Allow 3 more" in text


def test_optional_permissions_beyond_what_is_granted_are_offered_without_a_count() -> None:
    text = parsed("consent-more-optional").text("form")
    assert "Deploy Diary would like to do more" in text
    assert text.index("It also asks to") < text.index("See who is in your organization") < text.index("Already allowed")


def test_page_is_tied_to_the_person_it_was_shown_to() -> None:
    page = Parsed(VIEWS.render(replace(FIRST, person="person-value")))
    assert ("person", "person-value") in list(page.fields())


def test_confirmation_shows_everything_under_already_allowed() -> None:
    text = parsed("consent-confirm").text("form")
    assert "Deploy Diary asks you to confirm" in text
    assert "It asks to" not in text
    assert text.index("Already allowed") < text.index("Create and edit releases")


def test_unchecked_application_is_quoted_warned_about_and_gets_no_accent_button() -> None:
    page = parsed("consent-unchecked")
    text = page.text("form")
    assert "“ Notes Agent ”" in text
    assert "Nobody at Lumenfold has checked it" in text
    assert "The answer goes to a program on this computer" in text
    assert "the answer goes to localhost , port 33418, on this computer" in text
    assert "Notes Agent" not in page.text("title")
    assert "btn--primary" not in " ".join(button["class"] for button in page.all("button"))


def test_private_scheme_is_named_and_warned_about() -> None:
    assert "the app that opens example.diary: addresses" in parsed("consent-app").text("form")


def test_access_for_an_hour_says_so_and_names_the_lag_of_taking_it_away() -> None:
    text = parsed("consent-one-hour").text("form")
    assert "For 1 hour. Then it needs you here again." in text
    assert "within 15 minutes in services that check by themselves" in text


def test_nothing_ticked_is_told_at_the_top() -> None:
    page = parsed("consent-nothing-ticked")
    assert "Tick at least one, or choose “Don’t allow”" in page.text("form")
    assert page.text("title").startswith("Error: ")


@pytest.mark.parametrize(
    ("redirect_uri", "kind", "host", "port"),
    [
        ("https://app.example/cb", "web", "app.example", None),
        ("https://app.example:8443/cb", "web", "app.example:8443", 8443),
        ("https://user@app.example/cb", "web", "app.example", None),
        ("https://xn--pple-43d.example/cb", "web", "xn--pple-43d.example", None),
        ("http://localhost:1234/cb", "loopback", "localhost", 1234),
        ("http://127.0.0.1/cb", "loopback", "127.0.0.1", None),
        ("http://[::1]:9/cb", "loopback", "::1", 9),
        ("com.example.app:/cb", "app", "com.example.app:", None),
    ],
)
def test_destination_is_read_from_the_redirect_uri(redirect_uri: str, kind: str, host: str, port: int | None) -> None:
    assert Destination.of(redirect_uri) == Destination(kind, host, port)  # type: ignore[arg-type]


def test_way_back_of_an_unchecked_application_is_a_link_that_the_person_chooses() -> None:
    links = [link for link in parsed("error-refused").all("a") if link.get("id") == "return-link"]
    assert links == [
        {
            "href": "https://notes-agent.example/cb?error=invalid_scope&state=s",
            "id": "return-link",
            "rel": "noopener noreferrer nofollow",
        }
    ]
    assert "Return to notes-agent.example" in parsed("error-refused").text()


def test_access_that_ends_with_the_session_says_so() -> None:
    text = parsed("consent-until-sign-out").text("form")
    assert "Until you sign out or disconnect it. Ends after 30 days without use." in text
    assert "while you are away" not in text


def test_to_stay_connected_is_a_question_of_its_own() -> None:
    text = parsed("consent-stays").text("form")
    assert "Deploy Diary asks to stay connected while you are away" in text
    assert "It also asks to" not in text
    assert "Until you disconnect it. New" in text


@pytest.mark.spec("standards", "CI-12")
@pytest.mark.spec("standards", "MC-6")
def test_it_says_where_an_application_is_described_and_where_answers_go() -> None:
    text = parsed("consent-document").text("header")
    assert "Described at notes-agent.example" in text
    assert "Answers go to" not in text
    text = parsed("consent-document-elsewhere").text("form")
    assert "Described at notes-agent.example Answers go to localhost" in text
    assert "any program on this computer could receive it" in text


@pytest.mark.spec("standards", "SU-1")
@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("consent-document", "Allow an application that calls itself “ Notes Agent ” to use your account?"),
        ("consent-document-more", "An application that calls itself “ Notes Agent ” asks for 3 more permissions"),
        ("consent-document-again", "An application that calls itself “ Notes Agent ” asks you to confirm"),
        ("consent-document-stays", "“ Notes Agent ” asks to stay connected while you are away"),
    ],
)
def test_an_unchecked_application_that_asks_again_is_told_from_one_that_is_new(name: str, question: str) -> None:
    page = parsed(name)
    assert question in page.text("h1")
    assert "Nobody at Lumenfold has checked it" in page.text("form")
    assert ("Already allowed" in page.text("form")) == (name != "consent-document")
    assert "btn--primary" not in " ".join(button["class"] for button in page.all("button"))


@pytest.mark.spec("standards", "DR-13")
def test_a_name_that_looks_like_a_known_one_is_told_from_it() -> None:
    text = parsed("consent-imitation").text("form")
    assert "It is not the Deploy Diary that is known here" in text
    assert "First seen 2 hours ago" in text
    assert "It is no part of Lumenfold" in parsed("consent-imitates-us").text("form")
    assert "known here" not in parsed("consent-document").text("form")


def test_neither_name_nor_maker_of_an_unchecked_application_closes_its_quotation_marks() -> None:
    application = replace(UNCHECKED, name="A” is checked. “B", owner="C” is checked. “D")
    assert (application.shown, application.maker) == ("A is checked. B", "C is checked. D")


@pytest.mark.spec("standards", "CI-11")
def test_what_has_changed_since_it_was_allowed_is_named() -> None:
    text = parsed("consent-document-changed").text("form")
    assert "It has changed since you allowed it" in text
    assert "New: its name, where it sends you, its logo, how it proves who it is." in text
    assert "It has changed" not in parsed("consent-document-again").text("form")


def test_its_own_pages_are_links_that_say_where_they_lead() -> None:
    links = [link for link in parsed("consent-document").all("a") if "nofollow" in link.get("rel", "")]
    assert [link["href"] for link in links] == ["https://notes-agent.example/privacy", "https://legal.example/terms"]
    assert {link["rel"] for link in links} == {"noopener noreferrer nofollow"}
    assert "Privacy policy · Terms at legal.example" in parsed("consent-document").text("header")


@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "//elsewhere.example/",
        "/account",
        "com.example.app:/privacy",
        "https://notes-agent.example@elsewhere.example/",
        "https://notes-agent.example/\\u202e",
        "https://notes-agent.example/\n",
    ],
)
def test_an_own_page_that_is_none_of_the_web_is_no_link(uri: str) -> None:
    assert replace(FIRST.application, policy_uri=uri, tos_uri=uri).own_pages == ()


@pytest.mark.spec("standards", "CI-12")
def test_a_logo_stands_in_the_place_of_the_letters_and_comes_from_here() -> None:
    [logo] = parsed("consent-document-logo").all("img")
    assert (logo["src"], logo["alt"]) == (LOGO, "")
    assert parsed("consent-document").all("img") == []
