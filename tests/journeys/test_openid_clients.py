"""OpenID Connect libraries as they come, over https, against two workers: they sign in, refresh, ask, and sign out.

They judge the metadata and validate the ID tokens themselves: signature, issuer, audience, times, nonce, hashes. After
the sign-out the refresh token of each is worth nothing.
"""

import json
import re
import runpy
import shlex
import shutil
import ssl
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from authlib.deprecate import AuthlibDeprecationWarning
from authlib.integrations.base_client import OAuthError
from idpyoidc.client.defaults import DEFAULT_OIDC_SERVICES
from idpyoidc.client.exception import OidcServiceError
from idpyoidc.client.rp_handler import RPHandler
from playwright.sync_api import Browser, Page, expect

from tests.architecture.repository import text
from tests.journeys.conftest import Onlooker
from tests.support.chromium import PATIENCE, chromium, complaints_of
from tests.support.client_round import CALLBACK, ROBIN
from tests.support.example_page import served_page
from tests.support.login import allow
from tests.support.node_programs import program
from tests.support.openid_round import (
    AFTERWARDS,
    EMAIL,
    HYBRID,
    NAME,
    PAGE,
    SCOPE,
    SEALING_KEY,
    SECRETS,
    Login,
    check_return,
    data,
    robin,
)
from tests.support.server import Server, directory_for_server, running_server

with warnings.catch_warnings():
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)  # it would rather have httpx2
    from authlib.integrations.starlette_client import OAuth


@dataclass(frozen=True, slots=True)
class Place:
    """The server, and the address of the page that is an application of it."""

    server: Server
    page: str


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """A server whose certificate comes from an authority of the tests' own."""
    settings = {"clientId": PAGE}
    with (
        directory_for_server() as directory,
        served_page(settings) as page,
        running_server(directory, workers=2, tls=True, data=data(page)) as server,
    ):
        settings["issuer"] = server.issuer
        yield Place(server, page)


@pytest.mark.skipif(shutil.which("node") is None, reason="the clients need Node.js")
@pytest.mark.parametrize("application_id", ["oauth4webapi", "openid_client", HYBRID])
async def test_a_library_on_node_signs_in_refreshes_asks_and_signs_out(place: Place, application_id: str) -> None:
    server, library = place.server, application_id.removesuffix("_hybrid")
    asked: dict[str, Any] = {"issuer": server.issuer, "callback": CALLBACK, "afterwards": AFTERWARDS, "scope": SCOPE}
    if application_id == HYBRID:
        asked |= {"hybrid": True, "jwk": SEALING_KEY}
    async with (
        robin(server) as person,
        program(f"{library}/openid.mjs", server.environment, server.ca_file) as application,
    ):
        await application.tell({**asked, "client_id": application_id, "client_secret": SECRETS[application_id]})
        await application.tell(await person.sign_in(await application.hear()))
        seen = await application.hear()
        check_return(await person.sign_out(seen["sign_out"]), seen["state"])
        await application.tell("signed out")
        assert await application.hear() == "invalid_grant"
    Login(**seen["login"]).check(application_id, server.issuer)


async def test_authlib_signs_in_refreshes_asks_and_signs_out(place: Place) -> None:
    server = place.server
    registered = OAuth()
    registered.register(
        "server",
        client_id="authlib",
        client_secret=SECRETS["authlib"],
        server_metadata_url=f"{server.issuer}/.well-known/openid-configuration",
        client_kwargs={
            "scope": SCOPE,
            "code_challenge_method": "S256",
            "verify": ssl.create_default_context(cafile=str(server.ca_file)),
        },
    )
    client = registered.server
    async with robin(server) as person:
        begun = await client.create_authorization_url(CALLBACK)
        code = httpx.URL(await person.sign_in(begun["url"])).params["code"]
        first = await client.fetch_access_token(CALLBACK, code=code, code_verifier=begun["code_verifier"])
        claims = await client.parse_id_token(first, nonce=begun["nonce"])
        second = await _refreshed(client, first)
        refreshed = await client.parse_id_token(second, nonce=None)
        userinfo = await client.userinfo(token=second)
        leaving = await client.create_logout_url(AFTERWARDS, id_token_hint=second["id_token"])
        check_return(await person.sign_out(leaving["url"]), leaving["state"])
        with pytest.raises(OAuthError) as refused:
            await _refreshed(client, second)
    assert refused.value.error == "invalid_grant"
    Login(claims, refreshed, userinfo).check("authlib", server.issuer)


