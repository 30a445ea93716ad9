"""No input whatsoever makes the server answer 500, break its own rules, or repeat hostile text as markup.

Requests are valid ones with real credentials, changed in up to three places: so they reach the code behind the first
check, too.
"""

import re
from collections.abc import AsyncIterator
from urllib.parse import quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.routers.endpoints import ENDPOINTS, PAGES
from tests.support.facts import CHALLENGE, VERIFIER
from tests.support.hostile import (
    BASIC,
    FORM,
    HEADER_NAMES,
    HEADER_VALUES,
    HOSTILE,
    ODD_METHODS,
    Draft,
    Fields,
    Live,
    Supply,
    Times,
    Value,
    ask,
    drafts,
    fuzz,
)
from tests.support.service import (
    ISSUER,
    REDIRECT_URI,
    Service,
    obtain_code,
)
from tests.support.wire import WireRequest, form, send


@pytest.fixture(scope="module")
async def supply(site: Service) -> AsyncIterator[Supply]:
    """Robin's credentials: he has signed in and has allowed `web` to see projects."""
    async with site.browser() as browser:
        await obtain_code(browser, "web", "robin")
        yield Supply(browser)


AUTHORIZE: Fields = [
    (b"response_type", b"code"),
    (b"client_id", b"web"),
    (b"redirect_uri", quote_plus(REDIRECT_URI).encode()),
    (b"scope", b"project:read"),
    (b"state", b"xyz"),
    (b"code_challenge", CHALLENGE.encode()),
    (b"code_challenge_method", b"S256"),
]
AUTHORIZE_MORE: Fields = [
    (b"prompt", b"consent"),
    (b"max_age", b"3600"),
    (b"login_hint", b"robin"),
    (b"force_prompt", b"1"),
    (b"nonce", b"n"),
    (b"response_mode", b"query"),
    (b"display", b"page"),
    (b"ui_locales", b"en"),
    (b"acr_values", b"1"),
    (b"claims", b"%7B%7D"),
    (b"request", b"eyJ"),
    (b"id_token_hint", b"eyJ"),
    (b"resource", b"https%3A%2F%2Fapi.example"),
]
CODE: Fields = [
    (b"grant_type", b"authorization_code"),
    (b"code", Live("code")),
    (b"redirect_uri", quote_plus(REDIRECT_URI).encode()),
    (b"code_verifier", VERIFIER.encode()),
]
REFRESH: Fields = [
    (b"grant_type", b"refresh_token"),
    (b"refresh_token", Live("refresh_token")),
    (b"scope", b"project:read"),
]
SAVED: Fields = [(b"client_id", b"web"), (b"request_uri", Live("request_uri"))]
PUSHED: Fields = [(b"client_id", b"web"), (b"request_uri", Live("pushed_uri"))]
CLIENT: list[tuple[bytes, Value]] = [(b"content-type", FORM), (b"authorization", BASIC)]
BEARER: list[tuple[bytes, Value]] = [(b"authorization", Live("bearer"))]
PERSON: list[tuple[bytes, Value]] = [
    (b"content-type", FORM),
    (b"cookie", Live("cookies")),
    (b"origin", ISSUER.encode()),
    (b"sec-fetch-site", b"same-origin"),
]


@fuzz(150)
@given(
    draft=st.lists(st.sampled_from(AUTHORIZE_MORE), max_size=2, unique=True).flatmap(
        lambda more: st.sampled_from(["GET", "POST"]).flatmap(
            lambda method: drafts(method, b"/oauth/authorize", [*AUTHORIZE, *more], PERSON)
        )
    )
)
async def test_authorization_endpoint(site: Service, supply: Supply, draft: Draft) -> None:
    await ask(site, supply, draft)


@fuzz(60)
@given(draft=drafts("GET", b"/oauth/authorize", SAVED, PERSON) | drafts("GET", b"/oauth/authorize", PUSHED, PERSON))
async def test_saved_and_pushed_authorization_requests(site: Service, supply: Supply, draft: Draft) -> None:
    await ask(site, supply, draft)


