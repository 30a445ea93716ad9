"""A browser, a loopback site for it to visit, and an accessibility checker."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.chromium import axe_source as axe_source
from tests.support.chromium import browser as browser
from tests.support.chromium import screenshot_folder
from tests.views.loopback import LoopbackSite


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


@pytest.fixture(scope="session")
def screenshots() -> Path | None:
    """Where screenshots are kept for people to look at: below `CI_ARTIFACTS`, when it is set."""
    return screenshot_folder("pages")
