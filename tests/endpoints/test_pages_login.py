"""Signing in and out as a browser sees it."""

import pytest

from app.protocol.configuration import SignInLimits
from app.protocol.token_format import Credential, Prefix, format_credential, parse_credential
from app.services.passwords import PasswordQueue
from tests.support.browser import hidden_fields
from tests.support.site import PASSWORD, Site, open_site


async def test_a_person_signs_in_by_username_or_email_however_it_is_cased(pages: Site) -> None:
    await pages.add_user("ada", "Ada@Example.org")
    for name in ("ada", "ADA", " ada ", "ada@example.ORG", "ａｄａ"):  # noqa: RUF001 - full width letters
        async with pages.browser() as browser:
            answer = await browser.fill("/login", "/login", username=name, password=PASSWORD)
            assert answer.status_code == 303
            assert answer.headers["location"] == "/account"
            assert (await browser.get("/account")).status_code == 200


async def test_the_password_counts_whole_and_exactly(pages: Site) -> None:
    await pages.add_user(password="p" * 100 + "x")
    async with pages.browser() as browser:
        for wrong in ("p" * 100, "p" * 100 + "y", "P" * 100 + "x", "p" * 100 + "x ", ""):
            answer = await browser.fill("/login", "/login", username="ada", password=wrong)
            assert answer.status_code == 422


async def test_decomposed_letters_are_the_same_password(pages: Site) -> None:
    await pages.add_user(password="caf\u00e9 anchor plum taxi")
    async with pages.browser() as browser:
        answer = await browser.fill("/login", "/login", username="ada", password="cafe\u0301 anchor plum taxi")
        assert answer.status_code == 303


async def test_unknown_wrong_and_disabled_get_the_same_page(pages: Site) -> None:
    await pages.add_user("ada")
    await pages.add_user("bob", "bob@example.org")
    await pages.disable("bob")
    seen = set()
    for name, password in (("ada", "wrong"), ("bob", PASSWORD), ("bob", "wrong"), ("nobody", "wrong")):
        async with pages.browser() as browser:
            form = hidden_fields(await browser.get("/login"))
            answer = await browser.post("/login", form | {"username": name, "password": password})
            seen.add((answer.status_code, answer.text.replace(form["csrf"], "").replace(name, "")))
            assert browser.cookie("assent_session") is None
    assert len(seen) == 1
    status, text = seen.pop()
    assert status == 422
    assert "don’t match" in text


async def test_the_failed_page_keeps_the_name_and_never_the_password(pages: Site) -> None:
    async with pages.browser() as browser:
        answer = await browser.fill("/login", "/login", username='a"><b>', password="hunter2-hunter2")
        assert 'value="a&#34;&gt;&lt;b&gt;"' in answer.text
        assert "hunter2" not in answer.text


async def test_signing_in_ignores_a_session_cookie_that_was_planted(pages: Site) -> None:
    """Session fixation: the id after login is a new one, and the old one is worth nothing."""
    await pages.add_user()
    attacker = await pages.signed_in()
    planted = attacker.cookie("assent_session")
    async with pages.browser() as victim:
        victim.client.cookies.set("assent_session", planted or "", domain="localhost.local")
        form = hidden_fields(await victim.client.get("/logout"))
        answer = await victim.post("/login", form | {"username": "ada", "password": PASSWORD})
        assert answer.status_code == 303
        assert f"assent_session={planted}" not in answer.headers["set-cookie"]
    assert (await attacker.get("/account")).status_code == 303


@pytest.mark.spec("standards", "SE-2")
async def test_signing_in_again_begins_a_new_session_and_ends_the_old_one(pages: Site) -> None:
    await pages.add_user()
    browser = await pages.signed_in()
    before = browser.cookie("assent_session")
    form = hidden_fields(await browser.get("/logout"))
    answer = await browser.post("/login", form | {"username": "ada", "password": PASSWORD})
    assert answer.status_code == 303
    after = browser.cookie("assent_session")
    assert after != before
    assert (await browser.get("/account")).status_code == 200
    other = pages.browser()
    other.client.cookies.set("assent_session", before or "")
    assert (await other.get("/account")).status_code == 303