@fuzz(60)
@given(
    draft=st.lists(st.sampled_from(AUTHORIZE_MORE), max_size=2, unique=True).flatmap(
        lambda more: drafts("POST", b"/oauth/par", [*AUTHORIZE, *more], CLIENT)
    )
)
async def test_pushing_a_request(site: Service, supply: Supply, draft: Draft) -> None:
    await ask(site, supply, draft)


@fuzz(150)
@given(draft=drafts("POST", b"/oauth/token", CODE, CLIENT) | drafts("POST", b"/oauth/token", REFRESH, CLIENT))
async def test_token_endpoint(site: Service, supply: Supply, draft: Draft) -> None:
    await ask(site, supply, draft)


@fuzz(150)
@given(
    draft=st.sampled_from([b"/oauth/introspect", b"/oauth/revoke"]).flatmap(
        lambda path: st.sampled_from(["access_token", "refresh_token", "code"]).flatmap(
            lambda kind: drafts("POST", path, [(b"token", Live(kind)), (b"token_type_hint", b"access_token")], CLIENT)
        )
    )
)
async def test_introspection_and_revocation(site: Service, supply: Supply, draft: Draft) -> None:
    await ask(site, supply, draft)


@fuzz(100)
@given(
    draft=st.sampled_from([b"/api/v1/", b"/api/v1/me", b"/.well-known/oauth-authorization-server"]).flatmap(
        lambda path: drafts("GET", path, [], [(b"authorization", Live("bearer"))])
    )
)
async def test_own_api_and_metadata(site: Service, supply: Supply, draft: Draft) -> None:
    await ask(site, supply, draft)


CSRF = (b"csrf", Live("csrf"))
FORMS: dict[bytes, Fields] = {
    b"/consent": [
        CSRF,
        (b"interaction", Live("interaction")),
        (b"person", Live("person")),
        (b"scope", b"project:read"),
        (b"decision", b"approve"),
    ],
    b"/logout": [CSRF, (b"interaction", b"")],
    b"/setup": [
        CSRF,
        (b"token", b"asol_AAAA"),
        (b"username", b"olive"),
        (b"email", b"olive%40example.org"),
        (b"password", b"meadow+lantern+orbit"),
        (b"password_confirm", b"meadow+lantern+orbit"),
    ],
    b"/account/applications/{record}/remove": [CSRF, (b"scope", b"event:read"), (b"resource", b"")],
    b"/account/applications/{record}/disconnect": [CSRF],
}


@pytest.mark.slow
@fuzz(130)
@given(
    draft=st.sampled_from(sorted(FORMS)).flatmap(lambda path: drafts("POST", path, FORMS[path], PERSON)),
    known=st.booleans(),
)
async def test_forms_of_a_person_who_is_signed_in(site: Service, supply: Supply, draft: Draft, known: bool) -> None:
    # A disconnected or signed-out person would end the run early: those two forms meet a record and cookies of nobody.
    destructive = draft.path.endswith((b"/disconnect", b"/logout"))
    record = await supply.of(Live("record")) if known and not destructive else b"01890a5d-ac96-774b-bcce-b302099a8057"
    headers = [
        (n, b"x=y") if destructive and n == b"cookie" and isinstance(v, Live) else (n, v) for n, v in draft.headers
    ]
    await ask(
        site,
        supply,
        Draft(draft.method, draft.path.replace(b"{record}", record), draft.fields, headers, draft.raw_body),
    )


def login_fields(username: bytes, interaction: Value) -> Fields:
    """Return the sign-in form of a username, for a request that waits or for oneself, with a wrong password."""
    return [CSRF, (b"interaction", interaction), (b"username", username), (b"password", b"wrong")]


LOGIN = login_fields(b"nobody", b"")


