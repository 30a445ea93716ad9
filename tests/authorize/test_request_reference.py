"""Request objects at an address: which addresses count, and what may stand there (OpenID Connect Core §6.2)."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from app.crypto.hashing import digest
from app.crypto.jose_text import encoded
from app.protocol.authorize import request_reference
from app.protocol.errors import OAuthError
from app.protocol.fetching import Document
from app.protocol.request_settings import RequestSettings
from tests.support.facts import client

PLACE = "https://client.example/request.jwt"
BODY = b"a.b.c"
NAMED = encoded(digest(BODY)).decode()
OTHER = encoded(digest(b"another")).decode()


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(OAuthError) as refused:
        call()
    assert refused.value.code.wire == "invalid_request_uri"
    return refused.value.description


@pytest.mark.spec("standards", "RO-9")
@pytest.mark.parametrize(
    ("registered", "uri"),
    [
        (PLACE, PLACE),
        (PLACE, f"{PLACE}#{NAMED}"),
        (PLACE, f"{PLACE}#another-version"),
        (f"{PLACE}#{NAMED}", f"{PLACE}#{NAMED}"),
    ],
)
def test_a_registered_address_is_fetched_without_its_fragment(registered: str, uri: str) -> None:
    who = client(requests=RequestSettings(request_uris=("https://client.example/other", registered)))
    assert request_reference.address(uri, who) == PLACE


@pytest.mark.spec("standards", "RO-9")
@pytest.mark.parametrize(
    ("registered", "uri", "said"),
    [
        ((), PLACE, "not registered"),
        ((PLACE,), f"{PLACE}?version=2", "not registered"),
        ((PLACE,), PLACE.upper(), "not registered"),
        ((PLACE,), "http://client.example/request.jwt", "not registered"),
        ((PLACE,), "https://client.example.mallory.example/request.jwt", "not registered"),
        ((PLACE,), "urn:ietf:params:oauth:request_uri:x", "not registered"),
        ((f"{PLACE}#{NAMED}",), f"{PLACE}#another-version", "not registered"),
        ((f"{PLACE}#{NAMED}",), PLACE, "not registered"),
        ((PLACE,), f"{PLACE}#{'x' * 512}", "longer than 512"),
    ],
)
def test_no_other_address_is(registered: tuple[str, ...], uri: str, said: str) -> None:
    who = client(requests=RequestSettings(request_uris=registered))
    assert said in refusal(lambda: request_reference.address(uri, who))


@pytest.mark.spec("standards", "RO-9")
def test_an_address_that_names_its_content_leads_to_no_other() -> None:
    for uri in (PLACE, f"{PLACE}#{NAMED}", f"{PLACE}#another-version"):
        assert request_reference.read(uri, BODY) == "a.b.c"
    assert request_reference.read(PLACE, b"a.b.c\n") == "a.b.c"
    assert "names another content" in refusal(lambda: request_reference.read(f"{PLACE}#{NAMED}", b"a.b.d"))
    assert "no JWT" in refusal(lambda: request_reference.read(PLACE, "ä".encode()))


@pytest.mark.parametrize(
    ("uri", "fresh_for", "kept"),
    [
        (PLACE, None, timedelta()),
        (PLACE, 0, timedelta()),
        (PLACE, 60, timedelta(seconds=60)),
        (PLACE, 86_400, timedelta(hours=1)),
        (f"{PLACE}#{NAMED}", None, timedelta(hours=1)),
        (f"{PLACE}#another-version", None, timedelta()),
        (f"{PLACE}#{OTHER}", 60, timedelta()),
    ],
)
def test_an_object_is_kept_as_long_as_it_is_known_to_be_the_same(
    uri: str, fresh_for: int | None, kept: timedelta
) -> None:
    assert request_reference.kept_for(uri, Document(BODY, fresh_for)) == kept


def test_what_cannot_be_fetched_says_why() -> None:
    with pytest.raises(OAuthError, match="invalid_request_uri: request_uri did not answer in time"):
        raise request_reference.not_fetched("did not answer in time")
