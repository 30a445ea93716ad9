"""How an application proves who it is, chosen on its page."""

import json
import re
from html import unescape

import httpx
import pytest

from app.protocol.client_auth import METHODS
from app.store import applications
from app.store.applications import StoredApplication
from app.views.pages.portal_authentication import METHOD_WORDS
from tests.support.assertions import claims_of, form, key_of, key_set, maced, signed
from tests.support.browser import Browser
from tests.support.portal_person import (
    ada as ada,
)
from tests.support.portal_person import (
    created,
    done,
    press,
    problems_on,
    secret_on,
)
from tests.support.portal_person import (
    url as url,
)
from tests.support.site import Site

KEYS = key_set(key_of("portal"))


async def stored(pages: Site, url: str) -> StoredApplication:
    async with pages.server.database.transaction() as transaction:
        found = await applications.find(transaction, url.rpartition("/")[2])
    assert found is not None
    return found


async def choose(browser: Browser, url: str, method: str, **typed: str) -> httpx.Response:
    return await press(browser, url, "authentication", method=method, **typed)


async def asserted(pages: Site, browser: Browser, assertion: str) -> httpx.Response:
    """Introspect something with an assertion."""
    return await browser.post("/oauth/introspect", form(assertion, token="nothing"))


def offered(shown: httpx.Response) -> list[str]:
    return re.findall(r'<input type="radio" name="method" value="([^"]+)"', shown.text)


def typed_keys(shown: httpx.Response) -> str:
    [text] = re.findall(r'<textarea[^>]* id="keys"[^>]*>\n(.*?)</textarea>', shown.text, re.DOTALL)
    return unescape(text)


async def test_the_methods_of_the_server_can_be_chosen(ada: Browser, url: str) -> None:
    shown = await ada.get(url)
    assert offered(shown) == ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"]
    assert "Its certificate is known by" not in shown.text


@pytest.mark.spec("standards", "CA-1")
async def test_keys_are_pasted_and_prove_at_once_who_it_is(pages: Site, ada: Browser, url: str) -> None:
    answer = await choose(ada, url, "private_key_jwt", keys=json.dumps(KEYS), algorithm="ES256")
    assert (await done(ada, answer)).startswith("Saved")
    found = await stored(pages, url)
    assert found.description.auth_method == "private_key_jwt"
    assert found.description.key_material == {"jwks": KEYS["keys"], "signing_alg": "ES256"}
    claims = claims_of(found.client_id, pages.server.issuer, pages.clock())
    assert (await asserted(pages, ada, signed(claims, key_of("portal")))).status_code == 200
    shown = await ada.get(url)
    assert json.loads(typed_keys(shown)) == KEYS
    assert "JWT, signed with a private key" in shown.text
    assert 'id="add-secret"' not in shown.text


async def test_a_single_key_makes_a_set(pages: Site, ada: Browser, url: str) -> None:
    await choose(ada, url, "private_key_jwt", keys=json.dumps(KEYS["keys"][0]))
    assert (await stored(pages, url)).description.registration["jwks"] == KEYS


async def test_an_address_of_keys_takes_the_place_of_pasted_ones(pages: Site, ada: Browser, url: str) -> None:
    await choose(ada, url, "private_key_jwt", keys=json.dumps(KEYS))
    await choose(ada, url, "private_key_jwt", keys_url="https://client.example/jwks.json")
    assert (await stored(pages, url)).description.key_material == {"jwks_uri": "https://client.example/jwks.json"}


@pytest.mark.spec("standards", "DP-8")
async def test_tokens_are_bound_by_a_tick(pages: Site, ada: Browser, url: str) -> None:
    await choose(ada, url, "client_secret_basic", dpop="on")
    assert (await stored(pages, url)).description.policy["dpop_bound"] is True
    assert 'name="dpop" value="on" checked' in (await ada.get(url)).text
    await choose(ada, url, "client_secret_basic")
    assert "dpop_bound" not in (await stored(pages, url)).description.policy


async def test_a_public_application_can_have_its_tokens_bound_and_nothing_else(pages: Site, ada: Browser) -> None:
    url = await created(ada, kind="browser")
    assert offered(await ada.get(url)) == []
    await choose(ada, url, "client_secret_basic", dpop="on", keys=json.dumps(KEYS))
    found = await stored(pages, url)
    assert found.description.auth_method == "none"
    assert found.description.policy["dpop_bound"] is True
    assert found.description.key_material == {}


