"""`/account/tokens` as a person sees it: a token is made, shown once, renamed and deleted by its maker alone."""

import re
from collections.abc import Iterator
from html import unescape
from uuid import UUID

import httpx
import pytest

from app.protocol.token_format import Prefix, parse_credential
from app.services import personal_tokens
from tests.support import membership
from tests.support.browser import Browser, hidden_fields
from tests.support.site import PASSWORD, Site

PATH = "/account/tokens"
NOBODYS = "00000000-0000-4000-8000-000000000000"
WANTED = {"name": "Release script", "ends": str(90 * 86_400), "scope": "project:read"}


@pytest.fixture
async def ada(pages: Site) -> Browser:
    """Ada, an admin of an organization, signed in just now, without tokens."""
    person = await pages.add_user("ada")
    organization = await membership.found(pages.server.database, "northquay", pages.clock())
    await membership.join(pages.server.database, organization, person, "admin", pages.clock())
    return await pages.signed_in("ada")


async def create(browser: Browser, *scopes: str, **changes: str) -> httpx.Response:
    """Fill in the form for a new token."""
    fields = hidden_fields(await browser.get(PATH)) | WANTED | changes
    pairs = [(name, value) for name, value in fields.items() if name != "scope" or not scopes]
    return await browser.post(PATH, pairs + [("scope", scope) for scope in scopes])


def secret_of(page: httpx.Response) -> str:
    """Return the token that a page shows."""
    [text] = re.findall(r'<textarea[^>]* id="secret"[^>]*>([^<]+)</textarea>', page.text)
    return unescape(text)


async def addresses(browser: Browser) -> list[str]:
    """Return the addresses of the tokens in the list."""
    page = await browser.get(PATH)
    assert page.status_code == 200, page.text
    return re.findall(rf'<th scope="row"><a href="({PATH}/[0-9a-f-]{{36}})"', page.text)


def problems_of(page: httpx.Response) -> Iterator[tuple[str, str]]:
    """Yield the field and the words of each problem in the summary, whose links lead to what is there."""
    assert page.status_code == 422
    assert "<title>Error: " in page.text
    summary = page.text.partition('id="problems"')[2].partition("</ul>")[0]
    for field, message in re.findall(r'<a href="#([^"]+)">([^<]+)</a>', summary):
        assert f'id="{field}"' in page.text
        yield field, unescape(message)


@pytest.mark.parametrize("path", [PATH, f"{PATH}/new", f"{PATH}/{NOBODYS}", f"{PATH}/{NOBODYS}/delete"])
async def test_whoever_is_not_signed_in_signs_in_first(pages: Site, path: str) -> None:
    async with pages.browser() as browser:
        answer = await browser.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login")


async def test_a_token_is_shown_on_the_answer_to_its_form_and_never_again(ada: Browser) -> None:
    assert "You have no tokens" in (await ada.get(PATH)).text
    page = await create(ada, "project:read", "event:read")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    token = secret_of(page)
    assert parse_credential(Prefix.PERSONAL_TOKEN, token)
    assert "May: See projects; See events." in unescape(page.text)
    [address] = await addresses(ada)
    for later in (await ada.get(PATH), await ada.get(address)):
        assert "Release script" in later.text
        assert token not in later.text
        assert f"…{token[-4:]}" in later.text
        assert "project:read" in later.text


async def test_the_form_sent_again_makes_nothing_new(ada: Browser) -> None:
    fields = hidden_fields(await ada.get(PATH)) | WANTED
    first, again = await ada.post(PATH, fields), await ada.post(PATH, fields)
    assert secret_of(first)
    assert "You have seen this token once" in again.text
    assert secret_of(first) not in again.text
    assert len(await addresses(ada)) == 1


async def test_the_form_offers_what_the_roles_allow_and_the_usual_end(pages: Site, ada: Browser) -> None:
    page = (await ada.get(PATH)).text
    offered = re.findall(r'name="scope" value="([^"]+)"', page)
    assert "project:write" in offered
    assert not {"org:admin", "member:write", "openid", "offline_access"} & {*offered}
    assert offered.index("project:admin") < offered.index("project:read")
    ends = re.findall(r'<option value="(\w+)"( selected)?>([^<]+)<', page)
    assert [title.partition(",")[0] for _, _, title in ends] == [
        "In 7 days",
        "In 30 days",
        "In 90 days",
        "In 1 year",
        "Never",
    ]
    assert [value for value, selected, _ in ends if selected] == [str(90 * 86_400)]


