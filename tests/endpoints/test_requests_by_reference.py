"""Request objects that stand at an address of their application (OpenID Connect Core §6.2, RFC 9101 §5.2)."""

from collections.abc import AsyncIterator

import pytest

from app.crypto.hashing import digest
from app.crypto.jose_text import encoded
from app.store.database import Database
from tests.support.assertions import key_of
from tests.support.far_server import FarServer, Trust, answer, far_server, trust
from tests.support.front_channel import walk
from tests.support.request_objects import address, query_of, register_signing, request_object
from tests.support.service import REDIRECT_URI, Service, service

JWT = "application/jwt"
BESIDE = {"redirect_uri": REDIRECT_URI, "state": "outside"}


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return trust(tmp_path_factory.mktemp("far"), "127.0.0.1")


@pytest.fixture
async def far(trusted: Trust) -> AsyncIterator[FarServer]:
    """The website of the application, where its request objects stand."""
    async with far_server(trusted.context) as running:
        yield running


@pytest.fixture
async def site(database: Database, trusted: Trust, far: FarServer) -> AsyncIterator[Service]:
    outbound = {"allow": [f"127.0.0.1:{far.port}"], "ca_file": trusted.ca_file}
    features = {"request_objects_by_reference": True}
    async with service(database, outbound=outbound, features=features) as running:
        await running.user(f"robin{far.number}")
        await register_signing(running, f"signer{far.number}", request_uris=[uri_of(far)])
        yield running


def uri_of(far: FarServer, path: str = "/request.jwt") -> str:
    return f"https://127.0.0.1:{far.port}{path}"


def url(far: FarServer, uri: str, **beside: str) -> str:
    return address(f"signer{far.number}", request_uri=uri, **{**BESIDE, **beside})


def says(far: FarServer, text: str, *headers: str, content_type: str = JWT, status: str = "200 OK") -> None:
    far.says = answer(text.encode("ascii"), *headers, content_type=content_type, status=status)


@pytest.mark.spec("standards", "RO-9")
@pytest.mark.parametrize("content_type", [JWT, "application/oauth-authz-req+jwt"])
async def test_a_registered_address_is_asked_and_what_stands_there_is_the_request(
    site: Service, far: FarServer, content_type: str
) -> None:
    signer = f"signer{far.number}"
    says(far, request_object(site, signer), content_type=content_type)
    async with site.browser() as browser:
        members = query_of(await walk(browser, url(far, uri_of(far)), f"robin{far.number}"))
        assert (members["state"], "code" in members) == ("xyz", True)
        [asked] = far.requests
        assert asked.startswith("GET /request.jwt HTTP/1.1\r\n")
        assert "cookie" not in asked.lower()
        says(far, request_object(site, signer, state="next"), content_type=content_type)
        again = query_of(await browser.get(url(far, uri_of(far))))
        assert again["state"] == "next"
        metadata = (await browser.get("/.well-known/openid-configuration")).json()
        assert (metadata["request_uri_parameter_supported"], metadata["require_request_uri_registration"]) == (
            True,
            True,
        )


@pytest.mark.spec("standards", "RO-9")
async def test_it_is_kept_where_its_address_names_it_or_its_server_says_so(site: Service, far: FarServer) -> None:
    text = request_object(site, f"signer{far.number}", prompt="none")
    named = f"{uri_of(far)}#{encoded(digest(text.encode())).decode()}"
    async with site.browser() as browser:
        says(far, text)
        for _ in range(2):
            assert query_of(await browser.get(url(far, named)))["error"] == "login_required"
        assert len(far.requests) == 1
        assert " /request.jwt " in far.requests[0]
        says(far, text, "Cache-Control: max-age=60")
        for _ in range(2):
            await browser.get(url(far, uri_of(far)))
        assert len(far.requests) == 2
        site.clock.forward(61)
        await browser.get(url(far, uri_of(far)))
        assert len(far.requests) == 3


@pytest.mark.spec("standards", "RO-9")
async def test_whoever_comes_too_early_keeps_nobody_from_what_will_stand_there(site: Service, far: FarServer) -> None:
    text = request_object(site, f"signer{far.number}", prompt="none")
    named = f"{uri_of(far)}#{encoded(digest(text.encode())).decode()}"
    async with site.browser() as browser:
        says(far, request_object(site, f"signer{far.number}"), "Cache-Control: max-age=3600")
        assert query_of(await browser.get(url(far, named)))["error"] == "invalid_request_uri"
        says(far, text)
        assert query_of(await browser.get(url(far, named)))["error"] == "login_required"


@pytest.mark.spec("standards", "RO-9")
@pytest.mark.spec("standards", "NS-4")
async def test_what_cannot_be_had_is_an_invalid_request_uri(site: Service, far: FarServer) -> None:
    text = request_object(site, f"signer{far.number}")
    wrong = f"{uri_of(far)}#{encoded(digest(b'another')).decode()}"
    async with site.browser() as browser:

        async def told(uri: str) -> str:
            members = query_of(await browser.get(url(far, uri)))
            assert (members["error"], members["state"]) == ("invalid_request_uri", "outside")
            return members["error_description"]

        says(far, text)
        for uri in ("https://mallory.example/", uri_of(far, "/other"), "urn:example:request"):
            assert "not registered" in await told(uri)
        assert far.requests == []
        assert "names another content" in await told(wrong)
        for broken, said in (
            ({"content_type": "text/html"}, "is not of type"),
            ({"status": "404 Not Found"}, "status 404"),
            ({"status": "302 Found"}, "redirect, which is not followed"),
        ):
            says(far, text, **broken)
            assert said in await told(uri_of(far))
        says(far, "x" * 16_385)
        assert "is larger than 16384 bytes" in await told(uri_of(far))


@pytest.mark.spec("standards", "RO-4")
async def test_what_stands_there_has_to_be_signed_like_any_object(site: Service, far: FarServer) -> None:
    says(far, request_object(site, f"signer{far.number}", key=key_of("mallory")))
    async with site.browser() as browser:
        members = query_of(await browser.get(url(far, uri_of(far))))
        assert members["error"] == "invalid_request_object"
        members = query_of(await browser.get(url(far, uri_of(far), request="a.b.c")))
        assert (members["error"], "exclude each other" in members["error_description"]) == ("invalid_request", True)
