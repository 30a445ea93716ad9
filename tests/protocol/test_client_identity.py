"""What people judge a client by, and what of it has changed (CI-11)."""

from typing import Any

import pytest

from app.protocol.client_identity import changes, identity_of
from tests.protocol.test_client_documents import KEY, metadata

BEFORE: dict[str, Any] = {"logo_uri": "https://app.example/logo.png"}
OTHER_KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
BY_KEY: dict[str, Any] = {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [KEY]}}


def changed(before: dict[str, Any], now: dict[str, Any]) -> tuple[str, ...]:
    """Return what is different between two documents."""
    return changes(identity_of(metadata(**before)), identity_of(metadata(**now)))


@pytest.mark.spec("standards", "CI-11")
@pytest.mark.parametrize(
    ("now", "words"),
    [
        pytest.param({}, (), id="nothing"),
        pytest.param({"client_name": "notebook"}, ("its name",), id="its name"),
        pytest.param({"logo_uri": "https://app.example/other.png"}, ("its logo",), id="its logo"),
        pytest.param({"logo_uri": None}, ("its logo",), id="no logo any more"),
        pytest.param(
            {"redirect_uris": ["https://evil.example/callback", "http://127.0.0.1/callback"]},
            ("where it sends people back to",),
            id="another host",
        ),
        pytest.param(
            {"redirect_uris": ["https://app.example/callback"]}, ("where it sends people back to",), id="a host less"
        ),
        pytest.param(
            {"redirect_uris": ["https://app.example/callback", "http://127.0.0.1/", "example.app:/callback"]},
            ("where it sends people back to",),
            id="a scheme of its own",
        ),
        pytest.param(BY_KEY, ("how it proves who it is",), id="keys appear"),
        pytest.param(
            {"client_name": "Bank", "logo_uri": None, "redirect_uris": ["https://evil.example/"]},
            ("its name", "its logo", "where it sends people back to"),
            id="everything at once",
        ),
    ],
)
def test_people_are_told_what_has_changed(now: dict[str, Any], words: tuple[str, ...]) -> None:
    assert changed(BEFORE, BEFORE | now) == words


@pytest.mark.spec("standards", "CI-11")
@pytest.mark.parametrize(
    "now",
    [
        {"redirect_uris": ["http://localhost:8080/other", "https://APP.example/elsewhere", "http://[::1]/a"]},
        {"redirect_uris": ["http://127.0.0.1/callback", "https://app.example/callback"]},
        {"client_uri": "https://app.example/new", "tos_uri": "https://app.example/terms", "scope": "a"},
        {"token_endpoint_auth_method": None},
    ],
    ids=["other paths", "another order", "what is not judged by", "the same method"],
)
def test_nobody_is_asked_again_for_what_is_no_change(now: dict[str, Any]) -> None:
    assert changed(BEFORE, BEFORE | now) == ()


@pytest.mark.spec("standards", "CI-11")
@pytest.mark.parametrize(
    ("now", "words"),
    [
        pytest.param({"jwks": {"keys": [KEY | {"kid": "new", "use": "sig"}]}}, 0, id="the same key"),
        pytest.param({"jwks": {"keys": [KEY, OTHER_KEY]}}, 1, id="one key more"),
        pytest.param({"jwks": {"keys": [OTHER_KEY]}}, 1, id="another key"),
        pytest.param({"jwks": None, "jwks_uri": "https://app.example/jwks"}, 1, id="keys elsewhere"),
        pytest.param({"token_endpoint_auth_method": "none"}, 1, id="proves nothing any more"),
    ],
)
def test_other_keys_are_another_proof(now: dict[str, Any], words: int) -> None:
    assert changed(BY_KEY, BY_KEY | now) == ("how it proves who it is",) * words


def test_what_is_no_whole_key_is_told_from_another() -> None:
    odd: dict[str, Any] = {"jwks": {"keys": [{"kty": "EC", "kid": "a"}]}}
    assert changed(odd, odd) == ()
    assert changed(odd, {"jwks": {"keys": [{"kty": "EC", "kid": "b"}]}}) == ("how it proves who it is",)


def test_nothing_is_told_where_nothing_is_known() -> None:
    assert changes("", identity_of(metadata())) == ()
    assert changes(identity_of(metadata()), "") == ()
