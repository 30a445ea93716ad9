"""The administration in the browser: operators find, shut out, check and ask why; others find no such pages."""

from uuid import UUID

import httpx
import pytest

from app.store import administration
from tests.support.service import Service, authorize_url, fields_of, obtain_code, redeem, sign_in

USERS, APPLICATIONS, REQUESTS = "/admin/users", "/admin/applications", "/admin/requests"


@pytest.fixture(scope="module")
async def ids(site: Service) -> dict[str, UUID]:
    """Operators `ada` and `grace`, and somebody with an application of his own."""
    made = {name: await site.user(name, operator=True) for name in ("ada", "grace")}
    made["sue"] = await site.user("sue")
    await site.application("notes/1", name="Notes <b>", owner_user_id=made["sue"], owner_name="sue")
    async with site.database.transaction() as transaction:
        await administration.mark(transaction, "notes/1", verified=False, by=made["ada"], note="", now=site.clock())
    return made


@pytest.fixture
async def ada(browser: httpx.AsyncClient, ids: dict[str, UUID]) -> httpx.AsyncClient:
    """The browser of an operator who has just signed in."""
    assert (await sign_in(browser, "ada")).status_code == 303
    return browser


async def press(browser: httpx.AsyncClient, page: str, to: str, **typed: str) -> httpx.Response:
    """Send the form of a page."""
    return await browser.post(to, data={**fields_of(await browser.get(page)), **typed})


async def test_others_find_no_such_pages(browser: httpx.AsyncClient, ids: dict[str, UUID]) -> None:
    paths = [
        "/admin",
        USERS,
        f"{USERS}/{ids['sue']}",
        f"{USERS}/{ids['sue']}/disable",
        APPLICATIONS,
        f"{APPLICATIONS}/web",
        f"{APPLICATIONS}/web/disable",
        REQUESTS,
        f"{REQUESTS}/req_x",
    ]
    for step in ("nobody", "sam"):
        if step == "sam":
            await sign_in(browser, "sam")
        form = fields_of(await browser.get("/logout" if step == "sam" else "/login"))
        for path in paths:
            answer = await browser.get(path)
            assert answer.status_code == 404
            assert "There is nothing here" in answer.text
        for path in (f"{USERS}/{ids['sue']}/disable", f"{USERS}/{ids['sue']}/enable", f"{APPLICATIONS}/web/check"):
            assert (await browser.post(path, data={"csrf": form["csrf"]})).status_code == 404
    assert "/admin/" not in (await browser.get("/account")).text


async def test_the_navigation_of_an_operator_leads_there(ada: httpx.AsyncClient) -> None:
    page = await ada.get("/account")
    for path in (USERS, APPLICATIONS, REQUESTS):
        assert f'href="{path}"' in page.text
        assert (await ada.get(path)).status_code == 200
    assert (await ada.get("/admin")).headers["location"] == USERS


async def test_people_are_found_by_the_beginning_of_a_name(ada: httpx.AsyncClient, ids: dict[str, UUID]) -> None:
    page = await ada.get(USERS, params={"q": "SU"})
    assert f'href="{USERS}/{ids["sue"]}"' in page.text
    assert str(ids["grace"]) not in page.text
    for q in ("x", "%", "\x00", "x" * 5000, '"><script>'):
        nothing = await ada.get(USERS, params={"q": q})
        assert nothing.status_code == 200
        assert "<script>" not in nothing.text
        assert ("Nobody fits" in nothing.text) == (q != "\x00")


async def test_a_long_list_has_pages(site: Service, ada: httpx.AsyncClient) -> None:
    for number in range(60):
        await site.user(f"many{number:02}")
    first = await ada.get(USERS, params={"q": "many"})
    onwards = first.text.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    second = await ada.get(onwards)
    assert ("many59" in first.text, "many10" in first.text, "many09" in first.text) == (True, True, False)
    assert ("many09" in second.text, "many00" in second.text, "many10" in second.text) == (True, True, False)
    assert 'rel="next"' not in second.text
    for after in ("x", "%00", "00000000-0000-4000-8000-000000000000"):
        assert (await ada.get(f"{USERS}?after={after}")).status_code == 200


