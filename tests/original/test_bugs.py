"""The bugs of the original and the cases it never tested, as far as code, token and consent are concerned."""

import asyncio
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

from app.store import application_states, records, users
from tests.support.facts import VERIFIER
from tests.support.service import (
    REDIRECT_URI,
    SECRET,
    Service,
    answer_of,
    authorize_url,
    decide,
    fields_of,
    follow,
    obtain_code,
    redeem,
    sign_in,
)


@pytest.fixture
async def application(site: Service) -> str:
    """An application of this test alone."""
    client_id = f"app-{uuid4().hex[:12]}"
    await site.application(client_id)
    return client_id


async def account(site: Service, username: str) -> UUID:
    """Return the person's id."""
    found = await users.find_for_sign_in(site.database, username)
    assert found is not None
    return found.id


async def newcomer(site: Service) -> str:
    """Register a person of this test alone."""
    username = f"user{uuid4().hex[:10]}"
    await site.user(username)
    return username


async def consent(
    browser: httpx.AsyncClient, client_id: str, username: str = "robin", **changes: str | None
) -> httpx.Response:
    """Walk to the consent page."""
    page = await follow(browser, await browser.get(authorize_url(client_id, **changes)))
    if 'id="login-submit"' in page.text:
        page = await follow(browser, await sign_in(browser, username, page))
    assert 'id="consent-approve"' in page.text, page.text
    return page


async def refreshed(browser: httpx.AsyncClient, client_id: str, refresh_token: str, **more: str) -> httpx.Response:
    """Redeem a refresh token."""
    return await browser.post(
        "/oauth/token",
        data={"grant_type": "refresh_token", "refresh_token": refresh_token, **more},
        auth=(client_id, SECRET),
    )


async def active(browser: httpx.AsyncClient, client_id: str, token: str) -> bool:
    """Tell whether a token lives."""
    answer = await browser.post("/oauth/introspect", data={"token": token}, auth=(client_id, SECRET))
    assert answer.status_code == 200, answer.text
    active: bool = answer.json()["active"]
    return active


def refused(answer: httpx.Response, error: str = "invalid_grant") -> bool:
    """Tell whether the token endpoint refused with this error."""
    return bool(answer.json().get("error") == error)


@pytest.mark.spec("original", "N01")
@pytest.mark.spec("original", "BUG 1")
async def test_bug_1_a_code_is_consumed_and_its_replay_ends_what_it_bought(
    browser: httpx.AsyncClient, application: str
) -> None:
    code = await obtain_code(browser, application, "robin")
    first = (await redeem(browser, application, code)).json()
    assert refused(await redeem(browser, application, code))
    assert not await active(browser, application, first["access_token"])


@pytest.mark.spec("original", "N09")
@pytest.mark.spec("original", "BUG 1")
async def test_bug_1_twenty_exchanges_at_once_buy_one_pair(browser: httpx.AsyncClient, application: str) -> None:
    code = await obtain_code(browser, application, "robin")
    answers = await asyncio.gather(*(redeem(browser, application, code) for _ in range(20)))
    assert [answer.status_code for answer in answers].count(200) == 1


@pytest.mark.spec("original", "N02")
async def test_an_expired_code_is_refused(site: Service, browser: httpx.AsyncClient, application: str) -> None:
    code = await obtain_code(browser, application, "robin")
    site.clock.forward(61)
    assert refused(await redeem(browser, application, code))


@pytest.mark.spec("original", "N03")
async def test_the_code_of_another_application_is_refused_and_stays_good(
    site: Service, browser: httpx.AsyncClient, application: str
) -> None:
    code = await obtain_code(browser, application, "robin")
    other = f"other-{application}"
    await site.application(other)
    assert refused(await redeem(browser, other, code))
    assert (await redeem(browser, application, code)).status_code == 200


@pytest.mark.spec("original", "N04")
@pytest.mark.spec("original", "BUG 12")
@pytest.mark.parametrize("sent", [None, f"{REDIRECT_URI}/", "https://client.example"], ids=["none", "slash", "other"])
async def test_bug_12_the_redirect_uri_that_was_sent_must_be_sent_again_alike(
    browser: httpx.AsyncClient, application: str, sent: str | None
) -> None:
    code = await obtain_code(browser, application, "robin")
    answer = await redeem(browser, application, code, redirect_uri=sent)
    if sent is None:  # OAuth 2.1 §4.1.3 drops the parameter; PKCE binds the code instead
        assert answer.status_code == 200
    else:
        assert refused(answer)


