"""How an application asks and is answered, chosen on its page; and the profile that the operator holds it to."""

import json
import re

import httpx
import pytest

from app.protocol.facts import ClientFact
from app.services import data_file
from app.services.operator import Operator
from app.services.passwords import PasswordQueue
from tests.support.assertions import key_of, key_set
from tests.support.browser import Browser
from tests.support.portal_person import (
    ada as ada,
)
from tests.support.portal_person import (
    created,
    done,
    press,
    problems_on,
)
from tests.support.portal_person import (
    url as url,
)
from tests.support.site import Site, open_site

KEYS = json.dumps(key_set(key_of("diary")))
SIGNED = ("query.jwt", "fragment.jwt", "form_post.jwt", "jwt")


async def client(site: Site, url: str) -> ClientFact:
    found = await site.server.database.hot.gather_client(url.rpartition("/")[2])
    assert found is not None
    return found


def fields(shown: httpx.Response) -> set[str]:
    return set(re.findall(r'name="(push|sign|object_alg|sealed|answer_alg|details)"', shown.text))


async def test_what_is_chosen_is_in_effect_at_once(pages: Site, ada: Browser, url: str) -> None:
    await press(ada, url, "authentication", method="private_key_jwt", keys=KEYS)
    assert fields(await ada.get(url)) == {"push", "sign", "object_alg", "sealed", "answer_alg"}
    chosen = {"push": "on", "sign": "on", "object_alg": "ES256", "sealed": "on", "answer_alg": "ES256"}
    answer = await press(ada, url, "requests", **chosen)
    assert (await done(ada, answer)).startswith("Saved")
    stored = await client(pages, url)
    assert (stored.requests.push_required, stored.requests.object_required) == (True, True)
    assert (stored.requests.object_alg, stored.requests.answer_alg) == ("ES256", "ES256")
    assert stored.openid.response_modes == SIGNED
    shown = (await ada.get(url)).text
    assert len(re.findall(r'name="(?:push|sign|sealed)" checked', shown)) == 3
    await press(ada, url, "requests", answer_alg="RS256")
    again = await client(pages, url)
    assert (again.requests.stored, again.openid.response_modes) == ({}, ())


async def test_modes_that_were_chosen_elsewhere_stay_while_the_form_says_the_same(
    pages: Site, ada: Browser, url: str
) -> None:
    path = f"/api/v1/applications/{url.rpartition('/')[2]}"
    csrf = re.findall(r'name="csrf" value="([^"]+)"', (await ada.get(url)).text)[0]
    headers = {"sec-fetch-site": "same-origin", "x-csrf-token": csrf}
    changed = await ada.client.patch(path, json={"response_modes": ["form_post.jwt"]}, headers=headers)
    assert changed.status_code == 200, changed.text
    await press(ada, url, "requests", sealed="on", answer_alg="ES256", push="on")
    assert (await client(pages, url)).openid.response_modes == ("form_post.jwt",)


async def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(ada: Browser, url: str) -> None:
    answer = await press(ada, url, "requests", sign="on", object_alg="ES256", answer_alg="HS256", push="on")
    assert answer.status_code == 422
    assert "object_alg" in problems_on(answer)
    assert 'id="push" name="push" checked' in answer.text


async def test_what_the_server_does_not_have_is_not_asked_for_and_stays(pages: Site, ada: Browser, url: str) -> None:
    await press(ada, url, "requests", push="on", answer_alg="ES256")
    off = dict.fromkeys(("pushed_requests", "request_objects", "signed_answers", "authorization_details"), False)
    there = await open_site(pages.server.database, features=off, clock=pages.clock).signed_in("ada")
    assert fields(await there.get(url)) == set()
    await press(there, url, "requests")
    stored = await client(pages, url)
    assert (stored.requests.push_required, stored.requests.answer_alg) == (True, "ES256")


async def test_a_machine_has_no_such_form(ada: Browser) -> None:
    url = await created(ada, kind="machine", redirect_uris="")
    shown = await ada.get(url)
    assert 'id="requests"' not in shown.text
    version = re.findall(r'name="version" value="(\d+)"', shown.text)[0]
    csrf = re.findall(r'name="csrf" value="([^"]+)"', shown.text)[0]
    sent = await ada.post(f"{url}/requests", {"version": version, "csrf": csrf, "push": "on"})
    assert (sent.status_code, sent.headers["location"]) == (303, url)


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ("fapi2", "demands that it pushes every request, whatever"),
        ("fapi2-message-signing", "demands that it pushes every request, signs it, and takes signed answers alone"),
    ],
    ids=["fapi", "message_signing"],
)
async def test_the_owner_sees_the_profile_and_cannot_leave_it(
    pages: Site, ada: Browser, profile: str, words: str
) -> None:
    members = {
        "client_id": "bank",
        "owner": "ada",
        "profile": profile,
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": key_set(key_of("bank")),
        "redirect_uris": ["https://bank.example/cb"],
        "id_token_signed_response_alg": "ES256",
        "authorization_signed_response_alg": "ES256",
    }
    data = data_file.parse({"applications": [members]}, pages.server.scopes)
    passwords = PasswordQueue(threads=1)
    await data_file.apply(pages.server.database, passwords, data, Operator("test", pages.clock()))
    passwords.close()
    shown = await ada.get("/apps/bank")
    assert words in shown.text
    assert "FAPI 2.0 Security Profile" in shown.text
    weak = await press(ada, "/apps/bank", "requests", push="on", answer_alg="RS256")
    assert list(problems_on(weak)) == ["answer_alg"]
    assert profile in weak.text