async def test_disabling_a_person_asks_first_and_works_at_once(
    site: Service, ada: httpx.AsyncClient, ids: dict[str, UUID]
) -> None:
    path = f"{USERS}/{ids['sue']}"
    async with site.browser() as hers:
        await sign_in(hers, "sue")
        shown = await ada.get(path)
        assert f'href="{path}/disable"' in shown.text
        asked = await ada.get(f"{path}/disable")
        assert "1 session ends" in asked.text
        assert (await hers.get("/account")).status_code == 200
        done = await press(ada, f"{path}/disable", f"{path}/disable")
        assert (done.status_code, done.headers["location"]) == (303, f"{path}?done=disabled")
        assert "is disabled" in (await ada.get(done.headers["location"])).text
        assert (await hers.get("/account")).status_code == 303
        back = await press(ada, path, f"{path}/enable")
        assert "may sign in" in (await ada.get(back.headers["location"])).text
        assert "is disabled" not in (await ada.get(done.headers["location"])).text
        assert (await sign_in(hers, "sue")).status_code == 303


async def test_nobody_disables_himself(ada: httpx.AsyncClient, ids: dict[str, UUID]) -> None:
    path = f"{USERS}/{ids['ada']}"
    assert f"{path}/disable" not in (await ada.get(path)).text
    asked = await ada.get(f"{path}/disable")
    assert asked.status_code == 409
    assert "<form" not in asked.text
    form = fields_of(await ada.get("/logout"))
    refused = await ada.post(f"{path}/disable", data={"csrf": form["csrf"]})
    assert refused.status_code == 409
    assert (await ada.get(USERS)).status_code == 200


async def test_changes_after_hours_begin_with_the_password_and_lead_back(
    site: Service, ada: httpx.AsyncClient, ids: dict[str, UUID]
) -> None:
    path = f"{USERS}/{ids['grace']}"
    site.clock.forward(3 * 3600)
    assert (await ada.get(path)).status_code == 200
    for answer in (
        await ada.get(f"{path}/disable"),
        await press(ada, path.replace(str(ids["grace"]), str(ids["sue"])), f"{path}/disable", csrf=await csrf(ada)),
    ):
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login?again=1&to=")
    confirm = await ada.get(answer.headers["location"])
    assert "Confirm that it is you" in confirm.text
    back = await sign_in(ada, "ada", confirm)
    assert back.headers["location"] == f"{path}/disable"
    assert (await ada.get(back.headers["location"])).status_code == 200


async def test_an_application_is_checked_with_a_note_and_unchecked(ada: httpx.AsyncClient) -> None:
    path = f"{APPLICATIONS}/=bm90ZXMvMQ"
    unchecked = await ada.get(APPLICATIONS, params={"show": "unchecked"})
    assert f'href="{path}"' in unchecked.text
    assert "Notes &lt;b&gt;" in unchecked.text
    too_long = await press(ada, path, f"{path}/check", note="x" * 501)
    assert too_long.status_code == 422
    assert 'href="#note"' in too_long.text
    assert "x" * 501 in too_long.text
    done = await press(ada, path, f"{path}/check", note="Looked at by hand & eye")
    shown = await ada.get(done.headers["location"])
    assert "is marked as checked" in shown.text
    assert "Looked at by hand &amp; eye" in shown.text
    assert path not in (await ada.get(APPLICATIONS, params={"show": "unchecked"})).text
    back = await press(ada, path, f"{path}/check")
    assert "no longer marked" in (await ada.get(back.headers["location"])).text


