"""JWTs of others: whose count, for whom, and whom they mean (standards A2.8)."""

from typing import Any

import pytest

from app.crypto.jose import Jwt
from app.protocol import trusted_issuers
from app.protocol.sender import UNBOUND, Binding
from app.protocol.trusted_issuers import Distrusted, Flawed, PersonFact, Signed, TrustedIssuer
from tests.support.facts import ISSUER, NOW, USER, client

IDP = TrustedIssuer("https://idp.example", frozenset({"client"}), jwks=({"kty": "EC"},))
ROBIN = PersonFact(USER, "subject-1", "robin", active=True, epoch=0)
SECONDS = int(NOW.timestamp())


def jwt(*, typ: str = "JWT", **changes: Any) -> Jwt:
    """A JWT of the issuer's that is right; None leaves a claim out."""
    own = {"iss": IDP.issuer, "sub": "robin", "aud": ISSUER, "iat": SECONDS, "exp": SECONDS + 300, "jti": "one"}
    claims = {name: value for name, value in (own | changes).items() if value is not None}
    return Jwt({"alg": "ES256", "typ": typ}, claims)


def signed(
    issuer: TrustedIssuer = IDP, *, used: bool = False, person: PersonFact | None = ROBIN, **claims: Any
) -> Signed:
    """What is known of such a JWT."""
    return Signed(jwt(**claims), issuer, person, used)


def changed(**changes: Any) -> TrustedIssuer:
    return TrustedIssuer(IDP.issuer, IDP.clients, **changes)


@pytest.mark.spec("standards", "JB-2")
@pytest.mark.spec("standards", "JB-3")
@pytest.mark.parametrize("audience", [ISSUER, f"{ISSUER}/oauth/token", ["https://x.example", ISSUER]], ids=str)
def test_a_jwt_for_this_server_counts(audience: object) -> None:
    fact = signed(aud=audience)
    assert trusted_issuers.judge(fact, client(), ISSUER, NOW) is fact


@pytest.mark.spec("standards", "JB-2")
@pytest.mark.parametrize(
    "claims",
    [
        {"sub": None},
        {"aud": None},
        {"aud": f"{ISSUER}/"},
        {"exp": None},
        {"exp": SECONDS - 60},
        {"exp": SECONDS + 3661, "iat": None},
        {"exp": SECONDS + 60, "iat": SECONDS - 3600},
        {"iss": "https://idp.example/"},
        {"client_id": "another"},
        {"nbf": SECONDS + 61},
        {"typ": "at+jwt"},
        {"typ": "oauth-id-jag+jwt"},
    ],
    ids=str,
)
def test_a_jwt_that_is_not_as_it_must_be(claims: dict[str, Any]) -> None:
    with pytest.raises(Distrusted):
        trusted_issuers.judge(signed(**claims), client(), ISSUER, NOW)


@pytest.mark.spec("standards", "JB-6")
def test_an_issuer_counts_for_the_applications_that_were_written_down_and_is_unknown_to_others() -> None:
    sentences = set()
    for fact in (trusted_issuers.untrusted(), signed(), Flawed("the signature is wrong", IDP, "detail")):
        with pytest.raises(Distrusted) as refused:
            trusted_issuers.judge(fact, client(client_id="another"), ISSUER, NOW)
        sentences.add((str(refused.value), refused.value.detail))
    assert len(sentences) == 1
    with pytest.raises(Distrusted, match="signature") as refused:
        trusted_issuers.judge(Flawed("the signature is wrong", IDP, "detail"), client(), ISSUER, NOW)
    assert refused.value.detail == "detail"


@pytest.mark.spec("standards", "JB-2")
def test_a_jwt_that_was_used_does_not_count() -> None:
    with pytest.raises(Distrusted, match="used before"):
        trusted_issuers.judge(signed(used=True), client(), ISSUER, NOW)


