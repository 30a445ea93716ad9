"""What a hostile application says of itself, on every page that says it on, in Chromium (DR-13).

Nothing of it runs, leaves, loads, reorders or covers anything. It is written into the database, past everything that
would refuse it at the door: a page has to be harmless whatever was registered, by whichever version.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.chromium import NARROWEST, PATIENCE, SIDEWAYS, screenshot_folder
from tests.support.lived_in import LivedIn, write
from tests.support.visits import VISITS, Visit
from tests.support.walking import Walker
from tests.support.walking import walkers as walkers
from tests.support.walking import world as world

pytestmark = pytest.mark.slow

MARK = "Zq9"
"""Begins each of these names, so that a page tells whether it says one."""

NAMES: Mapping[str, str] = {
    "markup": '"><script>window.ran = 1</script><img src=x onerror="window.ran = 1"></bdi></title><style>*{color:red}',
    "a template": "{{ 7 * 7 }}${7*7}{% raw %}&lt;b&gt;<b>bold</b>' onmouseover='window.ran = 1",
    "bidirectional controls": "\u202e\u2066\u200fevil\u2069\u202c\u202d reversed \u061c\u200e\u2067",
    "what nobody sees": "Ad\u200bmin\u3164\u2060\ufeff\u00ad\U000e0041\u115f",
    "lines": "one\r\nSet-Cookie: a=b\r\n\r\n\u2028two\u2029\x0b\x0c\x85three",
    "piled marks": "Z" + "\u0335\u0489\u0301\u20dd" * 400,
    "a giant": "W" * 50_000,
    "wide signs": "\ufdfd" * 60 + "\U0001242b" * 60,
    "right to left": "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 123 \u2713 Checked by Assent",
    "a look-alike": "D\u0435pl\u043ey Di\u0430ry \u2705",
    "quotation marks": "”” is checked by Assent. “Other",
}
SAID = {
    "logo_uri": "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='window.ran = 1'/>",
    "policy_uri": "javascript:window.ran=1",
    "tos_uri": "data:text/html,<script>window.ran=1</script>",
}

PLACES = {
    *("/login", "/select-account", "/consent", "/oauth/authorize", "/oauth/logout"),
    *("/device/confirm", "/device/done", "/approvals", "/approvals/{approval_id}"),
    *("/account", "/account/applications", "/account/applications/{record_id}", "/account/activity"),
    *("/account/applications/{record_id}/history", "/account/applications/{record_id}/disconnect"),
    *("/apps", "/apps/{segment}", "/apps/{segment}/off", "/apps/{segment}/hand-over", "/apps/{segment}/delete"),
    *("/organizations/{slug}/applications", "/organizations/{slug}/audit"),
    *("/admin/applications", "/admin/applications/{segment}", "/admin/applications/{segment}/disable"),
    *("/admin/audit", "/admin/requests/{request_id}"),
}
"""Where the words of an application stand at least."""

WRONG = """mark => {
    const wrong = [];
    if (window.ran) wrong.push('a script ran');
    const runs = /^\\s*(javascript|data|vbscript|blob|file):/i;
    for (const one of document.querySelectorAll('*')) {
        for (const {name, value} of one.attributes) {
            if (name.startsWith('on')) wrong.push(`${one.tagName} has ${name}`);
            if (['href', 'src', 'action', 'formaction'].includes(name) && runs.test(value))
                wrong.push(`${one.tagName} leads to ${value}`);
        }
        if (['SCRIPT', 'STYLE', 'OBJECT', 'EMBED', 'IFRAME', 'IMG', 'BASE'].includes(one.tagName))
            wrong.push(`there is ${one.outerHTML.slice(0, 80)}`);
    }
    const steers = /[\\u00ad\\u061c\\u115f\\u1160\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u2069\\u3164\\ufeff]/;
    const foreign = /[\\u0590-\\u08ff\\ufb1d-\\ufdff]/;
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let text; (text = texts.nextNode());) {
        const at = text.parentElement;
        if (steers.test(text.data)) wrong.push(`${at.tagName} is steered: ${text.data.slice(0, 80)}`);
        if (at.closest('code')) continue;
        if (foreign.test(text.data) && !at.closest('bdi, [dir=auto], option, .tile, .avatar'))
            wrong.push(`${at.tagName} is not set apart: ${text.data.slice(0, 80)}`);
        if (text.data.includes(mark) && text.data.length > 400) wrong.push(`${at.tagName} goes on and on`);
    }
    if (steers.test(document.title) || document.title.length > 200) wrong.push(`title ${document.title}`);
    for (const button of document.querySelectorAll('button, a.btn')) {
        if (!button.checkVisibility()) continue;
        button.scrollIntoView({block: 'center'});
        const {left, top, width, height} = button.getBoundingClientRect();
        const seen = document.elementFromPoint(left + width / 2, top + height / 2);
        if (!seen || !button.contains(seen)) wrong.push(`${button.outerHTML.slice(0, 80)} is covered`);
    }
    return wrong;
}"""
"""What is wrong with a page that shows the words of an application."""


def harm_of(walker: Walker, page: Page) -> list[str]:
    """Return what is wrong with what the page shows, as wide as a small phone is."""
    page.set_viewport_size({"width": NARROWEST, "height": 900})
    wrong: list[str] = page.evaluate(WRONG, MARK)
    if beyond := page.evaluate(SIDEWAYS):
        wrong.append(f"it scrolls sideways by {beyond}")
    complaints = [one for one in walker.complaints if "the server responded with a status of 4" not in one]
    return [*wrong, *complaints, *walker.abroad]


@pytest.fixture(scope="module")
def folder() -> Path | None:
    """Where screenshots are kept for people to look at, if anywhere."""
    return screenshot_folder("hostile")


def make_hostile(world: LivedIn) -> None:
    """Have every application say something hostile, in turn; what `notes` says is what it says for itself."""
    names = [MARK + name for name in NAMES.values()]
    listed = ", ".join(f"({number}, {literal(name)})" for number, name in enumerate(names))
    write(
        world.server,
        f"""with said (number, name) as (values {listed}),
                 numbered as (select id, (row_number() over (order by id)) % {len(names)} number from application)
            update application a
               set name = said.name, owner_name = case when owner_name = '' then '' else said.name end,
                   introduction = {literal(json.dumps(SAID))}::jsonb
              from numbered, said where numbered.id = a.id and said.number = numbered.number""",
    )
    notes, message = literal(world.named["notes"]), literal(MARK + NAMES["markup"] + NAMES["right to left"])
    write(world.server, f"update application set self_registered = true where client_id = {notes}")
    write(world.server, f"update backchannel_request set binding_message = {message}")


def literal(text: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def shown(world: LivedIn) -> Iterator[tuple[str, Visit]]:
    """Yield the visits to pages that say the words of an application."""
    nobody = world.server.client()
    with nobody:
        for route, visits in VISITS.items():
            browsers = [world.residents[one.person].browser if one.person else nobody for one in visits]
            for one, browser in zip(visits, browsers, strict=True):
                if MARK in browser.get(world.address(one.address), follow_redirects=True).text:
                    yield route, one


@pytest.mark.spec("standards", "DR-13")
def test_hostile_words_are_harmless_wherever_they_are_shown(
    world: LivedIn, walkers: Mapping[str, Walker], folder: Path | None
) -> None:
    make_hostile(world)
    seen, harm = set(), {}
    for number, (route, visit) in enumerate(shown(world)):
        walker = walkers[visit.person]
        page, status = walker.open(world.address(visit.address))
        assert status == visit.status, visit
        if wrong := harm_of(walker, page):
            harm[visit.address] = wrong
        seen.add(route)
        if folder:
            page.screenshot(path=folder / f"{number}.png", full_page=True)
    assert harm == {}
    assert PLACES - seen == set()


@pytest.mark.spec("standards", "DR-13")
def test_whatever_its_name_is_a_person_can_decide_about_it(
    world: LivedIn, walkers: Mapping[str, Walker], folder: Path | None
) -> None:
    make_hostile(world)
    sam, notes = walkers["sam"], literal(world.named["notes"])
    [asking] = [visit for visit in VISITS["/consent"] if visit.person == "sam" and "{notes}" in visit.address]
    for what, name in NAMES.items():
        write(world.server, f"update application set name = {literal(MARK + name)} where client_id = {notes}")
        page, _ = sam.open(world.address(asking.address))
        assert harm_of(sam, page) == [], what
        expect(page.locator("h1")).to_contain_text(MARK)
        if folder:
            page.screenshot(path=folder / f"consent with {what}.png", full_page=True)
    page, _ = sam.open(world.address(asking.address))
    page.click("#consent-deny")
    expect(page.locator("h1")).to_contain_text("You didn’t allow", timeout=PATIENCE)
    assert harm_of(sam, page) == []
