"""A browser, a loopback site for it to visit, and an accessibility checker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.chromium import axe_source as axe_source
from tests.support.chromium import browser as browser
from tests.support.chromium import screenshot_folder
from tests.views.loopback import LoopbackSite, running_site


@pytest.fixture
def site() -> Iterator[LoopbackSite]:
    """A loopback web site for one test."""
    with running_site() as site:
        yield site


@pytest.fixture(scope="session")
def screenshots() -> Path | None:
    """Where screenshots are kept for people to look at: below `CI_ARTIFACTS`, when it is set."""
    return screenshot_folder("pages")