@pytest.mark.spec("standards", "JB-2")
def test_a_use_is_named_by_issuer_and_jti_whatever_else_a_jwt_says() -> None:
    one = trusted_issuers.use_of(jwt(), IDP, NOW)
    assert one is not None
    assert one.hours == (NOW,)  # it is noon, and over before one
    other = trusted_issuers.use_of(jwt(exp=SECONDS + 3600, sub="sam"), IDP, NOW)
    assert other is not None
    assert other.digest == one.digest
    assert len(other.hours) == 2
    elsewhere = trusted_issuers.use_of(jwt(), TrustedIssuer("https://x.example", IDP.clients), NOW)
    assert elsewhere is not None
    assert elsewhere.digest != one.digest
    far = trusted_issuers.use_of(jwt(exp=10**11), changed(longest=trusted_issuers.LONGEST), NOW)
    assert far is not None
    assert len(far.hours) <= 4
    over = trusted_issuers.use_of(jwt(exp=1), IDP, NOW)
    assert over is not None
    assert over.hours == (NOW,)


@pytest.mark.parametrize("claims", [{"jti": None}, {"jti": ""}, {"jti": 7}, {"exp": None}, {"exp": "soon"}], ids=str)
def test_what_has_no_name_or_no_end_is_not_marked(claims: dict[str, Any]) -> None:
    assert trusted_issuers.use_of(jwt(**claims), IDP, NOW) is None


def test_an_operator_can_let_a_jwt_count_until_it_ends() -> None:
    assert trusted_issuers.use_of(jwt(), changed(single_use=False), NOW) is None


@pytest.mark.parametrize(
    ("claims", "issuer", "name"),
    [
        ({}, IDP, "robin"),
        ({"sub": 7}, IDP, None),
        ({"sub": ""}, IDP, None),
        ({"sub": "x" * 301}, IDP, None),
        ({"upn": "r"}, changed(claim="upn", means="username"), "r"),
        ({}, changed(claim="upn"), None),
        ({"email": "r@x.example"}, changed(claim="email", means="email"), "r@x.example"),
        ({"email": "r@x.example", "email_verified": True}, changed(claim="email", means="email"), "r@x.example"),
        ({"email": "r@x.example", "email_verified": False}, changed(claim="email", means="email"), None),
        ({"email": "r@x.example", "email_verified": "true"}, changed(claim="email", means="email"), None),
    ],
    ids=str,
)
def test_whom_a_jwt_means(claims: dict[str, Any], issuer: TrustedIssuer, name: str | None) -> None:
    assert trusted_issuers.called(jwt(**claims), issuer) == name


def test_nobody_and_somebody_who_is_shut_out_are_the_same() -> None:
    assert trusted_issuers.person_of(signed()) is ROBIN
    sentences = set()
    for person in (None, PersonFact(USER, "subject-1", "robin", active=False, epoch=1)):
        with pytest.raises(Distrusted) as refused:
            trusted_issuers.person_of(signed(person=person))
        sentences.add(str(refused.value))
    assert len(sentences) == 1


@pytest.mark.parametrize(
    ("named", "allowed", "carried"),
    [
        (None, None, None),
        (None, {"b", "a"}, ("a", "b")),
        ("b a b", None, ("b", "a")),
        ("b  c\x00 a", {"a", "c"}, ("a",)),
        ("", {"a"}, ()),
    ],
    ids=["neither", "the issuer's", "the JWT's", "both", "nothing"],
)
def test_what_a_jwt_is_good_for(named: str | None, allowed: set[str] | None, carried: tuple[str, ...] | None) -> None:
    issuer = changed(scopes=None if allowed is None else frozenset(allowed))
    assert trusted_issuers.carried(signed(issuer, scope=named)) == carried


def test_scopes_of_a_jwt_are_a_string() -> None:
    with pytest.raises(Distrusted, match="scope"):
        trusted_issuers.carried(signed(scope=["a"]))


@pytest.mark.parametrize(
    ("claim", "binding"),
    [(None, UNBOUND), ({"jkt": "k"}, Binding(jkt="k")), ({"jkt": "k", "x5t#S256": "c"}, Binding("k", "c"))],
    ids=str,
)
def test_the_key_that_a_jwt_is_bound_to(claim: object, binding: Binding) -> None:
    assert trusted_issuers.binding_of(signed(cnf=claim)) == binding


@pytest.mark.parametrize("claim", [{}, "k", {"kid": "k"}, {"jkt": 7}, {"jkt": "k", "jwk": {}}], ids=str)
def test_a_key_that_is_named_otherwise_is_refused(claim: object) -> None:
    with pytest.raises(Distrusted, match="cnf"):
        trusted_issuers.binding_of(signed(cnf=claim))


def test_nothing_of_a_jwt_or_its_keys_prints_itself() -> None:
    assert "robin" not in repr(Signed(jwt(), IDP))
