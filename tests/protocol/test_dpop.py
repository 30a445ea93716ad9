"""What a DPoP proof has to be (RFC 9449 §4; standards B3)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.crypto import jose
from app.protocol import dpop, dpop_nonce
from app.protocol.dpop import DpopRules, Expected, Judged, judge
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.features import Feature, FeatureSet
from app.protocol.tokens.refresh_chain import ServerKeys
from tests.support.dpop import Holder
from tests.support.jose import forged, key_pair, rewritten

URL = "https://server.example.com/token"
NOW = datetime(2026, 11, 26, 12, 0, 5, tzinfo=UTC)
KEY = b"n" * 32
PAYLOAD = {"jti": "-BwC3ESc6acc2lTc", "htm": "POST", "htu": URL, "iat": int(NOW.timestamp())}
VECTOR = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJo"
    "RjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJq"
    "dGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0Ijox"
    "NTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)
"""The proof of RFC 9449 §5.1."""

HOLDER = Holder(key_pair("ES256"))


def judged(proof: str, rules: DpopRules | None = None, *, now: datetime = NOW, **expected: Any) -> Judged:
    request = Expected(**({"method": "POST", "urls": (URL,)} | expected))
    return judge(proof, request, rules or DpopRules(), KEY, now)


def is_right(proof: str, rules: DpopRules | None = None, **expected: Any) -> bool:
    return judged(proof, rules, **expected).jkt == HOLDER.jkt


def refused(proof: str, rules: DpopRules | None = None, *, now: datetime = NOW, **expected: Any) -> OAuthError:
    with pytest.raises(OAuthError) as error:
        judged(proof, rules, now=now, **expected)
    return error.value


@pytest.mark.spec("standards", "DP-1")
@pytest.mark.spec("standards", "TV-3")
def test_the_proof_of_the_specification_proves_its_key() -> None:
    found = judged(VECTOR, now=datetime.fromtimestamp(1562262616, UTC))
    assert found.jkt == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
    assert found.nonce is None


@pytest.mark.spec("standards", "DP-3")
@pytest.mark.spec("standards", "TV-3")
def test_the_hash_of_a_token_is_that_of_the_specification() -> None:
    token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
    assert dpop.ath(token) == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"


@pytest.mark.spec("standards", "DP-2")
@pytest.mark.parametrize("alg", dpop.ALGORITHMS)
def test_every_algorithm_that_the_metadata_names_is_taken(alg: str) -> None:
    holder = Holder(key_pair(alg))
    assert judged(holder.proof("POST", URL, at=NOW)).jkt == holder.jkt


@pytest.mark.spec("standards", "DP-1")
def test_a_header_that_came_twice_is_refused() -> None:
    proof = HOLDER.proof("POST", URL, at=NOW)
    assert "once" in refused(f"{proof},{proof}").description


@pytest.mark.spec("standards", "DP-2")
@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"typ": None}, "typ"),
        ({"typ": "JWT"}, "typ"),
        ({"typ": "at+jwt"}, "typ"),
        ({"alg": "none"}, "algorithm"),
        ({"alg": "HS256"}, "algorithm"),
        ({"alg": "ES512"}, "algorithm"),
        ({"alg": "RS256"}, "not for its algorithm"),
        ({"jwk": None}, "no key"),
        ({"jwk": "https://keys.example"}, "no key"),
        ({"jwk": {"kty": "oct", "k": "c2VjcmV0"}}, "symmetric"),
        ({"jwk": dict(key_pair("ES256"))}, "private key"),
        ({"jwk": {**HOLDER.public, "x": HOLDER.public["y"]}}, "numbers"),
        ({"jwk": {"kty": "EC", "crv": "P-256"}}, "lacks"),
        ({"jwk": Holder(jose.generate("ES256")).public}, "signature"),
        ({"crit": ["b64"]}, "critical"),
    ],
    ids=lambda value: str(sorted(value)) if isinstance(value, dict) else None,
)
def test_a_header_that_is_not_of_a_proof_is_refused(header: dict[str, Any], said: str) -> None:
    error = refused(HOLDER.proof("POST", URL, at=NOW, header=header))
    assert error.code is ErrorCode.INVALID_DPOP_PROOF
    assert said in error.description


@pytest.mark.spec("standards", "DP-2")
def test_a_proof_without_a_signature_and_one_with_a_changed_header_are_refused() -> None:
    header = {"typ": "dpop+jwt", "alg": "none", "jwk": HOLDER.public}
    refused(forged(header, PAYLOAD, b""))
    refused(rewritten(HOLDER.proof("POST", URL, at=NOW), kid="other"))
    refused("garbage")
    refused("")
    assert "longer" in refused(HOLDER.proof("POST", URL, at=NOW, more="x" * dpop.LONGEST)).description


@pytest.mark.spec("standards", "DP-3")
@pytest.mark.spec("standards", "DP-6")
@pytest.mark.parametrize(
    "claims",
    [
        {"jti": None},
        {"jti": ""},
        {"jti": 17},
        {"jti": "short"},
        {"jti": "j" * 257},
        {"htm": None},
        {"htm": "GET"},
        {"htm": "post"},
        {"htm": ["POST"]},
        {"htu": None},
        {"htu": 1},
        {"iat": None},
        {"iat": "now"},
        {"iat": True},
        {"iat": 1e300},
    ],
    ids=str,
)
def test_a_claim_that_is_missing_or_wrong_is_refused(claims: dict[str, Any]) -> None:
    assert refused(HOLDER.proof("POST", URL, at=NOW, **claims)).code is ErrorCode.INVALID_DPOP_PROOF


@pytest.mark.spec("standards", "DP-6")
@pytest.mark.parametrize("length", [8, 256])
def test_names_of_a_reasonable_length_are_taken(length: int) -> None:
    assert is_right(HOLDER.proof("POST", URL, at=NOW, jti="j" * length))


@pytest.mark.spec("standards", "DP-4")
@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://server.example.com/token?x=1#f", True),
        ("HTTPS://Server.Example.com:443/token", True),
        ("https://server.example.com/%74oken", True),
        ("https://server.example.com/other/../token", True),
        ("http://server.example.com/token", False),
        ("https://server.example.com/token/", False),
        ("https://server.example.com/Token", False),
        ("https://server.example.com:8443/token", False),
        ("https://server.example.com.evil.example/token", False),
        ("https://server.example.com@evil.example/token", False),
        ("https://evil.example/token", False),
        ("/token", False),
        ("https://server.example.com/tok%zzen", False),
    ],
)
def test_addresses_are_compared_in_their_normal_form(url: str, same: bool) -> None:
    proof = HOLDER.proof("POST", url, at=NOW)
    if same:
        assert is_right(proof)
    else:
        assert URL in refused(proof).description


@pytest.mark.spec("standards", "DP-4")
def test_a_path_that_no_address_can_have_matches_nothing() -> None:
    refused(HOLDER.proof("POST", "not an address", at=NOW), urls=("https://server.example.com/%zz",))


@pytest.mark.spec("standards", "DP-5")
@pytest.mark.parametrize(
    ("seconds", "counts"),
    [
        (-3600, False),
        (-301, False),
        (-300, True),
        (-60, True),
        (-10, True),
        (0, True),
        (10, True),
        (11, False),
        (61, False),
        (86400, False),
    ],
)
def test_a_proof_counts_around_the_time_of_its_making(seconds: int, counts: bool) -> None:
    proof = HOLDER.proof("POST", URL, at=NOW + timedelta(seconds=seconds))
    if counts:
        assert is_right(proof)
    else:
        assert refused(proof).code is ErrorCode.INVALID_DPOP_PROOF


@pytest.mark.spec("standards", "DP-5")
def test_the_window_is_the_operators_choice_and_an_expired_proof_is_expired() -> None:
    rules = DpopRules(oldest=timedelta(seconds=60), ahead=timedelta(0))
    refused(HOLDER.proof("POST", URL, at=NOW - timedelta(seconds=61)), rules)
    refused(HOLDER.proof("POST", URL, at=NOW + timedelta(seconds=1)), rules)
    assert is_right(HOLDER.proof("POST", URL, at=NOW - timedelta(seconds=60)), rules)
    assert is_right(HOLDER.proof("POST", URL, at=NOW, exp=int(NOW.timestamp()) + 60))
    refused(HOLDER.proof("POST", URL, at=NOW, exp=int(NOW.timestamp()) - 60))


@pytest.mark.spec("standards", "DP-3")
@pytest.mark.spec("standards", "DP-14")
def test_with_a_token_the_proof_is_for_that_token() -> None:
    assert is_right(HOLDER.proof("POST", URL, at=NOW, token="one"), access_token="one")
    for claims in ({"token": None}, {"token": "other"}, {"ath": 1}, {"ath": "ü"}):
        error = refused(HOLDER.proof("POST", URL, at=NOW, **claims), access_token="one")
        assert "ath" in error.description


@pytest.mark.spec("standards", "DP-6")
def test_a_proof_is_known_by_key_name_and_address_and_by_nothing_else() -> None:
    first = judged(HOLDER.proof("POST", URL, at=NOW, jti="the same name")).proof
    later = judged(HOLDER.proof("POST", URL + "?x", at=NOW + timedelta(seconds=5), jti="the same name")).proof
    assert first == later
    assert first.at == NOW.replace(minute=0, second=0)
    elsewhere = judged(HOLDER.proof("POST", URL + "2", at=NOW, jti="the same name"), urls=(URL + "2",)).proof
    other = judged(Holder().proof("POST", URL, at=NOW, jti="the same name")).proof
    assert len({first.digest, elsewhere.digest, other.digest}) == 3
    assert first.digest.hex() not in repr(first)


@pytest.mark.spec("standards", "DP-10")
def test_a_nonce_is_asked_for_when_the_operator_says_so_and_after_everything_else() -> None:
    strict = DpopRules(require_nonce=True)
    assert refused(HOLDER.proof("POST", URL, at=NOW), strict).code is ErrorCode.USE_DPOP_NONCE
    assert refused(HOLDER.proof("GET", URL, at=NOW), strict).code is ErrorCode.INVALID_DPOP_PROOF
    nonce = dpop_nonce.current(KEY, NOW)
    assert judged(HOLDER.proof("POST", URL, at=NOW, nonce=nonce), strict).nonce == nonce


@pytest.mark.spec("standards", "DP-10")
@pytest.mark.parametrize("nonce", ["invented", "", 5, ["a"], "ü"], ids=str)
def test_a_nonce_that_was_not_handed_out_is_refused_even_where_none_is_needed(nonce: object) -> None:
    assert refused(HOLDER.proof("POST", URL, at=NOW, nonce=nonce)).code is ErrorCode.USE_DPOP_NONCE


@pytest.mark.spec("standards", "DP-10")
def test_a_nonce_counts_for_its_time_and_as_long_again() -> None:
    handed_out = dpop_nonce.current(KEY, NOW)
    span = dpop_nonce.SPAN
    assert dpop_nonce.is_in_use(KEY, handed_out, NOW)
    assert dpop_nonce.is_in_use(KEY, handed_out, NOW + span)
    assert dpop_nonce.is_in_use(KEY, handed_out, NOW - span)  # handed out by a worker whose clock is ahead
    assert not dpop_nonce.is_in_use(KEY, handed_out, NOW + 2 * span)
    assert not dpop_nonce.is_in_use(b"o" * 32, handed_out, NOW)
    assert dpop_nonce.current(KEY, NOW + span) != handed_out


@pytest.mark.spec("standards", "DP-10")
def test_nobody_makes_a_nonce_from_another_one_or_without_the_key() -> None:
    keys = ServerKeys(current=2, by_version={1: b"a" * 32, 2: b"b" * 32})
    key = dpop_nonce.key_of(keys)
    assert key not in keys.by_version.values()
    assert key != dpop_nonce.key_of(ServerKeys(current=1, by_version=keys.by_version))
    nonces = {dpop_nonce.current(key, NOW + dpop_nonce.SPAN * spans) for spans in range(50)}
    assert len(nonces) == 50
    assert {len(nonce) for nonce in nonces} == {24}


def test_proofs_are_offered_where_the_feature_is_on() -> None:
    assert dpop.is_offered(FeatureSet({Feature.DPOP}))
    assert not dpop.is_offered(FeatureSet())