async def test_disabling_an_application_asks_first_and_works_at_once(site: Service, ada: httpx.AsyncClient) -> None:
    path = f"{APPLICATIONS}/other"
    async with site.browser() as hers:
        token = (await redeem(hers, "other", await obtain_code(hers, "other", "robin"))).json()["access_token"]
    assert "Its owner can’t" in (await ada.get(f"{path}/disable")).text
    done = await press(ada, f"{path}/disable", f"{path}/disable")
    assert "is disabled" in (await ada.get(done.headers["location"])).text
    async with site.browser() as script:
        refused = await script.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
        assert refused.status_code == 401
        assert (await script.get(authorize_url("other"))).status_code == 400
    assert "other" in (await ada.get(APPLICATIONS, params={"show": "inactive"})).text
    back = await press(ada, path, f"{path}/enable")
    assert "is enabled" in (await ada.get(back.headers["location"])).text


@pytest.mark.parametrize("segment", ["nothing", "%00", "=", "=AA", "=_w", "..", "x" * 3000])
async def test_what_is_not_there_is_not_found(ada: httpx.AsyncClient, segment: str) -> None:
    for path in (f"{USERS}/{segment}", f"{APPLICATIONS}/{segment}", f"{APPLICATIONS}/{segment}/disable"):
        assert (await ada.get(path)).status_code in (303, 404)


async def test_a_refused_request_is_explained_by_its_reference(site: Service, ada: httpx.AsyncClient) -> None:
    async with site.browser() as stranger:
        refused = await stranger.get(authorize_url("web", redirect_uri="https://client.example/callback/"))
    reference = refused.headers["x-request-id"]
    assert reference in refused.text
    await site.server.traces.flush()
    found = await ada.get(REQUESTS, params={"q": f" {reference} "})
    assert (found.status_code, found.headers["location"]) == (303, f"{REQUESTS}/{reference}")
    page = await ada.get(found.headers["location"])
    assert "<h1>Refused: redirect_uri is not registered for this application</h1>" in page.text
    assert "<code>https://client.example/callback<mark>/</mark></code>" in page.text
    assert "<dt>Closest</dt><dd><code>https://client.example/callback</code></dd>" in page.text
    assert "Nothing was sent to the application." in page.text
    assert "not reached" in page.text
    assert f'href="{APPLICATIONS}/web"' in page.text


async def test_why_a_person_was_asked_is_said(site: Service, ada: httpx.AsyncClient) -> None:
    async with site.browser() as stranger:
        asked = await stranger.get(authorize_url("web"))
    await site.server.traces.flush()
    page = await ada.get(f"{REQUESTS}/{asked.headers['x-request-id']}")
    assert "<h1>Asked to sign in: nobody is signed in</h1>" in page.text
    assert "Because nobody is signed in." in page.text


async def test_secrets_in_what_was_received_are_cut(site: Service, ada: httpx.AsyncClient) -> None:
    secret = "asat_" + "A" * 76
    async with site.browser() as stranger:
        refused = await stranger.get(authorize_url("web", redirect_uri=f"https://client.example/{secret}"))
        named = await stranger.get(authorize_url(secret))
    await site.server.traces.flush()
    for answer in (refused, named):
        page = await ada.get(f"{REQUESTS}/{answer.headers['x-request-id']}")
        assert page.status_code == 200
        assert secret not in page.text


@pytest.mark.parametrize("q", ["req_nothing", "a b", "../../x", "%", "\x00", "x" * 5000, '"><script>'])
async def test_nothing_recorded_is_said_so(ada: httpx.AsyncClient, q: str) -> None:
    answer = await ada.get(REQUESTS, params={"q": q})
    if answer.status_code == 303:
        answer = await ada.get(answer.headers["location"])
    assert answer.status_code == 404
    assert "Nothing is recorded under this ID" in answer.text
    assert "<script>" not in answer.text


async def csrf(browser: httpx.AsyncClient) -> str:
    """Return the token of the browser's forms."""
    return fields_of(await browser.get("/logout"))["csrf"]
