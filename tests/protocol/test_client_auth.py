"""Client authentication: as registered, one method, one answer for every failure."""

from base64 import b64encode
from typing import Any
from urllib.parse import quote_plus

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from app.crypto import jose, jose_keys
from app.crypto.hashing import digest
from app.protocol import client_auth
from app.protocol.client_assertion import Audience
from app.protocol.client_auth import METHODS, Means, Presented, client_secret_jwt, private_key_jwt
from app.protocol.client_keys import KeyMaterial
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact
from app.protocol.features import FeatureSet
from app.protocol.mtls import ClientCertificate
from app.protocol.params import Parameters
from app.protocol.policy import ApplicationPolicy
from tests.support.assertions import claims_of, form, key_of, maced, signed, unsigned
from tests.support.facts import ISSUER, NOW, client

_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=30)


AUDIENCE = Audience(ISSUER, (f"{ISSUER}/oauth/token",))
MEANS = Means(METHODS)
KEY = key_of("client")
ASSERTED = form(signed(claims_of("client", ISSUER, NOW), KEY))
RSA_PEM = jose_keys.public_key(key_of("client", "RS256")).public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
MAC_SECRET = b"a secret of more than sixty-four bytes, which is what HS512 asks of it"


def identify(authorization: str | None, params: Parameters, certificate: ClientCertificate | None = None) -> Presented:
    return client_auth.identify(authorization, params, AUDIENCE, NOW, certificate)


def basic(name: str, secret: str) -> str:
    return "Basic " + b64encode(f"{quote_plus(name)}:{quote_plus(secret)}".encode()).decode()


def params(**values: str) -> Parameters:
    return Parameters.of(values.items())


@pytest.mark.spec("standards", "TV-7")
@pytest.mark.spec("standards", "T-8")
def test_the_vectors_of_rfc_6749() -> None:
    header = "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"
    assert identify(header, params()) == Presented("client_secret_basic", "s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw")
    own = "Basic " + b64encode(b"a%3Ab:p%25q%2Br+s").decode()
    assert identify(own, params()) == Presented("client_secret_basic", "a:b", "p%q+r s")


@pytest.mark.spec("standards", "T-8")
@given(_TEXT, _TEXT)
def test_basic_is_form_decoded_after_base64(name: str, secret: str) -> None:
    assert identify(basic(name, secret), params()) == Presented("client_secret_basic", name, secret)


def test_post_and_none() -> None:
    assert identify(None, params(client_id="c", client_secret="s")).method == "client_secret_post"
    assert identify(None, params(client_id="c")) == Presented("none", "c")


@pytest.mark.spec("standards", "T-4")
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
        (basic("c", "s"), {"client_assertion": "x", "client_assertion_type": "y"}, ErrorCode.INVALID_CLIENT),
        (basic("client", "s"), ASSERTED, ErrorCode.INVALID_REQUEST),
        (None, {**ASSERTED, "client_secret": "s"}, ErrorCode.INVALID_REQUEST),
        (None, {**ASSERTED, "client_secret": "s", "client_id": "client"}, ErrorCode.INVALID_REQUEST),
        (basic("client", "s"), {**ASSERTED, "client_secret": "s"}, ErrorCode.INVALID_REQUEST),
    ],
)
def test_what_cannot_be_told_apart_is_refused(header: str | None, body: dict[str, str], code: ErrorCode) -> None:
    with pytest.raises(OAuthError) as refused:
        identify(header, params(**body))
    assert refused.value.code is code


@pytest.mark.spec("standards", "T-4")
def test_body_client_id_beside_basic_is_not_a_second_method() -> None:
    assert identify(basic("c", "s"), params(client_id="c")).method == "client_secret_basic"


@pytest.mark.spec("standards", "T-9")
@pytest.mark.spec("standards", "O-7")
@pytest.mark.spec("standards", "CA-1")
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
    assert client_auth.authenticate(presented, registered, MEANS) is registered


@pytest.mark.spec("standards", "TE-2")
@pytest.mark.spec("standards", "T-5")
@pytest.mark.spec("standards", "CA-1")
@pytest.mark.spec("standards", "CA-10")
@pytest.mark.parametrize(
    ("presented", "registered"),
    [
        (Presented("client_secret_basic", "client", "secret"), None),
        (Presented("client_secret_basic", "client", "wrong"), client()),
        (Presented("client_secret_post", "client", "secret"), client()),
        (Presented("none", "client"), None),
        (Presented("none", "client"), client()),
        (Presented("client_secret_post", "client", "secret"), client(auth_method="none")),
        (Presented("client_secret_basic", "client", ""), client(secret_digests=())),
        (Presented("client_secret_basic", "client", "secret"), client(unmet=("require_signed_request_object",))),
        (Presented("none", "client"), client(auth_method="private_key_jwt", secret_digests=())),
    ],
)
def test_every_failure_has_one_answer(presented: Presented, registered: ClientFact | None) -> None:
    with pytest.raises(OAuthError) as refused:
        client_auth.authenticate(presented, registered, MEANS)
    assert refused.value.code is ErrorCode.INVALID_CLIENT
    assert refused.value.description.startswith("client authentication failed")
    assert refused.value.challenge == ("Basic" if presented.method == "client_secret_basic" else "")


