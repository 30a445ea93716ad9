"""How an application signs people in and out, chosen on its page."""

import json
import re

import httpx
import pytest

from app.protocol.facts import ClientFact
from app.protocol.features import Feature
from app.store.database import Database
from tests.support.assertions import key_of
from tests.support.browser import Browser
from tests.support.portal_person import (
    ada as ada,
)
from tests.support.portal_person import (
    create,
    created,
    done,
    press,
    problems_on,
)
from tests.support.portal_person import (
    url as url,
)
from tests.support.site import Site, open_site

HOST = "https://client.example"
FORM = {"id_token_algorithm": "RS256", "signed_out": f"{HOST}/bye\n\n  {HOST}/goodbye ", "back_channel": f"{HOST}/back"}


async def client(database: Database, url: str) -> ClientFact:
    found = await database.hot.gather_client(url.rpartition("/")[2])
    assert found is not None
    return found


def algorithms(shown: httpx.Response) -> list[str]:
    [select] = re.findall(r'<select class="input" id="id_token_algorithm".*?</select>', shown.text)
    return re.findall(r'<option value="([^"]+)"', select)


@pytest.mark.spec("standards", "ID-2")
async def test_a_new_application_has_the_short_signatures_and_names_that_all_applications_know(
    pages: Site, ada: Browser, url: str
) -> None:
    made = (await client(pages.server.database, url)).openid
    assert (made.id_token_alg, made.sector) == ("ES256", "")
    assert algorithms(await ada.get(url)) == ["ES256", "RS256"]


async def test_what_is_chosen_is_in_effect_at_once(pages: Site, ada: Browser, url: str) -> None:
    answer = await press(ada, url, "signing-in", **FORM, front_channel=f"{HOST}/front")
    assert (await done(ada, answer)).startswith("Saved")
    settings = (await client(pages.server.database, url)).openid
    assert settings.id_token_alg == "RS256"
    assert settings.post_logout_redirect_uris == (f"{HOST}/bye", f"{HOST}/goodbye")
    assert (settings.backchannel_logout_uri, settings.frontchannel_logout_uri) == (f"{HOST}/back", f"{HOST}/front")
    await press(ada, url, "signing-in", id_token_algorithm="ES256")
    assert (await client(pages.server.database, url)).openid.stored == {"id_token_alg": "ES256"}


@pytest.mark.spec("standards", "LF-1")
async def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(ada: Browser, url: str) -> None:
    for field, typed in (
        ("id_token_algorithm", "HS256"),
        ("signed_out", "http://client.example/bye"),
        ("back_channel", f"{HOST}/back#now"),
        ("front_channel", "https://other.example/front"),
    ):
        answer = await press(ada, url, "signing-in", **{**FORM, field: typed})
        assert answer.status_code == 422
        assert list(problems_on(answer)) == [field]
        assert f"{HOST}/back" in answer.text


@pytest.mark.spec("standards", "ID-7")
async def test_names_of_its_own_are_chosen_once_and_need_a_host_of_its_own(pages: Site, ada: Browser) -> None:
    url = await created(ada, pairwise="on")
    assert (await client(pages.server.database, url)).openid.sector == "client.example"
    assert "knows people by names that no application on another host knows" in (await ada.get(url)).text
    answer = await create(ada, pairwise="on", redirect_uris="http://localhost:3000/cb")
    assert answer.status_code == 422
    assert list(problems_on(answer)) == ["pairwise"]
    machine = await created(ada, kind="machine", pairwise="on", redirect_uris="")
    assert (await client(pages.server.database, machine)).openid.sector == ""


async def test_a_machine_has_no_such_form(ada: Browser) -> None:
    url = await created(ada, kind="machine", redirect_uris="")
    shown = await ada.get(url)
    assert 'id="signing-in"' not in shown.text
    version = re.findall(r'name="version" value="(\d+)"', shown.text)[0]
    csrf = re.findall(r'name="csrf" value="([^"]+)"', shown.text)[0]
    sent = await ada.post(f"{url}/signing-in", {"version": version, "csrf": csrf, **FORM})
    assert (sent.status_code, sent.headers["location"]) == (303, url)


async def test_ways_to_sign_out_that_the_server_does_not_have_are_not_asked_for_and_stay(
    pages: Site, ada: Browser, url: str
) -> None:
    await press(ada, url, "signing-in", **FORM)
    off = ("rp_initiated_logout", "backchannel_logout", "frontchannel_logout")
    without = open_site(pages.server.database, features=dict.fromkeys(off, False), clock=pages.clock)
    there = await without.signed_in("ada")
    shown = await there.get(url)
    assert not re.findall(r'name="(?:signed_out|back_channel|front_channel)"', shown.text)
    await press(there, url, "signing-in", id_token_algorithm="ES256")
    settings = (await client(pages.server.database, url)).openid
    assert (settings.id_token_alg, settings.backchannel_logout_uri) == ("ES256", f"{HOST}/back")
    assert settings.post_logout_redirect_uris == (f"{HOST}/bye", f"{HOST}/goodbye")


async def test_the_page_leads_to_the_document_that_libraries_look_for(pages: Site, ada: Browser, url: str) -> None:
    assert 'href="http://localhost:8000/.well-known/openid-configuration"' in (await ada.get(url)).text
    features = {feature.key: False for feature in Feature if "openid" in (feature.key, *feature.value.requires)}
    plain = await open_site(pages.server.database, features=features, clock=pages.clock).signed_in("ada")
    shown = await plain.get(url)
    assert 'href="http://localhost:8000/.well-known/oauth-authorization-server"' in shown.text
    assert 'id="signing-in"' not in shown.text


@pytest.mark.spec("standards", "ID-6")
async def test_answers_are_signed_and_encrypted_and_sign_ins_kept_recent_as_it_is_chosen(
    pages: Site, ada: Browser, url: str
) -> None:
    keys = {"keys": [{name: key_of("sealed")[name] for name in ("kty", "crv", "x", "y")}]}
    await press(ada, url, "authentication", method="client_secret_basic", keys=json.dumps(keys))
    chosen = {"userinfo_algorithm": "ES256", "id_token_encryption": "ECDH-ES", "userinfo_encryption": "ECDH-ES"}
    answer = await press(ada, url, "signing-in", id_token_algorithm="ES256", max_age="600", **chosen)
    assert (await done(ada, answer)).startswith("Saved")
    settings = (await client(pages.server.database, url)).openid
    assert (settings.userinfo_alg, settings.default_max_age) == ("ES256", 600)
    assert settings.id_token_encryption == settings.userinfo_encryption == ("ECDH-ES", "A128CBC-HS256")
    shown = (await ada.get(url)).text
    assert shown.count('<option value="ECDH-ES" selected>') == 2
    assert 'name="max_age" type="text" value="600"' in shown
    wrong = await press(ada, url, "signing-in", id_token_algorithm="ES256", max_age="soon", **chosen)
    assert list(problems_on(wrong)) == ["max_age"]
    await press(ada, url, "signing-in", id_token_algorithm="ES256")
    assert (await client(pages.server.database, url)).openid.stored == {"id_token_alg": "ES256"}
