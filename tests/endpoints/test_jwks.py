"""GET /oauth/jwks: the public keys, for every website and every cache."""

from datetime import timedelta

import httpx
import pytest
from joserfc import jwk as other_keys
from joserfc import jwt as other_library

from app.store.hot_connection import counting_trips
from tests.support.signing import keep_keys
from tests.support.site import Site

PATH = "/oauth/jwks"


@pytest.fixture
async def site(pages: Site) -> Site:
    """A server whose settings ask for every algorithm that there are keys for."""
    await keep_keys(pages.server)
    return pages


async def _get(site: Site, method: str = "GET", **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(site.app)
    async with httpx.AsyncClient(transport=transport, base_url=site.server.issuer) as client:
        return await client.request(
            method, PATH, headers={name.replace("_", "-"): said for name, said in headers.items()}
        )


@pytest.mark.spec("standards", "JW-1")
async def test_every_website_and_every_cache_may_have_it(site: Site) -> None:
    answer = await _get(site, Origin="https://app.example")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/jwk-set+json"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "public, max-age=43200"
    assert "vary" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert site.server.keyring.plan.announce <= 2 * timedelta(seconds=43_200)


@pytest.mark.spec("standards", "JW-2")
@pytest.mark.spec("standards", "JW-4")
async def test_it_has_public_keys_of_every_algorithm_and_nothing_else(site: Site) -> None:
    keys = (await _get(site)).json()["keys"]

    assert sorted(key["alg"] for key in keys) == ["ES256", "RS256"]
    assert len({key["kid"] for key in keys}) == 2
    for key in keys:
        assert not key.keys() & {"d", "p", "q", "dp", "dq", "qi", "k", "oth"}
        assert key["use"] == "sig"
        assert key.get("crv", "P-256") == "P-256"
        assert len(key.get("n", "x" * 342)) == 342  # 2048 bits


@pytest.mark.parametrize("alg", ["ES256", "RS256"])
async def test_whoever_fetches_it_can_check_what_is_signed(site: Site, alg: str) -> None:
    token = site.server.keyring.sign(site.clock(), alg, "at+jwt", {"iss": site.server.issuer})

    keys = other_keys.KeySet.import_key_set((await _get(site)).json())

    assert other_library.decode(token, keys, algorithms=[alg]).claims == {"iss": site.server.issuer}


@pytest.mark.spec("standards", "JW-1")
async def test_whoever_has_it_is_not_sent_it_again(site: Site) -> None:
    with counting_trips() as trips:
        tag = (await _get(site)).headers["etag"]
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = await _get(site, If_None_Match=known)
            assert (again.status_code, again.content) == (304, b"")
            assert "content-length" not in again.headers
            assert again.headers["etag"] == tag
            assert again.headers["cache-control"] == "public, max-age=43200"
        assert (await _get(site, If_None_Match='"other"')).status_code == 200
    assert trips == [], "it is served from memory"


async def test_head_and_preflight_are_answered_and_nothing_else(site: Site) -> None:
    whole, head = await _get(site), await _get(site, "HEAD")

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))
    assert (await _get(site, "OPTIONS", Origin="https://app.example")).status_code == 204
    assert (await _get(site, "POST")).status_code == 405


async def test_metadata_says_where_it_is(site: Site) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(site.app), base_url=site.server.issuer) as client:
        document = (await client.get("/.well-known/oauth-authorization-server")).json()

    assert document["jwks_uri"] == site.server.issuer + PATH


@pytest.mark.spec("standards", "JW-3")
async def test_the_next_key_is_in_the_list_for_longer_than_a_cache_keeps_it(site: Site) -> None:
    plan = site.server.keyring.plan
    before = {key["kid"] for key in (await _get(site)).json()["keys"]}
    signing = {
        alg: other_library.decode(
            site.server.keyring.sign(site.clock(), alg, "at+jwt", {}),
            other_keys.KeySet.import_key_set((await _get(site)).json()),
            algorithms=[alg],
        ).header["kid"]
        for alg in plan.algorithms
    }
    site.clock.now += plan.rotation - plan.announce
    await keep_keys(site.server)

    announced = {key["kid"] for key in (await _get(site)).json()["keys"]} - before
    assert len(announced) == 2
    site.clock.now += plan.cache
    assert signing.keys() == set(plan.algorithms)
    for alg, kid in signing.items():
        signer = site.server.keyring.ring.signer(alg, site.clock())
        assert signer is not None
        assert signer.kid == kid
    site.clock.now += plan.cache
    for alg in plan.algorithms:
        signer = site.server.keyring.ring.signer(alg, site.clock())
        assert signer is not None
        assert signer.kid in announced
