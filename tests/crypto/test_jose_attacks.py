"""What attackers send: other algorithms, other keys, broken texts, and things that take long to read (RFC 8725)."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.crypto import jose
from app.crypto.jose import JoseError
from app.crypto.jose_keys import public_key
from tests.support.jose import CLAIMS, b64, forged, key_pair, public, rewritten, signed, signed_with


@pytest.mark.spec("standards", "JV-1")
@pytest.mark.parametrize("alg", ["none", "None", "nOnE", "NONE", ""])
@pytest.mark.parametrize("signature", [b"", b"x" * 64], ids=["unsigned", "signed"])
def test_none_is_no_algorithm_however_it_is_written(alg: str, signature: bytes) -> None:
    token = forged({"alg": alg}, signature=signature)

    for algorithms in ([alg], [alg, "none", "ES256"], jose.SIGNATURES):
        with pytest.raises(JoseError, match="not accepted"):
            jose.verify(token, [public("ES256")], algorithms)
    with pytest.raises(JoseError, match="not accepted"):
        jose.verify_mac(token, [b"s" * 64], [alg, *jose.MACS])


@pytest.mark.spec("standards", "JV-1")
@pytest.mark.parametrize("form", ["pem", "der", "modulus", "jwk"])
def test_a_public_key_is_no_secret(form: str) -> None:
    key = public_key(public("RS256"))
    secret = {
        "pem": key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "der": key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "modulus": base64.urlsafe_b64decode(public("RS256")["n"] + "=="),
        "jwk": json.dumps(public("RS256")).encode(),
    }[form]
    content = f"{b64({'alg': 'HS256', 'kid': public('RS256')['kid']})}.{b64(CLAIMS)}"
    token = f"{content}.{b64(hmac.digest(secret, content.encode(), hashlib.sha256))}"

    for algorithms in (["RS256"], ["RS256", "HS256"], (*jose.SIGNATURES, *jose.MACS)):
        with pytest.raises(JoseError, match="not accepted"):
            jose.verify(token, [public("RS256")], algorithms)


@pytest.mark.spec("standards", "JV-1")
@pytest.mark.parametrize(
    ("signed_with", "claimed"),
    [
        *(("RS256", "PS256"), ("PS256", "RS256"), ("RS256", "RS512"), ("RS256", "ES256"), ("ES256", "RS256")),
        *(("ES384", "ES256"), ("ES256", "ES384"), ("EdDSA", "ES256"), ("ES256", "EdDSA")),
    ],
)
def test_a_key_serves_one_algorithm(signed_with: str, claimed: str) -> None:
    token = rewritten(signed(signed_with), alg=claimed)

    with pytest.raises(JoseError, match="not for its algorithm"):
        jose.verify(token, [public(signed_with)], jose.SIGNATURES)


def test_a_signature_of_another_curve_is_none() -> None:
    """ES256 with a P-384 key: the key does not fit, and a signature of that length is none."""
    unlabelled = {name: value for name, value in public("ES384").items() if name not in ("alg", "kid")}
    with pytest.raises(JoseError):
        jose.verify(rewritten(signed("ES384"), alg="ES256"), [unlabelled], ["ES256", "ES384"])
    longer = forged({"alg": "ES256", "kid": public("ES256")["kid"]}, signature=b"x" * 96)
    with pytest.raises(JoseError, match="signature"):
        jose.verify(longer, [public("ES256")], ["ES256"])


@pytest.mark.parametrize("signature", [b"", b"\0" * 64, b"\0" * 32 + b"\1" * 32, b"\xff" * 64, b"x" * 63])
def test_an_empty_or_absurd_signature_is_wrong(signature: bytes) -> None:
    token = forged({"alg": "ES256", "kid": public("ES256")["kid"]}, signature=signature)

    with pytest.raises(JoseError, match="signature"):
        jose.verify(token, [public("ES256")], ["ES256"])


@pytest.mark.parametrize("alg", jose.SIGNATURES)
def test_a_changed_claim_breaks_the_signature(alg: str) -> None:
    head, _, signature = signed(alg).split(".")

    with pytest.raises(JoseError, match="signature"):
        jose.verify(f"{head}.{b64({**CLAIMS, 'sub': 'robin'})}.{signature}", [public(alg)], [alg])


@pytest.mark.spec("standards", "JV-2")
@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c"])
def test_keys_that_a_token_brings_along_are_not_looked_at(member: str) -> None:
    mine = jose.generate("ES256")
    brought = {"jwk": jose.public_part(mine), "jku": "https://evil.example/jwks", "x5u": "https://evil.example/cert"}
    token = signed_with(mine, {member: brought.get(member, ["MIIB"])})

    with pytest.raises(JoseError):
        jose.verify(token, [public("ES256")], jose.SIGNATURES)
    if member != "jwk":
        with pytest.raises(JoseError, match="no key in its header"):
            jose.verify_embedded(token, jose.SIGNATURES)


@pytest.mark.spec("standards", "JV-2")
def test_the_kid_of_a_known_key_does_not_lend_it_to_others() -> None:
    mine = {**jose.generate("ES256"), "kid": public("ES256")["kid"]}

    with pytest.raises(JoseError, match="signature"):
        jose.verify(signed_with(mine, {}), [public("ES256")], ["ES256"])


@pytest.mark.parametrize(
    "changes",
    [{"use": "enc"}, {"key_ops": ["sign"]}, {"key_ops": "verify"}, {"alg": "RS256"}, {"kty": "RSA"}, {"crv": "P-384"}],
    ids=str,
)
def test_a_key_for_something_else_checks_no_signature(changes: dict[str, Any]) -> None:
    with pytest.raises(JoseError, match="not for its algorithm"):
        jose.verify(signed("ES256"), [{**public("ES256"), **changes}], ["ES256"])


def test_a_registered_key_that_is_none_has_signed_nothing() -> None:
    broken = {**public("ES256"), "x": public("ES256")["y"]}

    with pytest.raises(JoseError, match="signature"):
        jose.verify(signed("ES256"), [broken], ["ES256"])


def test_a_token_without_a_kid_is_tried_with_few_keys() -> None:
    """The right one stands at the end of a long list: it is not reached, and the work stays bounded."""
    many = [jose.public_part(jose.generate("ES256")) for _ in range(8)]
    unnamed = signed_with(key_pair("ES256"), {}, kid=False)

    assert jose.verify(unnamed, [*many[:7], public("ES256")], ["ES256"]).claims == CLAIMS
    with pytest.raises(JoseError):
        jose.verify(unnamed, [*many, public("ES256")], ["ES256"])


@pytest.mark.parametrize(
    "jwk",
    [
        None,
        "key",
        {"kty": "oct", "k": b64(b"s" * 32)},
        {**key_pair("ES256")},
        {**public("RS256"), "d": "AQAB"},
        {**public("ES256"), "kty": "RSA"},
        {**public("ES256"), "y": public("ES256")["x"]},
    ],
    ids=["none", "text", "symmetric", "private", "half private", "no modulus", "off the curve"],
)
def test_an_embedded_key_has_to_be_public_and_right(jwk: object) -> None:
    with pytest.raises(JoseError):
        jose.verify_embedded(forged({"alg": "ES256", "jwk": jwk}), jose.SIGNATURES)


def test_an_embedded_key_proves_only_what_it_signed() -> None:
    jwk = public("ES256")

    with pytest.raises(JoseError, match="signature"):
        jose.verify_embedded(forged({"alg": "ES256", "jwk": jwk}), ["ES256"])
    with pytest.raises(JoseError, match="not for its algorithm"):
        jose.verify_embedded(forged({"alg": "RS256", "jwk": jwk}), ["RS256"])
    with pytest.raises(JoseError, match="not accepted"):
        jose.verify_embedded(forged({"alg": "HS256", "jwk": jwk}), jose.SIGNATURES)


_OF_ORDER_8 = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"
SMALL_ORDER = [
    *(bytes(32), bytes.fromhex("01" + "00" * 31), bytes.fromhex(_OF_ORDER_8), bytes.fromhex(_OF_ORDER_8[:-2] + "85")),
    *(bytes.fromhex(first + "ff" * 30 + last) for first in ("ec", "ed", "ee") for last in ("7f", "ff")),
]
"""Points of Ed25519 under which a signature of zeros is right for some or all contents."""


def _numbers(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    numbers = key.public_numbers()
    size = (key.curve.key_size + 7) // 8
    return {"x": b64(numbers.x.to_bytes(size)), "y": b64(numbers.y.to_bytes(size))}


def _rsa(bits: int, exponent: int | None = None) -> dict[str, str]:
    """Numbers that look like a key of this size; whether they are one does not matter here."""
    modulus = (1 << (bits - 1)) | 1
    number = exponent or 65537
    return {
        "kty": "RSA",
        "n": b64(modulus.to_bytes(bits // 8)),
        "e": b64(number.to_bytes((number.bit_length() + 7) // 8)),
    }


@pytest.mark.spec("standards", "JW-4")
@pytest.mark.spec("standards", "JV-6")
@pytest.mark.parametrize(
    ("jwk", "problem"),
    [
        ([], "no JSON object"),
        ({}, "kty other than"),
        ({"kty": ["EC"]}, "kty other than"),
        ({"kty": "oct", "k": "c2VjcmV0"}, "symmetric"),
        ({"kty": "EC", "crv": "P-256", "x": "AA"}, "lacks one of"),
        ({**public("ES256"), "x": 5}, "lacks one of"),
        ({**public("ES256"), "kid": 5}, "kid that is no string"),
        ({**public("ES256"), "d": None}, "private key"),
        ({**public("ES256"), "crv": "secp256k1"}, "curve other than"),
        ({**public("ES256"), "crv": "P-384"}, "make no key"),
        ({**public("ES256"), "y": public("ES256")["x"]}, "make no key"),
        ({**public("ES256"), "x": "A" * 43 + "!"}, "make no key"),
        ({**public("ES256"), "x": "A" * 42 + "é"}, "make no key"),
        ({"kty": "EC", "crv": "P-256", "x": b64(b"\0" * 32), "y": b64(b"\0" * 32)}, "make no key"),
        ({"kty": "OKP", "crv": "Ed448", "x": b64(b"x" * 57)}, "curve other than"),
        ({"kty": "OKP", "crv": "Ed25519", "x": b64(b"x" * 31)}, "make no key"),
        (_rsa(1024), "1024 bits"),
        (_rsa(16_384), "16384 bits"),
        (_rsa(2048, 2), "make no key"),
        (_rsa(2048, (1 << 32) | 1), "enormous exponent"),
        *(({"kty": "OKP", "crv": "Ed25519", "x": b64(point)}, "make no key") for point in SMALL_ORDER),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_weak_or_broken_key_is_named_for_what_it_is(jwk: object, problem: str) -> None:
    said = jose.problem_with_public_key(jwk)

    assert said is not None
    assert problem in said
    assert "d" not in said.split()


@pytest.mark.parametrize("bits", [2048, 3072])
def test_a_good_key_has_no_problem(bits: int) -> None:
    numbers = rsa.generate_private_key(65537, bits).public_key().public_numbers()
    assert jose.problem_with_public_key({"kty": "RSA", "n": b64(numbers.n.to_bytes(bits // 8)), "e": "AQAB"}) is None
    curve = ec.generate_private_key(ec.SECP521R1()).public_key()
    assert jose.problem_with_public_key({"kty": "EC", "crv": "P-521", **_numbers(curve)}) is None
    assert jose.problem_with_public_key({"kty": "OKP", "crv": "X25519", "x": b64(b"x" * 32)}) is None


@pytest.mark.spec("standards", "JV-5")
@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("", "compact form"),
        ("a.b", "compact form"),
        ("a.b.c.d.e", "compact form"),
        ("..", "compact form"),
        (".e30.eA", "compact form"),
        ("e30 .e30.eA", "compact form"),
        ("e30.e30.eA\n", "compact form"),
        ("é30.e30.eA", "compact form"),
        (forged({"alg": "ES256"}, signature=b"") + "e", "base64url"),
        ("e31.e30.eA", "base64url"),
        ("e30=.e30.eA", "compact form"),
        (forged(b"[]"), "no JSON object"),
        (forged(b"{"), "not JSON"),
        (forged(bytes([0xFF])), "not JSON"),
        ("e30.e30.eA", "no algorithm"),
        (forged({"alg": 5}), "no algorithm"),
        (forged({"alg": ["ES256"]}), "no algorithm"),
        (forged({"alg": "ES256", "kid": 5}), "kid of the JWT is no string"),
        (forged({"alg": "ES256", "typ": ["JWT"]}), "typ of the JWT is no string"),
        (forged({"alg": "ES256", "crit": ["exp"], "exp": 1}), "critical"),
        (forged({"alg": "ES256", "crit": []}), "critical"),
        (forged({"alg": "ES256", "crit": ["b64"], "b64": False}), "critical"),
        (forged({"alg": "ES256", "b64": False}), "unencoded"),
        (forged({"alg": "ES256", "b64": 0}), "unencoded"),
        (forged({"alg": "ES256"}, b"null"), "no JSON object"),
        (forged({"alg": "ES256"}, b'"text"'), "no JSON object"),
        (forged({"alg": "ES256"}, b""), "not JSON"),
        (forged({"alg": "ES256"}, b'{"sub":"ada","sub":"robin"}'), "member twice"),
        (forged({"alg": "ES256"}, b'{"cnf":{"jkt":"a","jkt":"b"}}'), "member twice"),
        (forged(b'{"alg":"none","alg":"ES256"}'), "member twice"),
        (forged({"alg": "ES256"}, b'{"exp":Infinity}'), "not JSON"),
        (forged({"alg": "ES256"}, b'{"exp":NaN}'), "not JSON"),
        (forged({"alg": "ES256"}, b'{"exp":1e999}'), "not JSON"),
        (forged({"alg": "ES256"}, b'{"exp":' + b"9" * 5000 + b"}"), "not JSON"),
        (forged({"alg": "ES256"}, b'{"sub":"\\ud800"}'), "characters that are none"),
        (forged({"alg": "ES256"}, b'{"a":[{"\\u0000":1}]}'), "characters that are none"),
        (forged({"alg": "ES256"}, b'{"a":' * 40 + b"1" + b"}" * 40), "nested too deeply"),
        (forged({"alg": "ES256"}, b'{"a":' + b"[" * 5900 + b"]" * 5900 + b"}"), "not JSON"),
        ("e30." + "A" * 16_384 + ".eA", "longer than 16384"),
    ],
    ids=[str(number) for number in range(39)],
)
def test_a_text_that_is_no_plain_jwt_is_refused(token: str, said: str) -> None:
    with pytest.raises(JoseError, match=said) as refused:
        jose.peek(token)
    assert str(refused.value).isascii()
    assert '"' not in str(refused.value)


def test_ordinary_text_passes() -> None:
    claims = b'{"name":"\\u00e4\\ud83d\\ude00","n":1.5,"list":[[[[1]]]],"none":null}'

    read = jose.peek(forged({"alg": "ES256", "b64": True}, claims)).claims
    assert read["name"] == "ä😀"
    assert read["n"] == 1.5


def test_whoever_needs_longer_tokens_says_so() -> None:
    token = forged({"alg": "ES256"}, {"blob": "x" * 20_000})

    assert jose.peek(token, longest=40_000).claims["blob"]
    with pytest.raises(JoseError, match="longer"):
        jose.peek(token)
