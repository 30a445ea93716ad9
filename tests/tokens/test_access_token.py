"""JWT access tokens: what they say, and what is read of them again (RFC 9068)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.crypto import jose
from app.crypto.hashing import digest
from app.crypto.jose import JoseError
from app.protocol.facts import Authentication, MachineOrigin, MachineStanding, MachineTokenFact
from app.protocol.granted_details import GrantedDetail
from app.protocol.resources import Resource
from app.protocol.sender import Binding
from app.protocol.tokens import access_token
from app.protocol.tokens.access_token import Content
from tests.support.facts import APPLICATION, ISSUER, NOW, TOKEN
from tests.support.jose import forged, signed

LEDGER = Resource("https://ledger.example", token_format="jwt", signing_alg="ES256")
BARE = Content(ISSUER, TOKEN, NOW, NOW + timedelta(minutes=15), "web", "u-1", LEDGER, scopes=())
SECONDS = int(NOW.timestamp())
CLAIMS: dict[str, Any] = {
    "iss": ISSUER, "exp": SECONDS + 900, "aud": LEDGER.identifier, "sub": "u-1", "client_id": "web", "iat": SECONDS,
    "jti": str(TOKEN),
}  # fmt: skip


def said(content: Content) -> dict[str, Any]:
    """Return the claims that a token is signed over."""
    asked: list[Any] = []

    def sign(*order: Any) -> str:
        asked.extend(order)
        return "signed"

    assert access_token.write(content, sign) == "signed"
    assert asked[:2] == ["ES256", "at+jwt"]
    claims: dict[str, Any] = asked[2]
    return claims


def written(content: Content) -> str:
    return access_token.write(content, lambda alg, typ, claims: signed(alg, claims, typ))


@pytest.mark.spec("standards", "AT-2")
@pytest.mark.spec("standards", "AT-8")
@pytest.mark.spec("standards", "RA-4")
def test_a_token_says_the_seven_claims_and_what_there_is_beside_them() -> None:
    assert said(BARE) == CLAIMS
    known = Authentication(auth_time=NOW, acr="high", amr=("pwd", "otp"))
    full = replace(
        BARE,
        scopes=("a", "b"),
        authentication=known,
        client_epoch=3,
        binding=Binding(jkt="k", x5t="t"),
        actor={"sub": "gateway"},
        details=(GrantedDetail("detail:files#1", {"type": "files"}),),
    )
    assert said(full) == CLAIMS | {
        "scope": "a b", "auth_time": SECONDS, "acr": "high", "amr": ["pwd", "otp"], "client_epoch": 3,
        "cnf": {"jkt": "k", "x5t#S256": "t"}, "act": {"sub": "gateway"}, "authorization_details": [{"type": "files"}],
    }  # fmt: skip


@pytest.mark.spec("standards", "AT-5")
def test_nothing_is_said_about_a_login_that_is_not_known() -> None:
    assert said(replace(BARE, authentication=Authentication(auth_time=NOW))) == CLAIMS | {"auth_time": SECONDS}


def test_a_text_is_known_by_its_id_and_digest_and_a_token_without_a_row_by_its_epoch() -> None:
    text = written(BARE)
    shown = access_token.read(text, ISSUER)
    assert shown is not None
    assert (shown.id, shown.digest, shown.own, shown.client_id) == (TOKEN, digest(text.encode()), False, "web")
    own = access_token.read(written(replace(BARE, client_epoch=0)), ISSUER)
    assert own is not None
    assert own.own


@pytest.mark.spec("standards", "JV-3")
@pytest.mark.parametrize(
    "text",
    [
        "no.jwt.text",
        forged({"alg": "ES256", "typ": "at+jwt"}, CLAIMS | {"iss": "https://other.example"}),
        forged({"alg": "ES256", "typ": "JWT"}, CLAIMS),
        forged({"alg": "ES256"}, CLAIMS),
        forged({"alg": "ES256", "typ": "at+jwt"}, CLAIMS | {"jti": "no id"}),
        forged({"alg": "ES256", "typ": "at+jwt"}, CLAIMS | {"jti": 7}),
        forged({"alg": "ES256", "typ": "at+jwt"}, {"iss": ISSUER}),
    ],
    ids=["text", "issuer", "type", "untyped", "id", "number", "nothing"],
)
def test_what_is_no_access_token_of_ours(text: str) -> None:
    assert access_token.read(text, ISSUER) is None


@pytest.mark.spec("standards", "JV-3")
def test_what_we_have_signed_counts_until_its_end_and_whole() -> None:
    shown = access_token.read(written(BARE), ISSUER)
    assert shown is not None
    access_token.check(shown, ISSUER, NOW)
    with pytest.raises(JoseError, match="expired"):
        access_token.check(shown, ISSUER, NOW + timedelta(hours=1))
    without = {name: value for name, value in CLAIMS.items() if name != "client_id"}
    cut = replace(shown, jwt=jose.peek(forged({"alg": "ES256", "typ": "at+jwt"}, without)))
    with pytest.raises(JoseError, match="client_id"):
        access_token.check(cut, ISSUER, NOW)


@pytest.mark.parametrize("revoked", [False, True])
def test_an_applications_own_token_is_what_it_says_and_what_stands_behind_it(revoked: bool) -> None:
    content = replace(BARE, scopes=("a",), client_epoch=2, binding=Binding(jkt="k"), subject="web")
    text = written(content)
    shown = access_token.read(text, ISSUER)
    assert shown is not None
    assert access_token.fact_of(shown, MachineStanding(APPLICATION, 5, True, revoked)) == MachineTokenFact(
        id=TOKEN,
        digest=digest(text.encode()),
        origin=MachineOrigin(APPLICATION, 2, ("a",), (LEDGER.identifier,)),
        client_id="web",
        issued_at=NOW,
        expires_at=NOW + timedelta(minutes=15),
        revoked_at=NOW if revoked else None,
        application_active=True,
        application_epoch_now=5,
        binding=Binding(jkt="k"),
    )
