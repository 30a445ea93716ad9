"""The headers of HTML answers."""

import pytest

from app.views.docs_page import DocsPage
from app.views.pages import Page, SignedOut
from tests.views.gallery import GALLERY, VIEWS

_ENDS_AT_CLIENT = ("sign-in", "sign-out", "sign-up", "choose-account", "consent", "answer")
JOURNEY = {name for name in GALLERY if name.startswith(_ENDS_AT_CLIENT) and not name.endswith("-slowed-down")}


def policy_of(page: Page) -> dict[str, str]:
    """Return the directives of a page's content policy by name."""
    policy = VIEWS.security_headers(page, https=False)["Content-Security-Policy"]
    return dict((directive.strip() + " ").split(" ", 1) for directive in policy.split(";"))


@pytest.mark.spec("standards", "A1-5")
@pytest.mark.spec("standards", "BC-10")
@pytest.mark.spec("standards", "BC-20")
@pytest.mark.parametrize("name", GALLERY)
def test_every_page_is_kept_nowhere_framed_nowhere_and_runs_nothing_foreign(name: str) -> None:
    headers = VIEWS.security_headers(GALLERY[name], https=False)
    policy = policy_of(GALLERY[name])
    assert policy["default-src"].strip() == "'none'"
    assert policy["frame-ancestors"].strip() == "'none'"
    assert policy["base-uri"].strip() == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("name", GALLERY)
def test_form_action_is_absent_exactly_where_a_post_may_end_at_a_client(name: str) -> None:
    policy = policy_of(GALLERY[name])
    assert ("form-action" not in policy) is (name in JOURNEY)


@pytest.mark.parametrize("name", GALLERY)
def test_scripts_run_only_on_the_way_back_to_the_api_explorer(name: str) -> None:
    policy = policy_of(GALLERY[name])
    assert ("script-src" in policy) is (name == "docs-redirect")


@pytest.mark.spec("standards", "LF-2")
@pytest.mark.parametrize("name", GALLERY)
def test_only_the_signed_out_page_frames_and_then_only_whom_it_tells(name: str) -> None:
    framed = policy_of(GALLERY[name]).get("frame-src", "").strip()
    assert framed == ("https://deploydiary.example https://sheets.example" if name == "signed-out-frames" else "")


def test_the_browser_goes_on_by_itself_where_the_page_says_so_alone() -> None:
    going = {name: page.refresh for name, page in GALLERY.items() if isinstance(page, SignedOut) and page.refresh}
    assert going == {"signed-out-frames": "2; url=https://deploydiary.example/bye?state=1"}


def test_api_explorer_talks_to_this_server_alone() -> None:
    policy = policy_of(DocsPage())
    assert policy["script-src"].strip() == policy["connect-src"].strip() == "'self'"


def test_strict_transport_security_is_sent_over_https_alone() -> None:
    page = GALLERY["sign-in"]
    assert VIEWS.security_headers(page, https=True)["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in VIEWS.security_headers(page, https=False)
