"""Every module of the plans meets one server in this process, in each variant of the table."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from app.services import data_file
from app.services.operator import Operator
from app.services.passwords import PasswordQueue
from app.store.database import Database
from tests.conformance.parties import FEATURES, USERNAME, data
from tests.conformance.plans import Variant, variants_of
from tests.conformance.receiver import Receiver, receiving
from tests.conformance.relying_party import RelyingParty
from tests.support.service import Service, service, sign_in
from tests.support.signing import keep_keys


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test of a module in the variants that the plans have for it."""
    if "variant" in metafunc.fixturenames:
        variants = variants_of(metafunc.function.__name__)
        metafunc.parametrize("variant", variants.values(), ids=list(variants))


@pytest.fixture(scope="module")
async def receiver() -> AsyncIterator[Receiver]:
    """Where an application hears of sign-outs behind the browser's back."""
    async with receiving() as listening:
        yield listening


@pytest.fixture(scope="module")
async def site(database: Database, receiver: Receiver) -> AsyncIterator[Service]:
    """The server with everything switched on that the plans look for, and the applications that they need."""
    async with service(database, features=FEATURES, outbound={"allow": [receiver.place]}) as running:
        passwords = PasswordQueue(threads=1)
        try:
            registry, roles = running.server.scopes, running.server.roles
            document = data_file.parse(data(receiver.place), registry, roles)
            await data_file.apply(database, passwords, document, Operator("conformance", datetime.now(UTC)))
        finally:
            passwords.close()
        await keep_keys(running.server)
        yield running


@pytest.fixture(scope="module")
async def session(site: Service) -> httpx.Cookies:
    """What a browser holds in which the person has signed in."""
    async with site.browser() as browser:
        await sign_in(browser, USERNAME)
        return browser.cookies


@pytest.fixture
async def newcomer(site: Service, variant: Variant) -> AsyncIterator[RelyingParty]:
    """The application of the variant, with a browser in which nobody has signed in."""
    async with site.browser() as browser:
        yield RelyingParty(site, browser, variant)


@pytest.fixture
def party(newcomer: RelyingParty, session: httpx.Cookies) -> RelyingParty:
    """The same, with the session of a person: to check a password takes as long as all else together."""
    newcomer.browser.cookies.update(session)
    return newcomer