async def test_a_session_cookie_with_another_secret_ends_nobodys_session(pages: Site) -> None:
    await pages.add_user()
    await pages.add_user("bob", "bob@example.org")
    ada = await pages.signed_in()
    held = parse_credential(Prefix.SESSION, ada.cookie("assent_session") or "")
    assert held is not None
    forged = format_credential(Prefix.SESSION, Credential(held.id, b"f" * 32))
    async with pages.browser() as bob:
        bob.client.cookies.set("assent_session", forged)
        answer = await bob.fill("/login", "/login", username="bob", password=PASSWORD)
        assert answer.status_code == 303
    assert (await ada.get("/account")).status_code == 200


async def test_whoever_is_signed_in_is_not_asked_again(pages: Site) -> None:
    await pages.add_user()
    browser = await pages.signed_in()
    answer = await browser.get("/login")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")


async def test_a_login_page_in_a_second_tab_still_works_after_the_first(pages: Site) -> None:
    await pages.add_user()
    async with pages.browser() as browser:
        first = hidden_fields(await browser.get("/login"))
        second = hidden_fields(await browser.get("/login"))
        for form in (first, second):
            answer = await browser.post("/login", form | {"username": "ada", "password": PASSWORD})
            assert answer.status_code == 303


@pytest.mark.spec("standards", "SE-11")
async def test_no_parameter_of_the_request_says_where_the_login_leads(pages: Site) -> None:
    await pages.add_user()
    async with pages.browser() as browser:
        form = hidden_fields(await browser.get("/login?next=https://attacker.example&to=//attacker.example"))
        typed = {"username": "ada", "password": PASSWORD, "next": "https://attacker.example", "return_to": "//x"}
        answer = await browser.post("/login?next=https://attacker.example", form | typed)
        assert answer.headers["location"] == "/account"


async def test_the_tenth_failure_and_the_next_try_are_told_how_long_to_wait(pages: Site) -> None:
    await pages.add_user()
    for name in ("ada", "nobody"):
        async with pages.browser() as browser:
            form = hidden_fields(await browser.get("/login"))
            for _ in range(9):
                answer = await browser.post("/login", form | {"username": name, "password": "wrong"})
                assert answer.status_code == 422
            for password in ("wrong", PASSWORD):
                answer = await browser.post("/login", form | {"username": name, "password": password})
                assert answer.status_code == 429
                assert answer.headers["retry-after"] == "30"
                assert "Wait 30 seconds" in answer.text
                assert browser.cookie("assent_session") is None


async def test_after_the_wait_the_right_password_is_heard(pages: Site) -> None:
    await pages.add_user()
    async with pages.browser() as browser:
        form = hidden_fields(await browser.get("/login"))
        for _ in range(10):
            await browser.post("/login", form | {"username": "ada", "password": "wrong"})
        pages.clock.move(seconds=30)
        answer = await browser.post("/login", form | {"username": "ada", "password": PASSWORD})
        assert answer.status_code == 303


async def test_an_address_that_fails_too_often_waits_and_another_does_not(pages: Site) -> None:
    await pages.add_user()
    strict = open_site(pages.server.database, limits=SignInLimits(address_failures=3), clock=pages.clock)
    async with strict.browser(address="198.51.100.9") as browser:
        form = hidden_fields(await browser.get("/login"))
        for number in range(3):
            answer = await browser.post("/login", form | {"username": f"n{number}", "password": "wrong"})
            assert answer.status_code == 422
        answer = await browser.post("/login", form | {"username": "ada", "password": PASSWORD})
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "600"
    async with strict.browser(address="198.51.100.10") as browser:
        answer = await browser.fill("/login", "/login", username="ada", password=PASSWORD)
        assert answer.status_code == 303


