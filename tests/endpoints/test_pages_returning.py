"""Signing in leads back to the page that was asked for, and nowhere that the request itself names (SE-11)."""

from base64 import urlsafe_b64encode
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from app.crypto.secrets import new_id, random_bytes
from app.protocol.token_format import Credential, Prefix, format_credential, parse_credential
from app.protocol.tokens.refresh_chain import ServerKeys
from app.store import sessions
from tests.support.browser import Browser, hidden_fields
from tests.support.site import PASSWORD, Site, open_site

TYPED = {"username": "ada", "password": PASSWORD}
ASKED = "/account/applications"
AGAIN = "/login?again=1"
CONFIRM = "Confirm that it is you"
RENEWED = ServerKeys(current=2, by_version={1: b"k" * 32, 2: b"n" * 32})


def reference_in(answer: httpx.Response) -> str:
    """Return the reference in the redirect to the sign-in page."""
    assert answer.status_code == 303
    location = urlsplit(answer.headers["location"])
    assert location.path == "/login"
    return parse_qs(location.query)["to"][0]


async def sent_to_sign_in(browser: Browser, path: str = ASKED) -> str:
    """Ask for a page that needs a person, and return the reference with which one is sent to the sign-in page."""
    return reference_in(await browser.get(path))


async def test_a_person_is_led_back_to_what_he_asked_for(pages: Site) -> None:
    await pages.add_user()
    async with pages.browser() as browser:
        to = await sent_to_sign_in(browser)
        answer = await browser.fill(f"/login?to={to}", "/login", **TYPED)
        assert (answer.status_code, answer.headers["location"]) == (303, ASKED)


async def test_a_failed_try_keeps_the_way_back(pages: Site) -> None:
    await pages.add_user()
    async with pages.browser() as browser:
        failed = await browser.fill(
            f"/login?to={await sent_to_sign_in(browser)}", "/login", username="ada", password="?"
        )
        assert failed.status_code == 422
        answer = await browser.post("/login", hidden_fields(failed) | TYPED)
        assert answer.headers["location"] == ASKED


async def test_whoever_waits_after_too_many_tries_finds_the_form_with_its_way_back(pages: Site) -> None:
    await pages.add_user()
    async with pages.browser() as browser:
        to = await sent_to_sign_in(browser)
        form = hidden_fields(await browser.get(f"/login?to={to}"))
        answers = [await browser.post("/login", form | {"username": "ada", "password": "wrong"}) for _ in range(10)]
        assert answers[-1].status_code == 429
        assert f'href="/login?to={to}"' in answers[-1].text


async def test_whoever_has_signed_in_meanwhile_goes_on_at_once(pages: Site) -> None:
    await pages.add_user()
    async with pages.browser() as browser:
        to = await sent_to_sign_in(browser)
        await browser.fill("/login", "/login", **TYPED)
        answer = await browser.get(f"/login?to={to}")
        assert (answer.status_code, answer.headers["location"]) == (303, ASKED)


async def test_a_reference_tells_nothing_of_where_it_leads(pages: Site) -> None:
    """A path may hold an invitation: the address of the sign-in page stands in more logs than our own."""
    invitation = format_credential(Prefix.INVITATION, Credential(new_id(pages.clock()), random_bytes()))
    async with pages.browser() as browser:
        path = f"/account/applications/{invitation}"
        to = await sent_to_sign_in(browser, path)
        for spelled in (path.encode(), invitation.encode()):
            for shift in range(3):
                inner = urlsafe_b64encode(bytes(shift) + spelled)[4:-4].decode()
                assert inner not in to


async def test_the_path_of_an_invitation_is_led_back_to_whole(pages: Site) -> None:
    await pages.add_user()
    async with pages.browser() as browser:
        path = "/account/applications/asiv_" + "Ab3-_" * 20
        answer = await browser.fill(f"/login?to={await sent_to_sign_in(browser, path)}", "/login", **TYPED)
        assert answer.headers["location"] == path


@pytest.mark.parametrize(
    "path",
    [
        "/account/applications/%5C%5Cattacker.example",
        "/account/applications/a%3Fb%23c",
        "/account/applications/%0d%0ax",
    ],
)
async def test_a_path_comes_back_as_it_was_sent(pages: Site, path: str) -> None:
    await pages.add_user()
    async with pages.browser() as browser:
        answer = await browser.fill(f"/login?to={await sent_to_sign_in(browser, path)}", "/login", **TYPED)
        back = answer.headers["location"]
        assert back.startswith("/account/applications/")
        assert (await browser.get(back)).status_code == 404