async def test_whose_roles_allow_nothing_is_told_so_and_gets_nothing(pages: Site) -> None:
    await pages.add_user("bob", "bob@example.org")
    bob = await pages.signed_in("bob")
    page = await bob.get(PATH)
    assert "Your roles allow you nothing" in page.text
    csrf = hidden_fields(await bob.get("/logout"))["csrf"]
    answer = await bob.post(PATH, WANTED | {"csrf": csrf, "once": "x"})
    assert answer.status_code == 422
    assert await addresses(bob) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": " "}, [("name", "Give the token a name")]),
        ({"name": "x" * 65}, [("name", "Use 64 characters or fewer")]),
        ({"name": "a\u202eb"}, [("name", "Leave out characters that cannot be seen")]),
        ({"ends": "1"}, [("ends", "Choose when the token ends")]),
        ({"ends": ""}, [("ends", "Choose when the token ends")]),
        ({"scope": "openid"}, [("scope", "openid is for signing in to applications, and no personal token holds it")]),
        (
            {"scope": "org:admin"},
            [("scope", "org:admin is more than your roles allow you in any of your organizations")],
        ),
        ({"scope": "<b>"}, [("scope", "<b> is no scope of this server")]),
    ],
    ids=range(8),
)
async def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
    ada: Browser, changes: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    page = await create(ada, **changes)
    assert [*problems_of(page)] == expected
    if "name" not in changes:
        assert 'value="Release script"' in page.text
    if "scope" not in changes:
        assert re.search(r'value="project:read" checked', page.text)
    assert await addresses(ada) == []


async def test_a_token_without_a_permission_is_refused(ada: Browser) -> None:
    fields = hidden_fields(await ada.get(PATH)) | {"name": "x", "ends": "never"}
    page = await ada.post(PATH, fields)
    assert [*problems_of(page)] == [("scope", "Tick at least one permission")]
    assert re.search(r'value="never" selected', page.text)


