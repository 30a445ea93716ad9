"""Encrypted JWTs: for the key's owner alone, in the algorithms that are safe, and never a bomb."""

import base64
import json
import zlib
from typing import Any

import pytest
from joserfc import jwe as other_library
from joserfc import jwk as other_keys

from app.crypto import jose
from app.crypto.jose import JoseError
from tests.support.jose import key_pair, public, signed


def recipient(alg: str) -> dict[str, Any]:
    """Return a private key for an encryption algorithm."""
    pair = key_pair("RS256" if alg.startswith("RSA") else "ES256")
    return {**{name: value for name, value in pair.items() if name != "alg"}, "use": "enc"}


@pytest.mark.parametrize("enc", jose.CONTENT_ENCRYPTION_ALGORITHMS)
@pytest.mark.parametrize("alg", jose.KEY_MANAGEMENT_ALGORITHMS)
def test_only_the_owner_of_the_key_reads_it(alg: str, enc: str) -> None:
    inner = signed("ES256")

    token = jose.encrypt(inner, jose.public_part(recipient(alg)), alg, enc)

    header, content = jose.decrypt(token, recipient(alg), [alg], [enc])
    assert content == inner
    assert {name: header[name] for name in ("alg", "enc", "cty", "kid")} == {
        **{"alg": alg, "enc": enc},
        **{"cty": "JWT", "kid": recipient(alg)["kid"]},
    }
    other = {**jose.generate("RS256" if alg.startswith("RSA") else "ES256"), "use": "enc"}
    with pytest.raises(JoseError, match="not encrypted for this key"):
        jose.decrypt(token, other, [alg], [enc])


def test_the_other_library_reads_it_too() -> None:
    token = jose.encrypt("text", jose.public_part(recipient("ECDH-ES")), "ECDH-ES", "A128CBC-HS256", cty="text")

    key = other_keys.import_key(recipient("ECDH-ES"))
    opened = other_library.decrypt_compact(token, key, algorithms=["ECDH-ES", "A128CBC-HS256"])
    assert opened.plaintext == b"text"


def test_a_key_without_a_kid_gets_a_header_without_one() -> None:
    unnamed = {name: value for name, value in public("ES256").items() if name in ("kty", "crv", "x", "y")}

    header, _ = jose.decrypt(
        jose.encrypt("text", unnamed, "ECDH-ES", "A256GCM"), recipient("ECDH-ES"), ["ECDH-ES"], ["A256GCM"]
    )
    assert "kid" not in header


@pytest.mark.parametrize(
    ("key", "alg", "enc"),
    [
        (public("ES256"), "ECDH-ES", "A128GCM"),
        (jose.public_part(recipient("RSA-OAEP")), "ECDH-ES", "A128GCM"),
        (jose.public_part(recipient("ECDH-ES")), "RSA-OAEP", "A128GCM"),
        (jose.public_part(recipient("RSA-OAEP")), "RSA1_5", "A128GCM"),
        (jose.public_part(recipient("RSA-OAEP")), "dir", "A128GCM"),
        (jose.public_part(recipient("RSA-OAEP")), "RSA-OAEP", "none"),
        ({**jose.public_part(recipient("ECDH-ES")), "x": "AA"}, "ECDH-ES", "A128GCM"),
        ({"kty": "oct", "k": "c2VjcmV0"}, "RSA-OAEP", "A128GCM"),
    ],
    ids=["for signing", "RSA", "EC", "RSA1_5", "dir", "unencrypted", "broken", "symmetric"],
)
def test_nothing_is_encrypted_with_the_wrong_key_or_a_weak_algorithm(key: dict[str, Any], alg: str, enc: str) -> None:
    with pytest.raises(JoseError):
        jose.encrypt("text", key, alg, enc)


@pytest.mark.spec("standards", "JV-5")
def test_a_bomb_is_not_unpacked() -> None:
    """A megabyte of zeros in a kilobyte of text."""
    bomb = zlib.compress(b"0" * 1_000_000)
    assert len(bomb) < 2_000
    key = other_keys.import_key(jose.public_part(recipient("ECDH-ES")))
    header = {"alg": "ECDH-ES", "enc": "A128GCM", "zip": "DEF"}
    token = other_library.encrypt_compact(header, b"0" * 1_000_000, key, algorithms=["ECDH-ES", "A128GCM", "DEF"])

    with pytest.raises(JoseError, match="compressed"):
        jose.decrypt(token, recipient("ECDH-ES"), ["ECDH-ES"], ["A128GCM"])


def _changed(token: str, **changes: Any) -> str:
    head, rest = token.split(".", 1)
    header = {**json.loads(base64.urlsafe_b64decode(head + "==")), **changes}
    return f"{base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b'=').decode()}.{rest}"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"alg": "dir"}, "not accepted"),
        ({"alg": "RSA1_5"}, "not accepted"),
        ({"enc": "A256GCM"}, "not accepted"),
        ({"enc": ["A128GCM"]}, "not accepted"),
        ({"crit": ["exp"]}, "critical"),
        ({"epk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}}, "not encrypted for this key"),
        ({"epk": "text"}, "not encrypted for this key"),
        ({"typ": "other"}, "not encrypted for this key"),
    ],
    ids=str,
)
def test_a_changed_header_is_refused(changes: dict[str, Any], said: str) -> None:
    token = jose.encrypt("text", jose.public_part(recipient("ECDH-ES")), "ECDH-ES", "A128GCM")

    with pytest.raises(JoseError, match=said):
        jose.decrypt(_changed(token, **changes), recipient("ECDH-ES"), ["ECDH-ES"], ["A128GCM"])


@pytest.mark.parametrize("token", ["", "a.b.c", "a.b.c.d.é", "." * 4, "a" * 70_000 + "...."], ids=range(5))
def test_what_is_no_encrypted_jwt_is_refused(token: str) -> None:
    with pytest.raises(JoseError):
        jose.decrypt(token, recipient("ECDH-ES"), ["ECDH-ES"], ["A128GCM"])