@pytest.mark.spec("original", "N13")
@pytest.mark.spec("original", "BUG 3")
async def test_bug_3_two_tabs_answer_their_own_requests(
    site: Service, browser: httpx.AsyncClient, application: str
) -> None:
    other = f"other-{application}"
    await site.application(other)
    first = await consent(browser, application, state="first")
    second = await consent(browser, other, state="second")
    assert answer_of(await decide(browser, first))["state"] == "first"
    assert answer_of(await decide(browser, second))["state"] == "second"
    again = await decide(browser, first)
    assert again.status_code >= 400
    assert "location" not in again.headers


@pytest.mark.spec("original", "N05")
async def test_a_strong_scope_alone_is_asked_and_granted(browser: httpx.AsyncClient, application: str) -> None:
    code = await obtain_code(browser, application, "robin", scope="org:admin")
    assert (await redeem(browser, application, code)).json()["scope"] == "org:admin"


@pytest.mark.spec("original", "N06")
async def test_spaces_and_duplicates_make_no_other_list(browser: httpx.AsyncClient, application: str) -> None:
    code = await obtain_code(browser, application, "robin", scope=" team:read  org:read team:read ")
    assert (await redeem(browser, application, code)).json()["scope"] == "team:read org:read"


@pytest.mark.spec("original", "BUG 5")
@pytest.mark.spec("original", "N09")
async def test_bug_5_consents_at_once_lose_nothing(site: Service, application: str) -> None:
    username = await newcomer(site)
    scopes = ["org:read", "team:read", "project:read", "event:read", "member:read"]
    browsers = [site.browser() for _ in scopes]
    try:
        pages = [
            await consent(browser, application, username, scope=scope)
            for browser, scope in zip(browsers, scopes, strict=True)
        ]
        answers = await asyncio.gather(*(decide(*both) for both in zip(browsers, pages, strict=True)))
        assert all("code" in answer_of(answer) for answer in answers)
    finally:
        for browser in browsers:
            await browser.aclose()
    [record] = await records.list_for_user(site.database, await account(site, username))
    assert sorted(pair.pair for pair in record.pairs) == sorted(scopes)


@pytest.mark.spec("original", "BUG 7")
@pytest.mark.spec("original", "M06")
@pytest.mark.parametrize(
    "uri",
    [
        *(f"{REDIRECT_URI}evil", f"{REDIRECT_URI}/../x", f"{REDIRECT_URI}?x=1", f"{REDIRECT_URI}#x"),
        *("http://client.example/callback", "https://foo.com", "https://client.example.foo.com/callback"),
        "https://client.example",
    ],
)
async def test_bug_7_a_redirect_uri_is_compared_character_by_character(
    browser: httpx.AsyncClient, application: str, uri: str
) -> None:
    answer = await browser.get(authorize_url(application, redirect_uri=uri))
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.spec("original", "M05")
async def test_registered_redirect_uris_are_accepted(site: Service, browser: httpx.AsyncClient) -> None:
    uris = ("http://127.0.0.1/cb", "https://sub.example.com/path")
    await site.application("two-uris", redirect_uris=uris)
    for uri in (*uris, "http://127.0.0.1:49152/cb"):
        answer = await browser.get(authorize_url("two-uris", redirect_uri=uri))
        assert answer.headers["location"].startswith("/login")


@pytest.mark.spec("original", "M07")
@pytest.mark.spec("original", "N23")
@pytest.mark.spec("original", "BUG 8")
async def test_bug_8_the_default_is_the_only_registered_uri_and_never_a_blank_one(
    site: Service, browser: httpx.AsyncClient, application: str
) -> None:
    await site.application("none", redirect_uris=())
    await site.application("several", redirect_uris=(REDIRECT_URI, "https://client.example/other"))
    assert "code" in answer_of(await decide(browser, await consent(browser, application, redirect_uri=None)))
    for client_id, uri in (("none", None), ("none", "/login"), ("none", "javascript:alert(1)"), ("several", None)):
        answer = await browser.get(authorize_url(client_id, redirect_uri=uri))
        assert answer.status_code == 400
        assert "location" not in answer.headers


@pytest.mark.spec("original", "N07")
async def test_a_refresh_may_narrow_and_never_widens(browser: httpx.AsyncClient, application: str) -> None:
    code = await obtain_code(browser, application, "robin", scope="org:read team:read")
    pair = (await redeem(browser, application, code)).json()
    assert refused(
        await refreshed(browser, application, pair["refresh_token"], scope="org:read org:write"), "invalid_scope"
    )
    assert (await refreshed(browser, application, pair["refresh_token"], scope="org:read")).json()[
        "scope"
    ] == "org:read"


@pytest.mark.spec("original", "N08")
@pytest.mark.spec("original", "BUG 23")
async def test_bug_23_a_lost_answer_is_given_again_and_a_stolen_token_ends_the_family(
    site: Service, browser: httpx.AsyncClient, application: str
) -> None:
    code = await obtain_code(browser, application, "robin")
    old = (await redeem(browser, application, code)).json()["refresh_token"]
    lost = (await refreshed(browser, application, old)).json()
    again = (await refreshed(browser, application, old)).json()
    assert again["refresh_token"] == lost["refresh_token"]
    site.clock.forward(31)
    assert refused(await refreshed(browser, application, old))
    assert refused(await refreshed(browser, application, again["refresh_token"]))


