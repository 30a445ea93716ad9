"""The guard of every form: origin, token, shape. `/logout` stands for all of them, since it needs nobody signed in."""

import httpx
import pytest

from app.protocol.params import MAX_BODY
from tests.support.browser import Browser, hidden_fields
from tests.support.site import Site, open_site

FORM = "application/x-www-form-urlencoded"


async def send(browser: Browser, body: bytes | str, **headers: str) -> httpx.Response:
    """POST exactly these bytes with exactly these headers."""
    spelled = {"Content-Type": FORM} | {name.replace("_", "-"): value for name, value in headers.items()}
    return await browser.client.post("/logout", content=body, headers=spelled)


async def token_of(browser: Browser) -> str:
    """Open the sign-in page and read its token."""
    return hidden_fields(await browser.get("/login"))["csrf"]


@pytest.mark.parametrize(
    ("fetch_site", "origin", "accepted"),
    [
        (None, None, True),
        ("same-origin", None, True),
        ("none", None, True),
        (None, "http://localhost:8000", True),
        ("same-origin", "http://localhost:8000", True),
        ("same-site", None, False),
        ("cross-site", None, False),
        ("cross-site", "http://localhost:8000", False),
        ("same-origin", "http://localhost:8001", False),
        ("same-origin", "https://localhost:8000", False),
        ("same-origin", "null", False),
        ("none", "null", False),
        (None, "null", False),
        (None, "https://attacker.example", False),
        ("", None, False),
        (None, "", False),
    ],
)
async def test_a_form_counts_only_from_our_own_origin(
    pages: Site, fetch_site: str | None, origin: str | None, accepted: bool
) -> None:
    async with pages.browser() as browser:
        headers = {} if fetch_site is None else {"Sec_Fetch_Site": fetch_site}
        headers |= {} if origin is None else {"Origin": origin}
        answer = await send(browser, f"csrf={await token_of(browser)}", **headers)
        assert answer.status_code == (200 if accepted else 403)
        assert ("You are signed out" in answer.text) is accepted


@pytest.mark.spec("standards", "A1-4")
async def test_a_form_without_a_token_is_refused(pages: Site) -> None:
    async with pages.browser() as browser:
        await token_of(browser)
        for body in ("", "csrf=", "csrf=x", "csrf=%E2%82%AC", "other=1"):
            answer = await send(browser, body)
            assert answer.status_code == 403
            assert "We didn’t accept that form" in answer.text


async def test_the_token_of_another_browser_is_refused(pages: Site) -> None:
    async with pages.browser() as mine, pages.browser() as theirs:
        await token_of(mine)
        assert (await send(mine, f"csrf={await token_of(theirs)}")).status_code == 403


async def test_a_browser_that_keeps_no_cookies_is_told_so(pages: Site) -> None:
    async with pages.browser() as browser:
        token = await token_of(browser)
        browser.client.cookies.clear()
        answer = await send(browser, f"csrf={token}")
        assert answer.status_code == 403
        assert "Your browser didn’t send our cookie" in answer.text


@pytest.mark.parametrize("planted", ["", "x", "A" * 42, "A" * 44, "é" * 43, "!" * 43, "A" * 9000])
async def test_a_browser_cookie_that_we_cannot_have_made_is_replaced(pages: Site, planted: str) -> None:
    async with pages.browser() as browser:
        answer = await browser.client.get("/login", headers=[(b"cookie", f"assent_browser={planted}".encode())])
        assert answer.status_code == 200
        assert len(browser.cookie("assent_browser") or "") == 43


async def test_the_browser_cookie_stays_the_same_across_pages(pages: Site) -> None:
    async with pages.browser() as browser:
        await browser.get("/login")
        first = browser.cookie("assent_browser")
        answer = await browser.get("/login")
        assert "set-cookie" not in answer.headers
        assert browser.cookie("assent_browser") == first


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"csrf=%ff", 400),
        (b"csrf=\xff", 400),
        (b"csrf=%00", 400),
        (b"csrf=%zz", 400),
        (b"csrf=%", 400),
        (b"csrf=a&csrf=a", 400),
        (b"csrf=a&x=1&x=2", 400),
        (b"&".join(b"f%d=1" % i for i in range(500)), 400),
        (b"csrf=" + b"a" * MAX_BODY, 413),
        (b"\x00" * 100, 400),
        (b"=&=&==", 400),
        (b"{}", 403),
    ],
)
async def test_a_malformed_form_is_refused_with_a_page(pages: Site, body: bytes, status: int) -> None:
    async with pages.browser() as browser:
        await token_of(browser)
        answer = await send(browser, body)
        assert answer.status_code == status
        assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("media_type", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""])
async def test_only_urlencoded_forms_are_read(pages: Site, media_type: str) -> None:
    async with pages.browser() as browser:
        token = await token_of(browser)
        assert (await send(browser, f"csrf={token}", Content_Type=media_type)).status_code == 400


async def test_a_charset_behind_the_media_type_does_not_matter(pages: Site) -> None:
    async with pages.browser() as browser:
        token = await token_of(browser)
        answer = await send(browser, f"csrf={token}", Content_Type=f"{FORM.title()}; charset=UTF-8")
        assert answer.status_code == 200


async def test_scope_may_come_several_times(pages: Site) -> None:
    async with pages.browser() as browser:
        token = await token_of(browser)
        assert (await send(browser, f"csrf={token}&scope=a&scope=b")).status_code == 200


@pytest.mark.spec("standards", "A1-4")
@pytest.mark.spec("standards", "A1-5")
@pytest.mark.spec("standards", "BC-20")
async def test_every_page_is_private_and_cannot_be_framed(pages: Site) -> None:
    async with pages.browser() as browser:
        for path in ("/", "/login", "/logout", "/setup/nothing", "/login?interaction=nothing"):
            answer = await browser.get(path)
            assert answer.headers["cache-control"] == "no-store"
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
            assert answer.headers["referrer-policy"] == "same-origin"
        assert "form-action" not in (await browser.get("/login")).headers["content-security-policy"]
        assert "form-action 'self'" in (await browser.get("/")).headers["content-security-policy"]


async def test_cookies_on_http_are_ours_alone_and_closed_to_scripts(pages: Site) -> None:
    async with pages.browser() as browser:
        answer = await browser.get("/login")
        set_cookie = answer.headers["set-cookie"]
        assert set_cookie.startswith("assent_browser=")
        assert {"HttpOnly", "Path=/", "SameSite=lax"} == set(set_cookie.split("; ")[1:])


async def test_cookies_on_https_have_the_host_prefix_and_are_secure(pages: Site) -> None:
    secure = open_site(pages.server.database, issuer="https://id.example.org")
    async with secure.browser() as browser:
        set_cookie = (await browser.get("/login")).headers["set-cookie"]
        assert set_cookie.startswith("__Host-assent_browser=")
        assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure"} == set(set_cookie.split("; ")[1:])
        assert (await browser.fill("/login", "/logout")).status_code == 200
