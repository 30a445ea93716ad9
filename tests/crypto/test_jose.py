"""What we sign is what other libraries check, and the other way round; the published vectors come out."""

import base64
import json
import warnings
from typing import Any

import pytest
from joserfc import jwk as other_keys
from joserfc import jwt as other_library

from app.crypto import jose
from app.crypto.jose import JoseError, UnknownKey
from tests.support.jose import CLAIMS, key_pair, public, signed

RFC7638_KEY = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjB"
    "ZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8"
    "KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_"
    "xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}
DPOP_PROOF = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVV"
    "FVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQn"
    "dDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ."
    "2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)
RFC7515_A1 = (
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc1"
    "9yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)
RFC7515_A1_KEY = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
RFC8037_KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}


@pytest.mark.parametrize("alg", jose.SIGNATURES)
def test_what_is_signed_here_is_verified_here(alg: str) -> None:
    jwt = jose.verify(signed(alg), [public("ES384"), public(alg)], [alg])

    assert jwt.claims == CLAIMS
    assert (jwt.kid, jwt.typ, jwt.header["alg"]) == (key_pair(alg)["kid"], "JWT", alg)


@pytest.mark.spec("standards", "JW-3")
@pytest.mark.parametrize("alg", [alg for alg in jose.SIGNATURES if alg != "EdDSA"])
def test_joserfc_verifies_what_is_signed_here(alg: str) -> None:
    decoded = other_library.decode(signed(alg), other_keys.import_key(public(alg)), algorithms=[alg])

    assert decoded.claims == CLAIMS
    assert decoded.header == {"typ": "JWT", "alg": alg, "kid": public(alg)["kid"]}


@pytest.mark.parametrize("alg", [alg for alg in jose.SIGNATURES if alg != "Ed25519"])
def test_authlib_verifies_what_is_signed_here_and_is_verified(alg: str) -> None:
    with warnings.catch_warnings(record=True):  # the library would rather have others use another one
        from authlib.jose import JsonWebKey, JsonWebToken

    library = JsonWebToken([alg])

    assert library.decode(signed(alg), JsonWebKey.import_key(public(alg))) == CLAIMS
    theirs = library.encode({"alg": alg, "typ": "JWT"}, CLAIMS, JsonWebKey.import_key(key_pair(alg))).decode()
    assert jose.verify(theirs, [public(alg)], [alg]).claims == CLAIMS


@pytest.mark.parametrize("alg", jose.MACS)
def test_a_mac_is_checked_with_every_secret_that_counts(alg: str) -> None:
    secret = b"s" * 64
    theirs = other_library.encode({"alg": alg}, CLAIMS, other_keys.import_key(secret, "oct"), algorithms=[alg])

    assert jose.verify_mac(theirs, [b"o" * 64, secret], jose.MACS).claims == CLAIMS
    assert jose.verify_mac(theirs, [secret[:8], secret], [alg]).claims == CLAIMS
    with pytest.raises(JoseError, match="signature"):
        jose.verify_mac(theirs, [b"o" * 64], [alg])


@pytest.mark.parametrize(("alg", "bytes_"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_a_secret_shorter_than_its_hash_counts_as_none(alg: str, bytes_: int) -> None:
    secret = b"s" * (bytes_ - 1)
    theirs = other_library.encode({"alg": alg}, CLAIMS, other_keys.import_key(secret, "oct"), algorithms=[alg])

    with pytest.raises(JoseError, match=f"{bytes_} bytes"):
        jose.verify_mac(theirs, [secret], [alg])
    with pytest.raises(JoseError, match="no secret"):
        jose.verify_mac(theirs, [b""], [alg])


@pytest.mark.spec("standards", "TV-2")
def test_the_thumbprint_of_rfc_7638_comes_out() -> None:
    assert jose.thumbprint(RFC7638_KEY) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_the_thumbprint_of_rfc_8037_comes_out() -> None:
    assert jose.thumbprint(RFC8037_KEY) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.spec("standards", "TV-3")
def test_the_proof_of_rfc_9449_is_verified_with_its_own_key() -> None:
    jwt, jwk = jose.verify_embedded(DPOP_PROOF, ["ES256"])

    assert jwt.claims["jti"] == "-BwC3ESc6acc2lTc"
    assert jose.thumbprint(jwk) == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


def test_the_mac_of_rfc_7515_comes_out() -> None:
    secret = base64.urlsafe_b64decode(RFC7515_A1_KEY + "==")

    assert jose.verify_mac(RFC7515_A1, [secret], ["HS256"]).claims["iss"] == "joe"


@pytest.mark.parametrize("jwk", [{}, {"kty": "oct", "k": "c2VjcmV0"}, {"kty": "EC", "crv": "P-256"}, {"kty": []}])
def test_only_public_keys_have_thumbprints(jwk: dict[str, Any]) -> None:
    with pytest.raises(JoseError):
        jose.thumbprint(jwk)


def test_a_key_is_found_without_a_kid_on_either_side() -> None:
    token = signed("ES256")
    unnamed = {name: value for name, value in public("ES256").items() if name != "kid"}
    other = {**jose.public_part(jose.generate("ES256")), "kid": "other"}
    anonymous = other_library.encode({"alg": "ES256"}, CLAIMS, other_keys.import_key(key_pair("ES256")))

    assert jose.verify(token, [other, unnamed], ["ES256"]).claims == CLAIMS
    assert jose.verify(anonymous, [other, public("ES256")], ["ES256"]).claims == CLAIMS


def test_a_fresher_list_is_asked_for_when_no_key_is_the_named_one() -> None:
    with pytest.raises(UnknownKey):
        jose.verify(signed("ES256"), [jose.public_part(jose.generate("ES256"))], ["ES256"])
    with pytest.raises(UnknownKey):
        jose.verify(signed("ES256"), [], ["ES256"])


@pytest.mark.spec("standards", "JW-2")
@pytest.mark.parametrize("alg", jose.SIGNATURES)
def test_the_public_part_has_no_private_member(alg: str) -> None:
    shown = public(alg)

    assert not shown.keys() & {"d", "p", "q", "dp", "dq", "qi", "k", "oth"}
    assert shown["use"] == "sig"
    assert shown["alg"] == alg
    assert shown["kid"] == jose.thumbprint(shown)
    assert key_pair(alg)["d"] not in json.dumps(shown)


@pytest.mark.spec("standards", "JV-6")
def test_every_generated_key_is_a_new_one_of_full_strength() -> None:
    assert jose.generate("ES256")["d"] != jose.generate("ES256")["d"]
    assert len(base64.urlsafe_b64decode(key_pair("RS256")["n"] + "==")) * 8 == 2048


def test_a_key_signs_many_tokens_of_several_kinds() -> None:
    key = jose.signing_key(key_pair("EdDSA"))

    tokens = [jose.sign(key, {"number": number}, typ=typ) for number in range(2) for typ in ("JWT", "at+jwt")]

    read = [jose.verify(token, [public("EdDSA")], ["EdDSA"]) for token in tokens]
    assert [(jwt.claims["number"], jwt.typ) for jwt in read] == [(0, "JWT"), (0, "at+jwt"), (1, "JWT"), (1, "at+jwt")]


def test_nothing_of_a_key_or_token_is_in_a_representation() -> None:
    key = jose.signing_key(key_pair("ES256"))
    token = jose.sign(key, {"jti": "secret-claim"}, typ="at+jwt")

    shown = repr(key) + repr(jose.peek(token))
    assert "secret-claim" not in shown
    assert not [part for part in token.split(".") if part in shown]
    assert key_pair("ES256")["d"] not in shown
