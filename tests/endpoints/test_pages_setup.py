"""The first operator's page."""

import pytest

from app.services import setup
from tests.support.browser import hidden_fields
from tests.support.site import PASSWORD, Site

CHOSEN = {"username": "root", "email": "root@example.org", "password": PASSWORD, "password_confirm": PASSWORD}


async def path_of(pages: Site) -> str:
    """Return the path of a fresh link."""
    link = await setup.ensure_setup_link(pages.server.database, pages.server.issuer, pages.clock())
    assert link is not None
    return link.removeprefix(pages.server.issuer)


async def test_the_operator_chooses_name_and_password_and_is_signed_in(pages: Site) -> None:
    path = await path_of(pages)
    async with pages.browser() as browser:
        answer = await browser.fill(path, "/setup", **CHOSEN)
        assert (answer.status_code, answer.headers["location"]) == (303, "/account")
        assert "root" in (await browser.get("/account")).text
    assert (await (await pages.signed_in("root")).get("/account")).status_code == 200


async def test_a_used_link_is_answered_like_an_invented_one(pages: Site) -> None:
    path = await path_of(pages)
    async with pages.browser() as browser:
        form = hidden_fields(await browser.get(path))
        await browser.post("/setup", form | CHOSEN)
        again = await browser.post("/setup", form | CHOSEN | {"username": "other", "email": "other@example.org"})
        for answer in (again, await browser.get(path), await browser.get("/setup/invented")):
            assert answer.status_code == 404
            assert "This link no longer works" in answer.text


async def test_what_is_wrong_is_said_at_its_field_and_passwords_are_not_given_back(pages: Site) -> None:
    path = await path_of(pages)
    async with pages.browser() as browser:
        wrong = CHOSEN | {"username": "a b", "password": "too-short-1234", "password_confirm": "different-one"}
        answer = await browser.fill(path, "/setup", **wrong)
        assert answer.status_code == 422
        assert "There are 3 problems" in answer.text
        assert 'id="username-error"' in answer.text
        assert 'id="password-error"' in answer.text
        assert 'id="password-confirm-error"' in answer.text
        assert "too-short-1234" not in answer.text
        assert "different-one" not in answer.text
        assert 'value="root@example.org"' in answer.text
        answer = await browser.post("/setup", hidden_fields(answer) | CHOSEN)
        assert answer.status_code == 303


async def test_a_common_password_is_refused_with_the_reason(pages: Site) -> None:
    path = await path_of(pages)
    async with pages.browser() as browser:
        for password in ("passwordpassword", "localhost localhost", "root@example.org", "Lumenfold lumenfold"):
            typed = CHOSEN | {"password": password, "password_confirm": password}
            answer = await browser.fill(path, "/setup", **typed)
            assert answer.status_code == 422
            assert 'id="password-error"' in answer.text


async def test_a_name_that_somebody_has_is_refused_and_the_link_stays_good(pages: Site) -> None:
    await pages.add_user("root", "someone@example.org")
    path = await path_of(pages)
    async with pages.browser() as browser:
        answer = await browser.fill(path, "/setup", **CHOSEN)
        assert answer.status_code == 422
        assert "Somebody has this name already" in answer.text
        assert (await browser.fill(path, "/setup", **(CHOSEN | {"username": "root2"}))).status_code == 303


async def test_the_secret_of_the_link_and_the_password_are_not_logged(
    pages: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    path = await path_of(pages)
    async with pages.browser() as browser:
        await browser.fill(path, "/setup", **CHOSEN)
    said = "".join(capsys.readouterr())
    assert "/setup/" in said
    assert path not in said
    assert PASSWORD not in said


async def test_the_form_of_another_site_makes_no_operator(pages: Site) -> None:
    path = await path_of(pages)
    async with pages.browser() as browser:
        form = hidden_fields(await browser.get(path))
        browser.headers = {"Origin": "https://attacker.example", "Sec-Fetch-Site": "cross-site"}
        assert (await browser.post("/setup", form | CHOSEN)).status_code == 403
    assert await setup.ensure_setup_link(pages.server.database, pages.server.issuer, pages.clock()) is not None
