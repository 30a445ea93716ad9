"""A program in a terminal asks, and its person allows it in a browser: by keyboard alone, and looked at on the way."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.conftest import PASSWORD, Onlooker
from tests.journeys.test_keyboard_journeys import Sitting
from tests.journeys.test_keyboard_journeys import somebody as somebody
from tests.support.chromium import follow
from tests.support.demo import RunningDemo

pytestmark = pytest.mark.slow  # without a browser, `make test` has the same steps

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "device_login"
PATIENCE = 60


@pytest.fixture(scope="module", autouse=True)
def registered(demo: RunningDemo) -> None:
    demo.server.assent("apply", str(EXAMPLE / "application.toml"))


@dataclass(slots=True)
class Terminal:
    """The example as it runs in a terminal. `link` leads to the page with the code filled in."""

    process: subprocess.Popen[str]
    code: str = field(repr=False)
    link: str = field(repr=False)

    def ended(self) -> tuple[int, str]:
        """Wait for its end; return the exit status and what it said since."""
        said, complaint = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, said + complaint


@contextmanager
def terminal(demo: RunningDemo) -> Iterator[Terminal]:
    """Run the example up to where it waits for its person."""
    command = [sys.executable, "-u", "-m", "examples.device_login.main", "--issuer", demo.issuer]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        code = re.search(r"enter the code (\w{4}-\w{4})", process.stdout.readline())
        link = re.search(r"open (\S+)\)", process.stdout.readline())
        assert code is not None
        assert link is not None
        yield Terminal(process, code[1], link[1])
    finally:
        process.kill()
        process.communicate()


def test_a_program_is_connected_with_the_keyboard_alone(somebody: Sitting, demo: RunningDemo) -> None:
    with terminal(demo) as program:
        robin = somebody()
        robin.go("/device")
        robin.sign_in("robin")
        expect(robin.page.locator("#user-code")).to_be_focused()
        robin.type("#user-code", program.code.lower())
        robin.press("#device-continue")
        expect(robin.headline).to_contain_text("Connect Terminal Tool on another device?")
        expect(robin.page.locator(".code-big")).to_have_text(program.code)
        robin.tick("#device-holds")
        robin.press("#consent-approve")
        expect(robin.headline).to_have_text("Terminal Tool is connected")
        assert program.ended() == (0, "Signed in as robin; the token carries: project:read\n")
        robin.press(robin.link("See what it may do, or disconnect it"))
        expect(robin.headline).to_contain_text("Terminal Tool")


def test_a_link_with_the_code_still_asks_and_no_is_an_answer(somebody: Sitting, demo: RunningDemo) -> None:
    with terminal(demo) as program:
        sam = somebody()
        sam.go(program.link)
        sam.sign_in("sam")
        expect(sam.page.locator("#user-code")).to_have_value(program.code)
        sam.page.keyboard.press("Enter")
        expect(sam.headline).to_contain_text("Connect Terminal Tool")
        sam.press("#consent-approve")
        expect(sam.page.locator("#consent-error")).to_be_focused()
        expect(sam.page.locator("#consent-error")).to_contain_text("that your device shows this code")
        sam.press("#consent-deny")
        expect(sam.headline).to_have_text("Terminal Tool was not connected")
        assert program.ended() == (1, "Not signed in: you did not allow it\n")


def test_a_code_that_nobody_waits_for_is_an_error_that_leads_to_the_field(somebody: Sitting, demo: RunningDemo) -> None:
    kim = somebody()
    kim.go("/device")
    kim.sign_in("kim")
    kim.type("#user-code", "BBBB-BBBB")
    kim.press("#device-continue")
    expect(kim.page.get_by_role("alert")).to_be_focused()
    kim.reach(kim.page.get_by_role("alert").get_by_role("link"))
    kim.page.keyboard.press("Enter")
    expect(kim.page.locator("#user-code")).to_be_focused()
    expect(kim.page.locator("#user-code")).to_have_value("BBBB-BBBB")


def test_every_page_on_the_way_is_good_to_look_at(browser: Browser, demo: RunningDemo, onlooker: Onlooker) -> None:
    with terminal(demo) as program:
        context = browser.new_context()
        page = context.new_page()
        page.goto(program.link)
        page.fill("#username", "lee")
        page.fill("#password", PASSWORD)
        follow(page.locator("#login-submit"))
        onlooker.look_at(page, "device")
        follow(page.locator("#device-continue"))
        onlooker.look_at(page, "device-consent")
        follow(page.locator("#consent-approve"))
        onlooker.look_at(page, "device-not-confirmed")
        page.check("#device-holds")
        follow(page.locator("#consent-approve"))
        onlooker.look_at(page, "device-done")
        assert program.ended()[0] == 0
        context.close()