async def test_when_too_many_sign_in_at_once_the_answer_is_to_come_back(pages: Site) -> None:
    await pages.add_user()
    busy = open_site(pages.server.database, passwords=PasswordQueue(threads=1, waiting=-1))
    async with busy.browser() as browser:
        answer = await browser.fill("/login", "/login", username="ada", password=PASSWORD)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "5"


@pytest.mark.parametrize("name", ["", " ", "x" * 5000, "\u202e", "' or 1=1 --", "%", "\ud7ff", "😀" * 300])
@pytest.mark.parametrize("password", ["", "x" * 100_000, "\u200b", "ﬀ"])
async def test_no_name_and_no_password_breaks_anything(pages: Site, name: str, password: str) -> None:
    async with pages.browser() as browser:
        answer = await browser.fill("/login", "/login", username=name, password=password)
        assert answer.status_code == 422


@pytest.mark.parametrize(
    "reference", ["x", "asin_x", "%00", "%ff", "asin_" + "A" * 70, "../../etc/passwd", "a" * 10_000]
)
async def test_an_interaction_that_was_invented_is_out_of_date(pages: Site, reference: str) -> None:
    async with pages.browser() as browser:
        answer = await browser.get(f"/login?interaction={reference}")
        assert answer.status_code == 400
        assert "This page is out of date" in answer.text


async def test_signing_out_ends_the_session_on_the_server_and_clears_the_cookie(pages: Site) -> None:
    await pages.add_user()
    browser = await pages.signed_in()
    session = browser.cookie("assent_session")
    page = await browser.get("/logout")
    assert 'id="logout-confirm"' in page.text
    answer = await browser.post("/logout", hidden_fields(page))
    assert answer.status_code == 200
    assert "You are signed out" in answer.text
    assert browser.cookie("assent_session") is None
    browser.client.cookies.set("assent_session", session or "")
    assert (await browser.get("/account")).status_code == 303


async def test_a_link_to_the_logout_page_signs_nobody_out(pages: Site) -> None:
    await pages.add_user()
    browser = await pages.signed_in()
    await browser.get("/logout")
    assert (await browser.get("/account")).status_code == 200


async def test_after_twelve_hours_without_use_the_login_page_says_why(pages: Site) -> None:
    await pages.add_user()
    browser = await pages.signed_in()
    pages.clock.move(hours=12)
    assert (await browser.get("/account")).headers["location"] == "/login"
    assert "You were signed out after 12 hours without use" in (await browser.get("/login")).text


@pytest.mark.spec("standards", "SE-3")
async def test_a_session_in_use_lives_on_but_not_beyond_thirty_days(pages: Site) -> None:
    await pages.add_user()
    browser = await pages.signed_in()
    for _ in range(60):
        pages.clock.move(hours=11.9)
        assert (await browser.get("/account")).status_code == 200
    pages.clock.move(hours=6.1)
    assert (await browser.get("/account")).status_code == 303


@pytest.mark.spec("standards", "SE-4")
async def test_disabling_a_person_ends_his_sessions_and_enabling_revives_none(pages: Site) -> None:
    await pages.add_user()
    browser = await pages.signed_in()
    await pages.disable("ada")
    assert (await browser.get("/account")).status_code == 303
    await pages.enable("ada")
    assert (await browser.get("/account")).status_code == 303


async def test_behind_a_trusted_proxy_each_person_has_his_own_limit(pages: Site) -> None:
    await pages.add_user()
    proxied = open_site(pages.server.database, limits=SignInLimits(address_failures=2), trusted_proxies=("192.0.2.1",))
    for client, statuses in (("198.51.100.1", [422, 422, 429]), ("198.51.100.2", [422])):
        async with proxied.browser(address="192.0.2.1", X_Forwarded_For=client) as browser:
            form = hidden_fields(await browser.get("/login"))
            for number, status in enumerate(statuses):
                answer = await browser.post("/login", form | {"username": f"n{number}", "password": "wrong"})
                assert answer.status_code == status
    async with proxied.browser(address="198.51.100.3", X_Forwarded_For="198.51.100.1") as browser:
        answer = await browser.fill("/login", "/login", username="ada", password="wrong")
        assert answer.status_code == 422