@fuzz(60)
@given(
    draft=st.builds(
        login_fields, st.sampled_from([b"robin", b"sam", b"a", b"b", b"c"]), st.sampled_from([b"", Live("interaction")])
    ).flatmap(lambda fields: drafts("POST", b"/login", fields, PERSON))
)
@example(
    draft=Draft(
        "POST", b"/login", [CSRF, (b"username", Times(b"a", 900_000)), (b"password", Times(b"b", 90_000))], PERSON
    )
)
async def test_login(site: Service, supply: Supply, draft: Draft) -> None:
    await ask(site, supply, draft)


GOOD: dict[str, tuple[Draft, int]] = {
    "authorize": (Draft("GET", b"/oauth/authorize", AUTHORIZE, PERSON), 303),
    "saved request": (Draft("GET", b"/oauth/authorize", SAVED, PERSON), 303),
    "code": (Draft("POST", b"/oauth/token", CODE, CLIENT), 200),
    "refresh": (Draft("POST", b"/oauth/token", REFRESH, CLIENT), 200),
    "introspect": (Draft("POST", b"/oauth/introspect", [(b"token", Live("access_token"))], CLIENT), 200),
    "revoke": (Draft("POST", b"/oauth/revoke", [(b"token", Live("refresh_token"))], CLIENT), 200),
    "me": (Draft("GET", b"/api/v1/me", [], BEARER), 200),
    "consent": (Draft("POST", b"/consent", FORMS[b"/consent"], PERSON), 303),
    "login": (Draft("POST", b"/login", LOGIN, PERSON), 422),
    "setup": (Draft("POST", b"/setup", FORMS[b"/setup"], PERSON), 404),
}


@pytest.mark.parametrize("name", GOOD)
async def test_what_is_changed_is_good_when_it_is_not_changed(site: Service, supply: Supply, name: str) -> None:
    draft, status = GOOD[name]

    answer = await ask(site, supply, draft)

    assert answer.status == status
    assert b"error=" not in (answer.header("location") or "").encode()


PATHS: list[bytes] = sorted(
    {mounted.path.encode() for mounted in ENDPOINTS}
    | {getattr(route, "path", "/").encode() for pages in PAGES for route in pages.router.routes}
)
FILLINGS = st.sampled_from(
    [b"x", b"%00", b"%ff", b"%2e%2e%2f", b"..", b"assent.css", b"%22%3E%3Cscript%3Ealert(1)", b"a" * 9_000]
)


@fuzz(150)
@given(
    path=st.sampled_from(PATHS),
    filling=FILLINGS,
    tail=st.sampled_from([b"", b"", b"", b"/", b"//", b"%00", b";a=b", b"/x", b"%2F"]),
    method=ODD_METHODS,
    query=st.lists(
        st.tuples(st.sampled_from([b"interaction", b"removed", b"disconnected", b"v", b"code"]), HOSTILE), max_size=2
    ),
    headers=st.lists(st.tuples(HEADER_NAMES, HEADER_VALUES), max_size=3),
    known=st.booleans(),
)
async def test_every_path_with_every_method(
    site: Service,
    supply: Supply,
    path: bytes,
    filling: bytes,
    tail: bytes,
    method: str,
    query: Fields,
    headers: list[tuple[bytes, Value]],
    known: bool,
) -> None:
    filled = re.sub(rb"\{[^}]*\}", lambda _: filling, path)
    person: list[tuple[bytes, Value]] = [(b"cookie", Live("cookies"))] if known else []
    await ask(site, supply, Draft(method, filled + tail, query, [*person, *headers]))


@fuzz(150)
@given(target=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=60), method=ODD_METHODS)
async def test_paths_that_do_not_exist(site: Service, supply: Supply, target: str, method: str) -> None:
    await ask(site, supply, Draft(method, b"/" + target.replace("?", "/").encode(), [], []))


@pytest.mark.parametrize("path", [b"/oauth/authorize/", b"/oauth/token/", b"/login/"])
async def test_a_slash_too_many_is_refused_and_never_redirected(site: Service, path: bytes) -> None:
    answer = await send(site.app, WireRequest("POST", path, ((b"content-type", FORM),), form([(b"a", b"b")])))

    assert answer.status == 404
    assert answer.header("location") is None
