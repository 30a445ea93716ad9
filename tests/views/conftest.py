"""A browser, a loopback site for it to visit, and an accessibility checker."""

import fcntl
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.views.loopback import LoopbackSite

NODE_PACKAGES = Path(__file__).parents[1] / "support" / "node"


@pytest.fixture
def site() -> Iterator[LoopbackSite]:
    """A loopback web site for one test."""
    site = LoopbackSite()
    thread = threading.Thread(target=site.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield site
    site.server.shutdown()
    site.server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The Chromium of the system, or else Playwright's own."""
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=["--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe_source() -> str:
    """The source of axe-core, installed from its lock file when it is not there yet."""
    script = NODE_PACKAGES / "node_modules" / "axe-core" / "axe.min.js"
    with (NODE_PACKAGES / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes that run side by side install it once
        if not script.exists():
            npm = shutil.which("npm") or "npm"
            subprocess.run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=NODE_PACKAGES, check=True)
    return script.read_text()


@pytest.fixture(scope="session")
def screenshots() -> Path | None:
    """Where screenshots are kept for people to look at: below `CI_ARTIFACTS`, when it is set."""
    artifacts = os.environ.get("CI_ARTIFACTS")
    if artifacts is None:
        return None
    folder = Path(artifacts) / "screenshots" / "pages"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
