"""What an ID token says to whom."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from app.protocol import openid_tokens
from app.protocol.claims import ClaimsRegistry
from app.protocol.claims_request import ClaimsRequest
from app.protocol.facts import Authentication, Origin, PersonFact, Standing
from app.protocol.features import Feature, FeatureSet
from app.protocol.openid_settings import OpenIdSettings
from app.protocol.openid_tokens import IdTokenRules
from app.protocol.outcomes import IdTokenOrder
from app.protocol.sid import sid_of
from tests.support.facts import ISSUER, NOW, client, origin, standing

LOGOUTS = (
    Feature.RP_INITIATED_LOGOUT, Feature.BACKCHANNEL_LOGOUT, Feature.FRONTCHANNEL_LOGOUT, Feature.SESSION_MANAGEMENT,
)  # fmt: skip
RULES = IdTokenRules(ISSUER, timedelta(hours=1), True, ClaimsRegistry())
SESSION = UUID(int=77)
SIGNED_IN = Authentication(auth_time=NOW - timedelta(hours=2), acr="urn:assent:acr:password", amr=("pwd",), sid=SESSION)
ADA = PersonFact("ada", "ada@example.com", {"name": "Ada", "nickname": "Countess", "name#de": "Gräfin Ada"}, NOW, ())
ASKED = ClaimsRequest(id_token=("name", "email", "nickname", "sub", "acr"))


def ordered(
    of: Origin, behind: Standing | None = None, asked: ClaimsRequest = ASKED, *, rules: IdTokenRules | None = RULES
) -> IdTokenOrder | None:
    return openid_tokens.order(
        *(rules, client(), NOW, of, behind or standing(subject="u-1"), SIGNED_IN), asked=asked, person=ADA
    )


def told(of: Origin, behind: Standing | None = None, asked: ClaimsRequest = ASKED) -> dict[str, object]:
    """Return what the ID token says about the person."""
    order = ordered(of, behind, asked)
    assert order is not None
    return dict(order.content.claims)


@pytest.mark.spec("standards", "OC-1")
def test_nobody_is_signed_in_without_openid_nor_where_there_is_no_openid_connect() -> None:
    assert ordered(origin(scopes=("email", "profile"))) is None
    assert ordered(origin(scopes=("openid",)), rules=None) is None


@pytest.mark.spec("standards", "ID-1")
@pytest.mark.spec("standards", "ID-2")
@pytest.mark.spec("standards", "ID-6")
def test_an_order_has_everything_that_is_known_and_how_the_application_wants_it() -> None:
    settings = OpenIdSettings(id_token_alg="ES256", id_token_encryption=("RSA-OAEP", "A128GCM"))
    made = openid_tokens.order(
        *(RULES, client(openid=settings), NOW, origin(scopes=("openid",)), standing(subject="u-1"), SIGNED_IN),
        nonce="n-1",
    )
    assert made is not None
    assert (made.alg, made.encryption) == ("ES256", ("RSA-OAEP", "A128GCM"))
    content = made.content
    assert (content.issuer, content.client_id, content.subject, content.nonce) == (ISSUER, "client", "u-1", "n-1")
    assert (content.issued_at, content.expires_at) == (NOW, NOW + timedelta(hours=1))
    assert (content.authentication, content.sid, content.claims) == (SIGNED_IN, sid_of(SESSION, "client"), {})


@pytest.mark.spec("standards", "ID-2")
def test_whoever_registered_nothing_gets_what_the_specification_says() -> None:
    made = ordered(origin(scopes=("openid",)))
    assert made is not None
    assert (made.alg, made.encryption) == ("RS256", None)


@pytest.mark.spec("standards", "ID-1")
def test_the_session_is_named_whenever_a_logout_could_and_there_is_one() -> None:
    no_session = replace(SIGNED_IN, sid=None)
    silent = replace(RULES, names_sessions=False)
    named = [
        openid_tokens.content(rules, client(), "u-1", how, NOW).sid
        for rules, how in ((RULES, SIGNED_IN), (RULES, no_session), (silent, SIGNED_IN))
    ]
    assert named == [sid_of(SESSION, "client"), "", ""]


@pytest.mark.parametrize("logout", LOGOUTS, ids=lambda feature: feature.key)
def test_any_one_logout_makes_sessions_named(logout: Feature) -> None:
    claims = ClaimsRegistry()
    without = FeatureSet({Feature.OPENID})
    assert openid_tokens.rules(without, ISSUER, timedelta(hours=1), claims) == IdTokenRules(
        ISSUER, timedelta(hours=1), False, claims
    )
    having = openid_tokens.rules(FeatureSet({Feature.OPENID, logout}), ISSUER, timedelta(hours=1), claims)
    assert having is not None
    assert having.names_sessions
    assert openid_tokens.rules(FeatureSet({logout}), ISSUER, timedelta(hours=1), claims) is None


@pytest.mark.spec("standards", "UI-5")
@pytest.mark.spec("standards", "ID-8")
@pytest.mark.spec("standards", "BB-6")
def test_what_scopes_stand_for_is_not_told_beside_an_access_token() -> None:
    assert told(origin(scopes=("openid", "profile", "email")), asked=ClaimsRequest(userinfo=("name",))) == {}


@pytest.mark.spec("standards", "OC-13")
def test_a_claim_that_was_asked_for_is_told_while_a_scope_of_the_token_delivers_it() -> None:
    assert told(origin(scopes=("openid", "email"))) == {"email": "ada@example.com"}
    assert told(origin(scopes=("openid",))) == {}


@pytest.mark.spec("standards", "OC-13")
def test_a_claim_without_a_scope_is_told_while_its_pair_has_been_in_the_record_without_a_break() -> None:
    of = origin(scopes=("openid",), record_version=3)
    pairs = ("openid", "claim:nickname", "claim:name")
    assert told(of, standing(pairs=pairs, since=(1, 3, 4))) == {"nickname": "Countess"}
    assert told(of, standing(pairs=pairs[:1], since=(1,))) == {}


@pytest.mark.spec("standards", "UI-6")
def test_a_claim_comes_in_the_languages_that_were_asked_for() -> None:
    asked = ClaimsRequest(id_token=("name",), locales=("de",))
    assert told(origin(scopes=("openid", "profile")), asked=asked) == {"name": "Ada", "name#de": "Gräfin Ada"}