@pytest.mark.spec("standards", "CA-3")
async def test_who_is_to_make_macs_gets_a_new_secret(pages: Site, ada: Browser, url: str) -> None:
    await choose(ada, url, "client_secret_jwt")
    assert "Add a new one." in (await ada.get(url)).text
    secret = secret_on(await press(ada, url, "secrets"))
    found = await stored(pages, url)
    assert found.sealed_secrets == 1
    claims = claims_of(found.client_id, pages.server.issuer, pages.clock())
    assert (await asserted(pages, ada, maced(claims, secret.encode()))).status_code == 200
    assert "Add a new one." not in (await ada.get(url)).text
    await choose(ada, url, "client_secret_basic")
    found = await stored(pages, url)
    assert (found.sealed_secrets, len(found.secret_digests)) == (0, 2)
    answer = await ada.post("/oauth/introspect", {"token": "x", "client_id": found.client_id, "client_secret": secret})
    assert answer.status_code == 401
    await choose(ada, url, "client_secret_post")
    answer = await ada.post("/oauth/introspect", {"token": "x", "client_id": found.client_id, "client_secret": secret})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("typed", "field", "message"),
    [
        ({"method": ""}, "method", "Choose how it proves who it is"),
        ({"method": "none"}, "method", "Choose how it proves who it is"),
        ({"method": "tls_client_auth"}, "method", "Choose how it proves who it is"),
        ({"method": "private_key_jwt"}, "method", "It is private_key_jwt, which needs jwks or jwks_uri."),
        ({"keys": "no keys"}, "keys", "It is not JSON with every member once"),
        ({"keys": "[" * 10_000}, "keys", "It is not JSON with every member once"),
        ({"keys": '{"keys": [], "keys": []}'}, "keys", "It is not JSON with every member once"),
        ({"keys": "5"}, "keys", "It must be a valid dictionary."),
        ({"keys": json.dumps({"kty": "oct", "k": "AA"})}, "keys", "It must have public keys only"),
        ({"keys": json.dumps({"kty": "EC", "x": "\0"})}, "keys", "It must not have control characters."),
        ({"keys": json.dumps({"kty": "EC", "\ud800": "x"})}, "keys", "It must not have control characters."),
        ({"keys": json.dumps(KEYS), "keys_url": "https://a.example/"}, "keys", "It must not come with jwks_uri"),
        ({"method": "private_key_jwt", "keys": '{"kty": "EC"}'}, "keys", "It lacks one of crv, x, y."),
        (
            {"method": "private_key_jwt", "keys": json.dumps(KEYS), "algorithm": "RS256"},
            "algorithm",
            "It is RS256, and no key in jwks is for that.",
        ),
        ({"method": "client_secret_jwt", "algorithm": "ES256"}, "algorithm", "It must be one of HS256"),
        ({"algorithm": "none"}, "algorithm", "It must not be none."),
        ({"keys_url": "http://client.example/"}, "keys_url", "It must be an https URL."),
    ],
    ids=lambda value: str(value)[:50],
)
async def test_what_could_prove_nothing_is_told_and_shown_again(
    pages: Site, ada: Browser, url: str, typed: dict[str, str], field: str, message: str
) -> None:
    before = await stored(pages, url)
    answer = await choose(ada, url, **({"method": "client_secret_basic"} | typed))
    found = problems_on(answer)
    assert found.keys() == {field}
    assert found[field].startswith(message)
    if "keys" in typed:
        assert typed_keys(answer) == typed["keys"][: len(typed_keys(answer))]
    assert await stored(pages, url) == before


async def test_an_old_login_does_not_change_it(pages: Site, ada: Browser, url: str) -> None:
    shown = await ada.get(url)
    pages.clock.move(hours=1)
    fields = dict(re.findall(r'<input type="hidden" name="(csrf|version)" value="([^"]*)">', shown.text))
    answer = await ada.post(f"{url}/authentication", fields | {"method": "client_secret_post"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")
    assert (await stored(pages, url)).description.auth_method == "client_secret_basic"


def test_every_method_has_words() -> None:
    assert tuple(METHOD_WORDS) == METHODS