@pytest.mark.parametrize(
    "reference",
    [
        "https://attacker.example",
        "//attacker.example",
        "/account/applications",
        "x",
        "%00",
        "%ff",
        "A" * 160,
        "A" * 60_000,
        "=",
        "ä",
    ],
)
async def test_what_is_no_reference_of_ours_leads_to_the_desk(pages: Site, reference: str) -> None:
    await pages.add_user()
    async with pages.browser() as browser:
        page = await browser.get(f"/login?to={reference}")
        assert hidden_fields(page)["to"] == ""
        assert "attacker" not in page.text
        answer = await browser.post("/login", hidden_fields(page) | TYPED | {"to": reference})
        assert (answer.status_code, answer.headers["location"]) == (303, "/account")


async def test_a_reference_that_was_changed_or_made_for_another_browser_or_server_leads_to_the_desk(
    pages: Site,
) -> None:
    await pages.add_user()
    async with pages.browser() as attacker, pages.browser() as victim:
        theirs = await sent_to_sign_in(attacker)
        own = await sent_to_sign_in(victim)
        changed = own[:40] + ("A" if own[40] != "A" else "B") + own[41:]
        for reference in (theirs, changed, own[:-2], own + "AAAA"):
            answer = await victim.fill(f"/login?to={reference}", "/login", **TYPED)
            assert answer.headers["location"] == "/account"
            await victim.post("/logout", hidden_fields(await victim.get("/logout")))


async def test_references_made_before_the_server_key_was_renewed_still_lead_back(pages: Site) -> None:
    await pages.add_user()
    async with pages.browser() as browser:
        to = await sent_to_sign_in(browser)
        renewed = open_site(pages.server.database, clock=pages.clock, keys=RENEWED)
        async with renewed.browser() as later:
            later.client.cookies.set("assent_browser", browser.cookie("assent_browser") or "")
            answer = await later.fill(f"/login?to={to}", "/login", **TYPED)
            assert answer.headers["location"] == ASKED


async def test_after_signing_out_the_way_back_of_an_older_page_still_works(pages: Site) -> None:
    await pages.add_user()
    async with pages.browser() as browser:
        to = await sent_to_sign_in(browser)
        await browser.fill(f"/login?to={to}", "/login", **TYPED)
        await browser.post("/logout", hidden_fields(await browser.get("/logout")))
        answer = await browser.fill(f"{AGAIN}&to={to}", "/login", **TYPED)
        assert answer.headers["location"] == ASKED


async def test_confirming_fixes_the_account_and_begins_a_fresh_session(pages: Site) -> None:
    await pages.add_user()
    async with pages.browser() as browser:
        to = await sent_to_sign_in(browser)
        await browser.fill("/login", "/login", **TYPED)
        before = browser.cookie("assent_session")
        pages.clock.move(hours=3)
        page = await browser.get(f"{AGAIN}&to={to}")
        assert page.status_code == 200
        assert CONFIRM in page.text
        assert 'value="ada" autocomplete="username" readonly' in page.text
        answer = await browser.post("/login", hidden_fields(page) | {"password": PASSWORD})
        assert (answer.status_code, answer.headers["location"]) == (303, ASKED)
        assert browser.cookie("assent_session") != before
        held = parse_credential(Prefix.SESSION, browser.cookie("assent_session") or "")
        assert held is not None
        fresh = await sessions.find_live(pages.server.database, held.id, pages.clock())
        assert fresh is not None
        assert fresh.auth_time == pages.clock()


async def test_nobody_else_can_confirm(pages: Site) -> None:
    await pages.add_user()
    await pages.add_user("bob", "bob@example.org", "another long enough word")
    browser = await pages.signed_in()
    form = hidden_fields(await browser.get(AGAIN))
    failed = await browser.post("/login", form | {"username": "bob", "password": "another long enough word"})
    assert failed.status_code == 422
    assert CONFIRM in failed.text
    assert "That password doesn’t match" in failed.text
    assert hidden_fields(failed)["again"] == "1"


async def test_confirming_without_a_session_is_signing_in(pages: Site) -> None:
    await pages.add_user()
    async with pages.browser() as browser:
        page = await browser.get(AGAIN)
        assert CONFIRM not in page.text
        answer = await browser.post("/login", hidden_fields(page) | TYPED)
        assert (answer.status_code, answer.headers["location"]) == (303, "/account")
