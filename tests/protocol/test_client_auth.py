"""Client authentication: as registered, one method, one answer for every failure."""

from base64 import b64encode
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto.hashing import digest
from app.protocol import client_auth
from app.protocol.client_auth import Presented
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact
from app.protocol.params import Parameters
from tests.support.facts import client

_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=30)


def basic(name: str, secret: str) -> str:
    return "Basic " + b64encode(f"{quote_plus(name)}:{quote_plus(secret)}".encode()).decode()


def params(**values: str) -> Parameters:
    return Parameters.of(values.items())


def test_the_vectors_of_rfc_6749() -> None:
    header = "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"
    assert client_auth.identify(header, params()) == Presented(
        "client_secret_basic", "s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw"
    )
    own = "Basic " + b64encode(b"a%3Ab:p%25q%2Br+s").decode()
    assert client_auth.identify(own, params()) == Presented("client_secret_basic", "a:b", "p%q+r s")


@given(_TEXT, _TEXT)
def test_basic_is_form_decoded_after_base64(name: str, secret: str) -> None:
    assert client_auth.identify(basic(name, secret), params()) == Presented("client_secret_basic", name, secret)


def test_post_and_none() -> None:
    assert client_auth.identify(None, params(client_id="c", client_secret="s")).method == "client_secret_post"
    assert client_auth.identify(None, params(client_id="c")) == Presented("none", "c")


@pytest.mark.parametrize(
    ("header", "body", "code"),
    [
        (basic("c", "s"), {"client_id": "c", "client_secret": "s"}, ErrorCode.INVALID_REQUEST),
        (basic("c", "s"), {"client_secret": "s"}, ErrorCode.INVALID_REQUEST),
        (basic("c", "s"), {"client_id": "d"}, ErrorCode.INVALID_REQUEST),
        (None, {"client_secret": "s"}, ErrorCode.INVALID_CLIENT),
        (None, {}, ErrorCode.INVALID_CLIENT),
        ("Basic !!!", {}, ErrorCode.INVALID_CLIENT),
        ("Basic", {}, ErrorCode.INVALID_CLIENT),
        ("Basic " + b64encode(b"no colon").decode(), {}, ErrorCode.INVALID_CLIENT),
        ("Basic " + b64encode(b":s").decode(), {}, ErrorCode.INVALID_CLIENT),
        ("Basic " + b64encode(b"c:%ff").decode(), {}, ErrorCode.INVALID_CLIENT),
        ("Bearer x", {}, ErrorCode.INVALID_CLIENT),
        ("Basic ä", {}, ErrorCode.INVALID_CLIENT),
    ],
)
def test_what_cannot_be_told_apart_is_refused(header: str | None, body: dict[str, str], code: ErrorCode) -> None:
    with pytest.raises(OAuthError) as refused:
        client_auth.identify(header, params(**body))
    assert refused.value.code is code


def test_body_client_id_beside_basic_is_not_a_second_method() -> None:
    assert client_auth.identify(basic("c", "s"), params(client_id="c")).method == "client_secret_basic"


@pytest.mark.parametrize(
    ("presented", "registered"),
    [
        (Presented("client_secret_basic", "client", "secret"), client()),
        (Presented("client_secret_post", "client", "secret"), client(auth_method="client_secret_post")),
        (Presented("none", "client"), client(auth_method="none", secret_digests=())),
        (Presented("client_secret_basic", "client", "new"),
         client(secret_digests=(digest(b"old"), digest(b"new")))),
    ],
)  # fmt: skip
def test_the_registered_method_with_a_valid_secret(presented: Presented, registered: ClientFact) -> None:
    assert client_auth.authenticate(presented, registered) is registered


@pytest.mark.parametrize(
    ("presented", "registered"),
    [
        (Presented("client_secret_basic", "client", "secret"), None),
        (Presented("client_secret_basic", "client", "wrong"), client()),
        (Presented("client_secret_post", "client", "secret"), client()),
        (Presented("none", "client"), client()),
        (Presented("client_secret_post", "client", "secret"), client(auth_method="none")),
        (Presented("client_secret_basic", "client", ""), client(secret_digests=())),
        (Presented("client_secret_basic", "client", "secret"), client(unmet=("require_signed_request_object",))),
        (Presented("none", "client"), client(auth_method="private_key_jwt", secret_digests=())),
    ],
)
def test_every_failure_has_one_answer(presented: Presented, registered: ClientFact | None) -> None:
    with pytest.raises(OAuthError) as refused:
        client_auth.authenticate(presented, registered)
    assert refused.value.code is ErrorCode.INVALID_CLIENT
    assert refused.value.description.startswith("client authentication failed")
    assert refused.value.challenge == ("Basic" if presented.method == "client_secret_basic" else "")


def test_a_secret_stands_in_no_repr() -> None:
    assert "hunter2" not in repr(Presented("client_secret_post", "c", "hunter2"))