@pytest.mark.spec("original", "N11")
@pytest.mark.spec("original", "BUG 24")
async def test_bug_24_nothing_is_issued_for_somebody_who_is_switched_off(
    site: Service, browser: httpx.AsyncClient, application: str
) -> None:
    username = await newcomer(site)
    pair = (await redeem(browser, application, await obtain_code(browser, application, username))).json()
    code = await obtain_code(browser, application, username)
    async with site.database.transaction() as transaction:
        assert await users.disable(transaction, await account(site, username), site.clock())
    assert refused(await redeem(browser, application, code))
    assert refused(await refreshed(browser, application, pair["refresh_token"]))
    assert not await active(browser, application, pair["access_token"])
    page = await follow(browser, await browser.get(authorize_url(application)))
    assert 'id="login-submit"' in page.text


@pytest.mark.spec("original", "N10")
async def test_an_application_that_is_off_is_unknown_at_every_step(
    site: Service, browser: httpx.AsyncClient, application: str
) -> None:
    witness = f"witness-{application}"
    await site.application(witness)
    pair = (await redeem(browser, application, await obtain_code(browser, application, "robin"))).json()
    code = await obtain_code(browser, application, "robin")
    waiting = await consent(browser, application, scope="org:read")
    async with site.database.transaction() as transaction:
        assert await application_states.disable(transaction, application, site.clock())
    assert (await browser.get(authorize_url(application))).status_code == 400
    clicked = await decide(browser, waiting)
    assert clicked.status_code >= 400
    assert "location" not in clicked.headers
    unknown = await redeem(browser, "nobody", code)
    for answer in (
        await redeem(browser, application, code),
        await refreshed(browser, application, pair["refresh_token"]),
        await browser.post("/oauth/introspect", data={"token": pair["access_token"]}, auth=(application, SECRET)),
    ):
        assert (answer.status_code, answer.json()) == (unknown.status_code, unknown.json())
    assert not await active(browser, witness, pair["access_token"])


@pytest.mark.spec("original", "N12")
async def test_nobody_approves_what_another_account_was_asked(browser: httpx.AsyncClient, application: str) -> None:
    page = await consent(browser, application)
    await browser.post("/logout", data=fields_of(await browser.get("/logout")))
    await sign_in(browser, "sam")
    answer = await decide(browser, page)
    assert "code=" not in answer.headers.get("location", "")


@pytest.mark.spec("original", "N14")
async def test_a_click_without_the_form_s_token_is_refused(browser: httpx.AsyncClient, application: str) -> None:
    fields = fields_of(await consent(browser, application))
    del fields["csrf"]
    answer = await browser.post("/consent", data={**fields, "decision": "approve"})
    assert answer.status_code == 403


@pytest.mark.spec("original", "N15")
async def test_an_unknown_decision_decides_nothing(browser: httpx.AsyncClient, application: str) -> None:
    page = await consent(browser, application)
    odd = await decide(browser, page, "perhaps")
    assert "location" not in odd.headers or not urlsplit(odd.headers["location"]).netloc
    assert "code" in answer_of(await decide(browser, page))


@pytest.mark.spec("original", "N16")
@pytest.mark.spec("original", "BUG 11")
async def test_bug_11_a_code_in_flight_is_worth_nothing_once_the_consent_is_taken_back(
    site: Service, browser: httpx.AsyncClient, application: str
) -> None:
    username = await newcomer(site)
    code = await obtain_code(browser, application, username)
    [record] = await records.list_for_user(site.database, await account(site, username))
    page = await browser.get(f"/account/applications/{record.id}/disconnect")
    await browser.post(f"/account/applications/{record.id}/disconnect", data=fields_of(page))
    assert refused(await redeem(browser, application, code))


@pytest.mark.spec("original", "BUG 22")
async def test_bug_22_a_code_needs_its_verifier_and_a_public_application_no_secret(
    site: Service, browser: httpx.AsyncClient, application: str
) -> None:
    code = await obtain_code(browser, application, "robin")
    assert (await redeem(browser, application, code, code_verifier=None)).status_code == 400
    assert answer_of(await browser.get(authorize_url(application, code_challenge=None)))["error"] == "invalid_request"
    public = f"public-{application}"
    await site.application(public, auth_method="none", kind="browser")
    code = await obtain_code(browser, public, "robin")
    data = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI, "client_id": public}
    assert (await browser.post("/oauth/token", data={**data, "code_verifier": VERIFIER})).status_code == 200
