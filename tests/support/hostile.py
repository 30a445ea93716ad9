"""Hostile requests: valid ones with real credentials, changed in a few places, and what every answer must keep.

Only a request that is nearly right reaches the code behind the first check.
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlsplit

import httpx
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from app.protocol.errors import ErrorCode
from app.routers.openapi import document
from tests.support.pushing import pushed
from tests.support.service import (
    REDIRECT_URI,
    SECRET,
    Service,
    answer_of,
    authorize_url,
    fields_of,
    obtain_code,
    redeem,
)
from tests.support.wire import WireAnswer, WireRequest, form, send

FORM = b"application/x-www-form-urlencoded"
BASIC = b"Basic " + b64encode(f"web:{SECRET}".encode())
MARKUP = b'"><script>alert(1)</script>'
DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*")  # RFC 6749 §5.2
CODES = {code.wire for code in ErrorCode}


@dataclass(frozen=True, slots=True)
class Live:
    """A value that is good at the moment of sending, such as a code that nobody has redeemed."""

    kind: str


@dataclass(frozen=True, slots=True)
class Times:
    """A value that is too long to print."""

    text: bytes
    count: int


Value = bytes | Live | Times
Fields = list[tuple[Value, Value]]


@dataclass(frozen=True, slots=True)
class Draft:
    """A request before its live values are filled in. `fields` become the body of a POST, else the query."""

    method: str
    path: bytes
    fields: Fields
    headers: list[tuple[bytes, Value]]
    raw_body: Value | None = None


class Supply:
    """Fresh credentials of a person who is signed in and of the applications he uses."""

    def __init__(self, browser: httpx.AsyncClient) -> None:
        self._browser = browser
        self._asked = ""

    async def of(self, value: Value, *, encode: bool = True) -> bytes:
        """Return what a value stands for; `encode` a live one as forms do, or leave it as headers want it."""
        if isinstance(value, bytes):
            return value
        if isinstance(value, Times):
            return value.text * value.count
        text: str = await getattr(self, f"_{value.kind}")()
        return (quote_plus(text) if encode else text).encode()

    async def _code(self) -> str:
        return await obtain_code(self._browser, "web", "robin")

    async def _refresh_token(self) -> str:
        token: str = (await redeem(self._browser, "web", await self._code())).json()["refresh_token"]
        return token

    async def _access_token(self) -> str:
        token: str = (await redeem(self._browser, "web", await self._code())).json()["access_token"]
        return token

    async def _bearer(self) -> str:
        return f"Bearer {await self._access_token()}"

    async def _interaction(self) -> str:
        self._asked = answer_of(await self._browser.get(authorize_url("web", prompt="consent")))["interaction"]
        return self._asked

    async def _person(self) -> str:
        page = await self._browser.get(f"/consent?interaction={self._asked}")
        return fields_of(page).get("person", "")  # nothing when the request has lost its interaction on the way

    async def _request_uri(self) -> str:
        saved = await self._browser.post(
            "/oauth/authorize", content=urlsplit(authorize_url("web")).query, headers=_FORM
        )
        return answer_of(saved)["request_uri"]

    async def _pushed_uri(self) -> str:
        return await pushed(self._browser, "web")

    async def _csrf(self) -> str:
        return fields_of(await self._browser.get("/logout"))["csrf"]

    async def _cookies(self) -> str:
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._browser.cookies.jar)

    async def _record(self) -> str:
        page = await self._browser.get("/account/applications")
        return page.text.partition("/account/applications/")[2][:36]


_FORM = {"Content-Type": FORM.decode()}


HOSTILE: st.SearchStrategy[bytes | Times] = st.one_of(
    st.sampled_from(
        [
            b"",
            b"%",
            b"%0",
            b"%zz",
            b"%00",
            b"a%00b",
            b"%ff%fe",
            b"\xff\xfe",
            b"%C3%28",
            b"%ED%A0%80",  # a lone surrogate
            b"%F4%90%80%80",  # beyond Unicode
            b"%0D%0ASet-Cookie:%20a=b",
            b"%E2%80%AE%F0%9F%92%A9",
            b"%22%5C%7F",
            MARKUP,
            b"%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E",
            b"-1",
            b"1e999",
            b"99999999999999999999999999",
            b"%D9%A3",  # a digit, but not of ours
            b"[]",
            b"{}",
            b"null",
            b"'%20or%201=1--",
            b"..%2F..%2Fetc%2Fpasswd",
            b"http://[::1",
            b"https://%5B",
            b"javascript:alert(1)",
            b"urn:ietf:params:oauth:request_uri:x",
            b"asat_AAAA",
            b"asrt_" + b"A" * 75,
            b"asin_" + b"A" * 70,
            b"+",
            Times(b"+", 300),
            Times(b"a", 5_000),
            Times(b"a", 1_000_000),
            Times(b"%E2%82%AC", 30_000),
        ]
    ),
    st.text(max_size=30).map(lambda text: quote_plus(text, errors="replace").encode()),
    st.binary(max_size=30),
)
HEADER_VALUES: st.SearchStrategy[bytes] = st.one_of(
    st.sampled_from(
        [
            b"",
            b"Basic",
            b"Basic ====",
            b"Basic " + b64encode(b"web"),
            b"Basic " + b64encode(b"web:%zz"),
            b"Basic " + b64encode(b"web:\xff\x00"),
            b"Basic " + b64encode(b":"),
            b"Bearer",
            b"Bearer a b",
            b"Bearer " + b"x" * 5_000,
            b"DPoP x",
            b"\xff\xfe",
            b"assent_session=x; assent_session=y; =; ;",
            b"__Host-assent_session=" + b"A" * 5_000,
            b'__Host-assent_browser="\\303\\251"',
            b"null",
            b"https://attacker.example",
            b"attacker.example:99999",
            b"http://[",
            b"for=_hidden;proto=gopher",
            b"cross-site",
            b"text/plain",
            b"multipart/form-data; boundary=x",
            FORM + b'; charset="utf-7"',
            b"application/json",
            b"W/*",
            b"*",
            b"-1",
        ]
    ),
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=40).map(
        lambda text: text.encode("latin-1")
    ),
)
HEADER_NAMES = st.sampled_from(
    b"authorization cookie origin host content-type accept accept-language user-agent x-forwarded-for "
    b"x-forwarded-proto x-forwarded-host forwarded x-request-id if-none-match sec-fetch-site referer range "
    b"x-http-method-override content-encoding expect dpop".split()
)
ODD_METHODS = st.sampled_from(
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"]
)
"""llhttp, which the server reads requests with, knows a fixed list; these stand for it."""


@st.composite
def drafts(
    draw: st.DrawFn, method: str, path: bytes, valid: Fields, headers: Sequence[tuple[bytes, Value]] = ()
) -> Draft:
    """Draw a valid request with up to three changes."""
    fields, sent = list(valid), list(headers)
    raw_body: Value | None = None
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, max(0, len(fields) - 1)))
        change = draw(
            st.sampled_from(["replace"] * 6 + ["swap", "repeat", "drop", "add", "header", "header", "method", "raw"])
        )
        if change == "replace" and fields:
            fields[place] = (fields[place][0], draw(HOSTILE))
        elif change == "swap" and fields and valid:
            fields[place] = (fields[place][0], draw(st.sampled_from([value for _, value in valid])))
        elif change == "repeat" and fields:
            fields.append((fields[place][0], draw(HOSTILE)))
        elif change == "drop" and fields:
            del fields[place]
        elif change == "add":
            fields.append(
                (
                    draw(st.sampled_from([b"client_id", b"client_secret", b"resource", b"a", b""]) | HOSTILE),
                    draw(HOSTILE),
                )
            )
        elif change == "header":
            name = draw(HEADER_NAMES)
            sent = [(known, value) for known, value in sent if known != name or draw(st.booleans())]
            sent.append((name, draw(HEADER_VALUES)))
        elif change == "method":
            method = draw(ODD_METHODS)
        else:
            raw_body = draw(st.binary(max_size=200) | st.sampled_from([Times(b"a", 1_100_000), Times(b"&a=b", 5_000)]))
    return Draft(method, path, fields, sent, raw_body)


async def ask(site: Service, supply: Supply, draft: Draft) -> WireAnswer:
    """Fill in the live values, send the request, and check what holds for every answer there is."""
    fields = [(await supply.of(name), await supply.of(value)) for name, value in draft.fields]
    headers = [(name, await supply.of(value, encode=False)) for name, value in draft.headers]
    encoded = form(fields)
    raw_body = None if draft.raw_body is None else await supply.of(draft.raw_body)
    if draft.method == "POST":
        target, body = draft.path, encoded if raw_body is None else raw_body
    else:
        target, body = draft.path + (b"?" + encoded if encoded else b""), raw_body or b""
    request = WireRequest(draft.method, target, tuple(headers), body)
    try:
        answer = await send(site.app, request)
        assert_sound(request, answer)
        assert_documented(document(site.server), request, answer)
    except Exception as broken:
        broken.add_note(f"{request!r:.2000}")
        raise
    return answer


def assert_sound(request: WireRequest, answer: WireAnswer) -> None:
    """Check the rules that every answer keeps."""
    assert answer.status < 500, answer.body[:500]
    assert answer.header("x-request-id")
    for name, value in answer.headers:
        assert re.fullmatch(rb"[\x20-\x7e\x80-\xff]*", value), name
    if answer.status in (301, 302, 303, 307, 308):
        assert answer.status == 303
        location = answer.header("location") or ""
        assert location.isascii()
        assert location.startswith(("/", REDIRECT_URI, "https://other.example/cb")), location
        assert not location.startswith("//")
    if answer.media_type == "text/html":
        assert MARKUP not in answer.body
        assert answer.header("cache-control") == "no-store"
        assert "default-src 'none'" in (answer.header("content-security-policy") or "")
    if request.path.startswith(("/oauth/token", "/oauth/introspect", "/oauth/revoke", "/api/v1/")) and (
        answer.status != 404
    ):
        assert answer.header("set-cookie") is None
        assert answer.header("cache-control") == "no-store" or answer.status == 204
        assert answer.media_type in ("application/json", "application/problem+json", "")
    if answer.media_type == "application/json" and answer.body and answer.status >= 400:
        content = answer.json()
        assert isinstance(content, dict)
        assert content["error"] in CODES
        assert DESCRIPTION.fullmatch(content["error_description"])


def assert_documented(described: dict[str, Any], request: WireRequest, answer: WireAnswer) -> None:
    """Check that the OpenAPI document names the status; what HTTP itself refuses is not told there."""
    operation = described["paths"].get(request.path, {}).get(request.method.lower())
    assert operation is None or answer.status == 413 or str(answer.status) in operation["responses"], answer.status


def fuzz(examples: int) -> settings:
    """Settings of a run that draws the same examples everywhere."""
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),  # a failing request is short enough to read as it is
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
    )