async def test_the_application_of_the_readme_signs_somebody_in(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, site, readme = place.server, "http://localhost:9001", text("README.md")
    monkeypatch.setenv("SSL_CERT_FILE", str(server.ca_file))
    [registers] = re.findall(r"^\.venv/bin/assent (application create .* --redirect-uri .*)$", readme, re.MULTILINE)
    [secret] = re.findall(r"ascs_\S+", server.assent(*shlex.split(registers)).stdout)
    [written] = re.findall(r"^```python\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    notes = tmp_path / "notes.py"
    notes.write_text(written.replace("http://localhost:8000", server.issuer).replace("ascs_…", secret))
    application = httpx.ASGITransport(app=runpy.run_path(str(notes))["app"])
    async with httpx.AsyncClient(transport=application, base_url=site) as visitor:
        sent = await visitor.get("/login")
        back = await allow(ROBIN, sent.headers["location"], callback=f"{site}/callback", ca_file=str(server.ca_file))
        claims = (await visitor.get(back)).json()
    assert (claims["iss"], claims["aud"], claims["amr"]) == (server.issuer, "notes", ["pwd"])
    assert {"sub", "auth_time", "acr", "sid", "nonce"} <= claims.keys()


async def _refreshed(client: Any, token: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = await client.fetch_access_token(
        grant_type="refresh_token", refresh_token=token["refresh_token"]
    )
    return answer


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")  # it checks no certificate of a localhost
async def test_idpyoidc_signs_in_refreshes_asks_and_signs_out(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # it keeps keys of its own where it is started
    server = place.server
    handler = RPHandler(
        "https://client.example",
        client_configs={"server": _idpyoidc(server.issuer)},
        httpc_params={"verify": str(server.ca_file), "timeout": 20},
    )
    async with robin(server) as person:
        answer = dict(httpx.URL(await person.sign_in(handler.begin("server"))).params)
        login = handler.finalize(server.issuer, answer)
        refreshed = handler.refresh_access_token(login["state"])
        userinfo = handler.get_user_info(login["state"])
        leaving = handler.logout(login["state"])
        check_return(await person.sign_out(leaving["url"]), leaving["request"]["state"])
        with pytest.raises(OidcServiceError, match="invalid_grant"):
            handler.refresh_access_token(login["state"])
    verified = refreshed["__verified_id_token"]
    Login(login["id_token"].to_dict(), verified.to_dict(), userinfo.to_dict()).check("idpyoidc", server.issuer)


def _idpyoidc(issuer: str) -> dict[str, Any]:
    """Return what the library is told of the server and of itself."""
    return {
        "client_type": "oidc",
        "issuer": issuer,
        "client_id": "idpyoidc",
        "client_secret": SECRETS["idpyoidc"],
        "client_authn_methods": ["client_secret_basic"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "redirect_uris": [CALLBACK],
        "post_logout_redirect_uris": [AFTERWARDS],
        "response_types_supported": ["code"],
        "scopes_supported": SCOPE.split(),
        "services": {
            **DEFAULT_OIDC_SERVICES,
            "end_session": {"class": "idpyoidc.client.oidc.end_session.EndSession"},
        },
        "add_ons": {
            "pkce": {
                "function": "idpyoidc.client.oauth2.add_on.pkce.add_support",
                "kwargs": {"code_challenge_length": 64, "code_challenge_method": "S256"},
            }
        },
    }


@pytest.mark.spec("standards", "BB-2")
@pytest.mark.spec("standards", "BB-3")
@pytest.mark.spec("standards", "BB-4")
def test_a_page_with_oidc_client_ts_signs_in_refreshes_asks_and_signs_out(place: Place, onlooker: Onlooker) -> None:
    with chromium() as browser:
        page = _opened(browser, place.page)
        complaints = complaints_of(page)
        onlooker.look_at(page, "page-signed-out")
        _sign_in(page)
        page.click("#consent-approve")
        expect(page.get_by_role("status")).to_have_text("Signed in.")
        expect(page).to_have_url(place.page)
        expect(page.locator("#who")).to_have_text(NAME)
        first = _kept(page)

        page.click("#ask-userinfo")
        expect(page.locator("#userinfo")).to_contain_text(f'"email": "{EMAIL}"')
        userinfo = json.loads(page.locator("#userinfo").inner_text())
        onlooker.look_at(page, "page-signed-in")

        page.click("#refresh")
        expect(page.get_by_role("status")).to_contain_text("A new access token")
        second = _kept(page)
        assert not {second["access_token"], second["refresh_token"]} & {first["access_token"], first["refresh_token"]}
        assert second["profile"]["sub"] == first["profile"]["sub"] == userinfo["sub"]

        page.click("#sign-out")
        expect(page.get_by_role("status")).to_have_text("Signed out, here and at the server.")
        form = {"grant_type": "refresh_token", "refresh_token": second["refresh_token"], "client_id": PAGE}
        with place.server.client() as client:
            assert client.post("/oauth/token", data=form).json()["error"] == "invalid_grant"
        page.click("#sign-in")
        expect(page.locator("#login-submit")).to_be_visible()
        assert complaints == []


@pytest.mark.slow
def test_the_page_says_why_nobody_is_signed_in(place: Place) -> None:
    with chromium() as browser:
        page = _opened(browser, f"{place.page}?code=stolen&state=guessed&iss=https://evil.example")
        expect(page.get_by_role("alert")).to_contain_text("does not come from the server that was asked")
        expect(page).to_have_url(place.page)
        _sign_in(page)
        page.click("#consent-deny")
        expect(page.get_by_role("alert")).to_contain_text("The server refused")
        expect(page.locator("#sign-in")).to_be_visible()


def _sign_in(page: Page) -> None:
    """Press the button, and fill in what the server asks."""
    page.click("#sign-in")
    page.fill("#username", ROBIN.username)
    page.fill("#password", ROBIN.password)
    page.click("#login-submit")


def _opened(browser: Browser, address: str) -> Page:
    """Open the page in a browser of its own that does not know the authority of the server."""
    context = browser.new_context(ignore_https_errors=True)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(address)
    return page


def _kept(page: Page) -> dict[str, Any]:
    """Return what the library keeps of the login."""
    [kept] = page.evaluate(
        "Object.keys(sessionStorage).filter((name) => name.startsWith('oidc.user:'))"
        ".map((name) => JSON.parse(sessionStorage.getItem(name)))"
    )
    login: dict[str, Any] = kept
    return login