def test_a_secret_stands_in_no_repr() -> None:
    assert "hunter2" not in repr(Presented("client_secret_post", "c", "hunter2"))


def asserted(assertion: str) -> Presented:
    return identify(None, params(**form(assertion)))


def keyed(alg: str = "", **changes: Any) -> ClientFact:
    return client(auth_method="private_key_jwt", key_material=KeyMaterial(signing_alg=alg), **changes)


def macing(alg: str = "") -> ClientFact:
    return client(auth_method="client_secret_jwt", key_material=KeyMaterial(signing_alg=alg))


def assertion(key: dict[str, Any] = KEY, client_id: str = "client", **header: Any) -> str:
    return signed(claims_of(client_id, ISSUER, NOW), key, **header)


def refused(presented: Presented, registered: ClientFact | None, means: Means = MEANS) -> OAuthError:
    with pytest.raises(OAuthError) as error:
        client_auth.authenticate(presented, registered, means)
    assert error.value.code is ErrorCode.INVALID_CLIENT
    return error.value


def holding(*keys: dict[str, Any]) -> Means:
    return Means(METHODS, tuple(jose.public_part(key) for key in keys))


@pytest.mark.spec("standards", "CA-4")
@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512", "RS256", "PS256", "EdDSA"])
def test_who_signs_with_a_registered_key_is_the_client(alg: str) -> None:
    key = key_of("client", alg)
    for registered in (keyed(), keyed(alg)):
        presented = asserted(assertion(key))
        assert presented.method == "private_key_jwt"
        assert client_auth.authenticate(presented, registered, holding(key_of("other"), key)) is registered


@pytest.mark.spec("standards", "CA-4")
@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_who_makes_a_mac_with_the_secret_is_the_client(alg: str) -> None:
    presented = asserted(maced(claims_of("client", ISSUER, NOW), MAC_SECRET, alg))
    assert presented.method == "client_secret_jwt"
    means = Means(METHODS, secrets=(b"the one before, of more than thirty-two bytes", MAC_SECRET))
    for registered in (macing(), macing(alg)):
        assert client_auth.authenticate(presented, registered, means) is registered


@pytest.mark.spec("standards", "CA-1")
@pytest.mark.spec("standards", "CA-10")
@pytest.mark.spec("standards", "JV-1")
@pytest.mark.spec("standards", "JV-2")
@pytest.mark.parametrize(
    ("text", "registered", "means"),
    [
        (assertion(), None, MEANS),
        (assertion(), keyed(), MEANS),
        (assertion(), client(), holding(KEY)),
        (assertion(), macing(), holding(KEY)),
        (assertion(key_of("other")), keyed(), holding(KEY)),
        (assertion(key_of("other"), kid=KEY["kid"]), keyed(), holding(KEY)),
        (assertion(key_of("other"), kid=None), keyed(), holding(KEY)),
        (assertion(key_of("other"), jwk=jose.public_part(key_of("other"))), keyed(), holding(KEY)),
        (assertion(key_of("other"), jku="https://attacker.example/jwks"), keyed(), holding(KEY)),
        (assertion(key_of("other"), x5u="https://attacker.example/x5u", x5c=["AA"]), keyed(), holding(KEY)),
        (assertion(key_of("other"), kid="../../etc/passwd"), keyed(), holding(KEY)),
        (assertion(key_of("client", "RS256")), keyed("PS256"), holding(key_of("client", "RS256"))),
        (assertion(), keyed("RS256"), holding(KEY)),
        (assertion(), keyed(unmet=("require_signed_request_object",)), holding(KEY)),
        (assertion(), keyed(), Means(("client_secret_basic", "none"), (jose.public_part(KEY),))),
        (unsigned(claims_of("client", ISSUER, NOW)), keyed(), holding(KEY)),
        (maced(claims_of("client", ISSUER, NOW), RSA_PEM), keyed(), holding(key_of("client", "RS256"))),
        (maced(claims_of("client", ISSUER, NOW), RSA_PEM), keyed("RS256"), holding(key_of("client", "RS256"))),
        (maced(claims_of("client", ISSUER, NOW), RSA_PEM), macing(), holding(key_of("client", "RS256"))),
        (maced(claims_of("client", ISSUER, NOW), b""), macing(), MEANS),
        (maced(claims_of("client", ISSUER, NOW), b"short"), macing(), Means(METHODS, secrets=(b"short",))),
        (maced(claims_of("client", ISSUER, NOW), MAC_SECRET), macing("HS512"), Means(METHODS, secrets=(MAC_SECRET,))),
        (maced(claims_of("client", ISSUER, NOW), b"x" * 64), macing(), Means(METHODS, secrets=(MAC_SECRET,))),
        (maced(claims_of("client", ISSUER, NOW), MAC_SECRET), client(), Means(METHODS, secrets=(MAC_SECRET,))),
    ],
    ids=[
        *("unknown client", "no keys", "registered for Basic", "registered for MACs", "foreign key", "borrowed kid"),
        *("no kid", "embedded key", "jku", "x5u and x5c", "kid as a path", "RS256 for PS256", "not its algorithm"),
        *("unmet", "switched off", "none", "public key as secret", "public key as secret, alg registered"),
        *("public key as secret, registered for MACs", "empty secret", "short secret", "not its MAC", "wrong secret"),
        "MAC of one registered for Basic",
    ],
)
def test_no_assertion_but_the_right_one_proves_anything(text: str, registered: ClientFact | None, means: Means) -> None:
    assert refused(asserted(text), registered, means).description == client_auth.FAILED


