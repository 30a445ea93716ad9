"""Every module of the plans meets one server in this process, in each variant of the table."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.services import data_file
from app.services.operator import Operator
from app.services.passwords import PasswordQueue
from app.store.database import Database
from tests.conformance import fapi_parties
from tests.conformance.call_centre import CallCentre
from tests.conformance.catalogue import variants_of
from tests.conformance.ciba_plans import Calling
from tests.conformance.fapi_parties import ROOT, other
from tests.conformance.fapi_plans import Demanding
from tests.conformance.fintech import Fintech, through
from tests.conformance.parties import FEATURES, USERNAME, data
from tests.conformance.plans import Variant
from tests.conformance.receiver import Receiver, receiving
from tests.conformance.relying_party import RelyingParty
from tests.support.far_server import FarServer, Trust, far_server, trust
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
    async with serving(database, data(receiver.place), features=FEATURES, outbound={"allow": [receiver.place]}) as site:
        yield site


@asynccontextmanager
async def serving(database: Database, entries: dict[str, Any], **settings: Any) -> AsyncIterator[Service]:
    """Run the server with keys of its own and the entries of a data file."""
    async with service(database, **settings) as running:
        passwords = PasswordQueue(threads=1)
        try:
            server = running.server
            document = data_file.parse(entries, server.scopes, server.roles)
            operator = Operator("conformance", datetime.now(UTC))
            await data_file.apply(database, passwords, document, operator, vault=server.vault)
        finally:
            passwords.close()
        await keep_keys(running.server)
        yield running


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory for the certificates of authorities."""
    return tmp_path_factory.mktemp("authorities")


@pytest.fixture(scope="module")
def trusted(authorities: Path) -> Trust:
    """The authority of the applications' own servers."""
    return trust(authorities, "127.0.0.1")


@pytest.fixture(scope="module")
async def bell(trusted: Trust) -> AsyncIterator[FarServer]:
    """Where an application is told that a person has decided."""
    async with far_server(trusted.context) as listening:
        yield listening


@pytest.fixture(scope="module")
async def bank(database: Database, bell: FarServer, trusted: Trust, authorities: Path) -> AsyncIterator[Service]:
    """The server of the demanding plans, behind a proxy that forwards certificates."""
    place, clients = f"127.0.0.1:{bell.port}", authorities / "clients.pem"
    clients.write_bytes(ROOT.pem)
    settings = fapi_parties.settings(clients, place, trusted.ca_file)
    async with serving(database, fapi_parties.data(place), **settings) as running:
        yield running


@pytest.fixture(scope="module")
async def bank_session(bank: Service) -> httpx.Cookies:
    """What a browser holds in which the person has signed in there."""
    async with bank.browser() as browser:
        await sign_in(browser, fapi_parties.USERNAME)
        return browser.cookies


@pytest.fixture
async def fintech(bank: Service, bank_session: httpx.Cookies, variant: Demanding) -> AsyncIterator[Fintech]:
    """The application of the variant, with a browser in which the person has signed in."""
    async with bank.browser() as browser, through(bank) as wire:
        browser.cookies.update(bank_session)
        yield Fintech(bank, browser, wire, variant, variant.client_id)


@pytest.fixture
def stranger(fintech: Fintech) -> Fintech:
    """The other application of the variant, before the same browser."""
    return Fintech(fintech.site, fintech.browser, fintech.wire, fintech.variant, other(fintech.client_id))


@pytest.fixture
async def centre(
    bank: Service, bank_session: httpx.Cookies, bell: FarServer, variant: Calling
) -> AsyncIterator[CallCentre]:
    """The application of the variant, and the browser of the person whom it asks."""
    async with bank.browser() as browser, through(bank) as wire:
        browser.cookies.update(bank_session)
        yield CallCentre(bank, browser, wire, bell, variant, variant.client_id)


@pytest.fixture
def rival(centre: CallCentre) -> CallCentre:
    """The other application of the variant, which asks the same person."""
    return CallCentre(centre.site, centre.browser, centre.wire, centre.bell, centre.variant, other(centre.client_id))


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