async def test_the_limit_is_said_in_the_form(ada: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(personal_tokens, "MAX_LIVE", 1)
    await create(ada)
    assert [field for field, _ in problems_of(await create(ada))] == ["name"]


async def test_ends_are_shown_and_near_ones_stand_out(pages: Site, ada: Browser) -> None:
    await create(ada, name="Endless", ends="never")
    assert "badge--warning" not in (await ada.get(PATH)).text
    await create(ada, name="Short", ends=str(7 * 86_400))
    page = (await ada.get(PATH)).text
    assert re.search(r'<span class="badge badge--warning">7 days</span>', page)
    pages.clock.move(days=7)
    later = await pages.signed_in("ada")
    page = (await later.get(PATH)).text
    assert "Ended <time" in page
    assert "badge--warning" not in page
    assert re.search(r'data-label="Ends">Never', page)


async def test_what_nothing_has_used_for_long_stands_out(pages: Site, ada: Browser) -> None:
    await create(ada, ends="never")
    assert "Unused" not in (await ada.get(PATH)).text
    pages.clock.move(days=91)
    assert "Unused" in (await (await pages.signed_in("ada")).get(PATH)).text


async def test_deleting_asks_first_and_then_ends_it(ada: Browser) -> None:
    await create(ada)
    [address] = await addresses(ada)
    question = await ada.get(f"{address}/delete")
    assert "It has never been used" in question.text
    assert await addresses(ada) == [address]
    answer = await ada.post(f"{address}/delete", hidden_fields(question))
    assert answer.status_code == 303
    shown = await ada.get(answer.headers["location"])
    assert "“<bdi>Release script</bdi>” is deleted" in shown.text
    assert await addresses(ada) == []
    assert (await ada.get(address)).status_code == 404
    assert (await ada.post(f"{address}/delete", hidden_fields(question))).status_code == 404


async def test_the_banner_says_nothing_that_did_not_happen(ada: Browser) -> None:
    await create(ada)
    [address] = await addresses(ada)
    for claimed in (address.removeprefix(f"{PATH}/"), NOBODYS, "x", "%00", "<b>"):
        assert "is deleted" not in (await ada.get(f"{PATH}?deleted={claimed}")).text


async def test_renaming_changes_the_name_and_nothing_else(ada: Browser) -> None:
    await create(ada)
    [address] = await addresses(ada)
    page = await ada.get(address)
    answer = await ada.post(f"{address}/rename", hidden_fields(page) | {"name": "Laptop"})
    assert answer.status_code == 303
    shown = await ada.get(answer.headers["location"])
    assert "The token is now called “<bdi>Laptop</bdi>”" in shown.text
    assert "See projects" in shown.text
    refused = await ada.post(f"{address}/rename", hidden_fields(page) | {"name": ""})
    assert [*problems_of(refused)] == [("name", "Give the token a name")]
    assert "Laptop" in (await ada.get(PATH)).text


async def test_making_and_ending_one_needs_a_recent_sign_in(pages: Site, ada: Browser) -> None:
    form = hidden_fields(await ada.get(PATH))
    await create(ada)
    [address] = await addresses(ada)
    pages.clock.move(minutes=16)
    listed = await ada.get(PATH)
    assert 'id="create-token"' not in listed.text
    assert f'href="{PATH}/new"' in listed.text
    for answer in (
        await ada.get(f"{PATH}/new"),
        await ada.post(PATH, form | WANTED),
        await ada.get(f"{address}/delete"),
        await ada.post(f"{address}/delete", form),
        await ada.post(f"{address}/rename", form | {"name": "x"}),
    ):
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login?again=1")
    assert await addresses(ada) == [address]
    again = (await ada.get(f"{PATH}/new")).headers["location"]
    answer = await ada.fill(again, "/login", username="ada", password=PASSWORD)
    assert answer.headers["location"] == f"{PATH}/new"
    answer = await ada.get(f"{PATH}/new")
    assert answer.headers["location"] == f"{PATH}#new"
    assert 'id="create-token"' in (await ada.get(PATH)).text


async def test_somebody_elses_token_is_answered_like_none_at_all(pages: Site, ada: Browser) -> None:
    await create(ada)
    [address] = await addresses(ada)
    await pages.add_user("bob", "bob@example.org")
    bob = await pages.signed_in("bob")
    csrf = {"csrf": hidden_fields(await bob.get("/logout"))["csrf"], "name": "mine"}
    seen = set()
    for target in (address, f"{PATH}/{NOBODYS}", f"{PATH}/x", f"{PATH}/%00", address.upper().replace(*_LOWER)):
        for answer in (
            await bob.get(target),
            await bob.get(f"{target}/delete"),
            await bob.post(f"{target}/delete", csrf),
            await bob.post(f"{target}/rename", csrf),
        ):
            seen.add((answer.status_code, re.sub(r"req_\w+", "", answer.text)))
    assert [status for status, _ in seen] == [404]
    token = UUID(address.rpartition("/")[2])
    assert "is deleted" not in (await bob.get(f"{PATH}?deleted={token}")).text
    assert await addresses(ada) == [address]


_LOWER = (PATH.upper(), PATH)


async def test_the_form_of_another_site_changes_nothing(ada: Browser) -> None:
    await create(ada)
    [address] = await addresses(ada)
    form = hidden_fields(await ada.get(PATH)) | WANTED
    ada.headers = {"Sec-Fetch-Site": "cross-site"}
    for target in (PATH, f"{address}/delete", f"{address}/rename"):
        assert (await ada.post(target, form)).status_code == 403
    ada.headers = {}
    assert (await ada.post(f"{address}/delete", {"csrf": ""})).status_code == 403
    assert await addresses(ada) == [address]


async def test_a_long_list_has_pages(pages: Site, ada: Browser) -> None:
    for number in range(51):
        assert (await create(ada, name=f"token {number}")).status_code == 200
        pages.clock.move(seconds=1)
    first = await ada.get(PATH)
    [older] = re.findall(rf'href="({PATH}\?after=[\w-]+)" rel="next"', first.text)
    second = await ada.get(older)
    assert [len(re.findall('<th scope="row">', page.text)) for page in (first, second)] == [50, 1]
    assert 'rel="next"' not in second.text
    assert (await ada.get(f"{PATH}?after=nonsense")).status_code == 200
