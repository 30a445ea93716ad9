"""What every test may ask for: the event loop that the product runs on, and how much work a volume test is to do.

And the order of the files, which workers take one by one: the longest come first, so that none begins when all else
is done.
"""

import gc
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

from app.crypto import secrets
from tests.support.once import remember
from tests.support.patient_loop import PatientLoop

pytest_plugins = ["tests.support.database", "tests.support.server"]

hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")
"""How long an example takes says something of the machine, which may have other things to do."""

remember()

LONGEST_FIRST = (
    "cli/test_serve.py",
    "journeys/test_every_form.py",
    "journeys/test_every_page.py",
    "views/test_in_browser.py",
    "endpoints/test_isolation.py",
    "journeys/test_portal_journey.py",
    "cli/test_login_test.py",
    "journeys/test_device_journey.py",
    "journeys/test_organization_journey.py",
    "journeys/test_logout_soak.py",
    "journeys/test_demo_journey.py",
    "journeys/test_demanding_clients.py",
    "journeys/test_approval_journey.py",
    "journeys/test_signing_keys_journey.py",
    "endpoints/test_schemathesis.py",
    "journeys/test_logout_journey.py",
    "journeys/test_docs_journey.py",
    "journeys/test_openid_clients.py",
    "journeys/test_keyboard_journeys.py",
    "journeys/test_races.py",
    "endpoints/test_fuzz.py",
    "journeys/test_admin_journey.py",
    "cli/test_doctor.py",
    "store/test_embedded_accounts.py",
    "store/test_embedded.py",
    "store/test_embedded_crashes.py",
    "cli/test_serve_external.py",
    "journeys/test_polled_races.py",
    "journeys/test_grant_races.py",
    "journeys/test_limited_races.py",
    "journeys/test_answers_journey.py",
    "journeys/test_node_clients.py",
    "journeys/test_person_races.py",
    "journeys/test_accounts_journey.py",
    "journeys/test_api_key_races.py",
    "journeys/test_api_keys_journey.py",
    "journeys/test_in_effect_everywhere.py",
    "endpoints/test_pages_portal_application.py",
    "cli/test_at_once.py",
    "store/test_application_cache.py",
    "cli/test_serve_crashes.py",
    "cli/test_embedded_database.py",
)
"""Files that take about six seconds and more (`make test TEST_ARGS=--durations=0`), the longest first."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --volume: the share of its full work that a volume test does."""
    gc.disable()  # until all tests are collected
    parser.addoption("--volume", type=float, default=0.05, help="share of the full volume, 1 for all of it")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the order within a file, and of the others, stays."""
    turns = {Path(__file__).parent / name: turn for turn, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: turns.get(item.path, len(turns)))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Let no later search for garbage go through what has been collected: thousands of tests, which stay to the end.

    Nor is there a search while they are collected; it would be a tenth of that time, in every process.
    """
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, type[PatientLoop]]]:
    """Coroutine tests run on uvloop, as the server does."""
    return "asyncio", {"loop_factory": PatientLoop}


@pytest.fixture(scope="session")
def volume(request: pytest.FixtureRequest) -> Callable[[int], int]:
    """Return a function from the full count of something to the count for this run, at least 1."""
    share: float = request.config.getoption("--volume")
    return lambda full: max(1, round(full * share))


@pytest.fixture(scope="module", autouse=True)
def ids_count_anew() -> None:
    """Ids of one millisecond sort as they were made, some two thousand of them. Many files stand at the same moment,
    so that without this the order of ids in the last of them would depend on how many ran before in the process."""
    secrets._counters.clear()