@pytest.mark.spec("standards", "CA-5")
def test_only_a_strict_application_that_proved_itself_learns_what_it_may_not_do() -> None:
    strict = keyed(policy=ApplicationPolicy(strict_assertions=True))
    lax = asserted(signed(claims_of("client", f"{ISSUER}/oauth/token", NOW), KEY))
    assert "must be the string" in refused(lax, strict, holding(KEY)).description
    assert refused(lax, strict, holding(key_of("other"))).description == client_auth.FAILED
    relaxed = keyed()
    assert client_auth.authenticate(lax, relaxed, holding(KEY)) is relaxed
    assert client_auth.authenticate(asserted(assertion()), strict, holding(KEY)) is strict


@pytest.mark.spec("standards", "CA-10")
@pytest.mark.parametrize("header", [{"kid": "nobody's"}, {"alg": "ES256"}], ids=str)
def test_a_wrong_key_id_or_algorithm_costs_a_signature_like_an_unknown_client(
    monkeypatch: pytest.MonkeyPatch, header: dict[str, Any]
) -> None:
    checked: list[object] = []
    original = jose._check

    def counting(*arguments: Any) -> None:
        checked.append(arguments[0])
        original(*arguments)

    monkeypatch.setattr(jose, "_check", counting)
    registered = keyed("ES256" if "kid" in header else "PS256")
    jwt = jose.peek(assertion(**header))
    assert private_key_jwt.objection(jwt, (), "")
    unknown = len(checked)
    checked.clear()
    assert private_key_jwt.objection(jwt, holding(KEY).keys, registered.key_material.signing_alg)
    assert unknown == len(checked) == 1


def test_what_keeps_an_application_from_its_tokens_is_told() -> None:
    nothing = FeatureSet.chosen({"client_assertions": False, "dpop": False})
    assert client_auth.hindrances("private_key_jwt", nothing, dpop_bound=True, tls_bound=True) == {
        "proves itself by private_key_jwt": "client_assertions",
        "demands tokens bound to a DPoP key": "dpop",
        "demands tokens bound to a certificate": "mutual_tls",
    }


@pytest.mark.spec("standards", "CA-1")
def test_methods_are_offered_by_features() -> None:
    everything = FeatureSet.chosen({"mutual_tls": True})
    assert client_auth.offered(everything) == METHODS
    assert set(METHODS) - set(client_auth.offered(FeatureSet.chosen({}))) == client_auth.CERTIFICATE_METHODS
    without = client_auth.offered(FeatureSet.chosen({"client_assertions": False}))
    assert without == ("client_secret_basic", "client_secret_post", "none")
    for method in METHODS:
        assert client_auth.hindrances(method, everything, dpop_bound=True, tls_bound=True) == {}


@pytest.mark.spec("standards", "CA-12")
def test_a_secret_proves_nothing_of_an_application_that_cannot_keep_one() -> None:
    public = client(auth_method="none")
    for method in ("client_secret_post", "client_secret_basic"):
        assert refused(Presented(method, "client", "secret"), public).description == client_auth.FAILED


def test_an_assertion_stands_in_no_repr() -> None:
    text = assertion()
    assert text.split(".")[1] not in repr(asserted(text))


_EXAMPLES = (
    {
        "kty": "EC",
        "crv": "P-256",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        "d": "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE",
        "alg": "ES256",
        "kid": "1",
    },
    {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "alg": "EdDSA",
        "kid": "2",
    },
)
"""Everybody knows the private halves of what is compared with where nobody has a key (RFC 7517, RFC 8037)."""


@pytest.mark.spec("standards", "CA-10")
@pytest.mark.parametrize("key", _EXAMPLES, ids=["EC", "OKP"])
@pytest.mark.parametrize("registered", [None, keyed(), client()], ids=["unknown", "without keys", "with a secret"])
def test_what_is_compared_where_nothing_is_known_opens_nothing(
    key: dict[str, Any], registered: ClientFact | None
) -> None:
    assert refused(asserted(assertion(key)), registered).description == client_auth.FAILED


@pytest.mark.spec("standards", "CA-10")
def test_nor_does_the_secret_that_macs_are_compared_with() -> None:
    text = maced(claims_of("client", ISSUER, NOW), client_secret_jwt._DECOY)
    for registered in (None, macing(), client()):
        assert refused(asserted(text), registered).description == client_auth.FAILED
