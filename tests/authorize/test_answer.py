"""Answers to applications: what stands in them, where, and how they travel."""

from typing import Any

import pytest

from app.protocol import openid_tokens, response_types
from app.protocol.authorize.answer import ClientAnswer, Released
from app.protocol.authorize.decide import Back, Known, Verdict, decide
from app.protocol.authorize.return_path import NoReturnPath, ReturnPath
from app.protocol.claims import ClaimsRegistry
from app.protocol.claims_request import ClaimsRequest, pair
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact, RecordFact
from app.protocol.features import FeatureSet
from app.protocol.openid_settings import OpenIdSettings
from app.protocol.params import Parameters
from app.protocol.policy import ServerPolicy
from app.protocol.scopes import ScopeDefinition, ScopeRegistry
from app.protocol.trace import Trace
from tests.support.facts import CHALLENGE, ISSUER, NOW, RECORD, REDIRECT_URI, client, session

_FEATURES = FeatureSet.chosen({})
POLICY = ServerPolicy(
    issuer=ISSUER, response_types=response_types.offered(_FEATURES), response_modes=response_types.modes(_FEATURES)
)
REGISTRY = ScopeRegistry([ScopeDefinition("openid"), ScopeDefinition("email")])
HYBRID = client(
    response_types=frozenset({"code", "code id_token", "id_token", "none"}),
    grant_types=frozenset({"authorization_code", "implicit"}),
)
ASKED = {
    "response_type": "code id_token",
    "client_id": "client",
    "redirect_uri": REDIRECT_URI,
    "scope": "openid",
    "state": "xyz",
    "nonce": "n-0S6",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def verdict(who: ClientFact = HYBRID, **changes: str | None) -> Verdict:
    """Decide on a hybrid request of somebody who has allowed it; parameters are changed by keyword, None leaves one
    out."""
    merged = {name: value for name, value in {**ASKED, **changes}.items() if value is not None}
    return decide(
        Known(
            now=NOW,
            policy=POLICY,
            registry=REGISTRY,
            params=Parameters.of(merged.items()),
            client=who,
            session=session(),
            record=RecordFact(id=RECORD, version=1, pairs=("openid", "email"), since=(1, 1)),
        ),
        Trace(),
    )


@pytest.mark.spec("standards", "RT-1")
@pytest.mark.spec("standards", "RT-6")
@pytest.mark.spec("standards", "RT-7")
@pytest.mark.parametrize(
    ("changes", "mode"),
    [
        ({}, "fragment"),
        ({"response_type": "id_token"}, "fragment"),
        ({"response_type": "code"}, "query"),
        ({"response_type": "none"}, "query"),
        ({"response_mode": "form_post"}, "form_post"),
        ({"response_type": "code", "response_mode": "fragment"}, "fragment"),
        ({"response_type": "none", "response_mode": "form_post"}, "form_post"),
        ({"response_mode": "jwt"}, "fragment.jwt"),
        ({"response_type": "code", "response_mode": "jwt"}, "query.jwt"),
        ({"response_type": "none", "response_mode": "jwt"}, "query.jwt"),
        ({"response_type": "code", "response_mode": "fragment.jwt"}, "fragment.jwt"),
        ({"response_mode": "form_post.jwt"}, "form_post.jwt"),
    ],
)
def test_an_answer_travels_as_asked_or_as_its_response_type_does(changes: dict[str, Any], mode: str) -> None:
    outcome = verdict(**changes)
    assert not isinstance(outcome, Back)
    assert outcome.path.mode == mode


@pytest.mark.spec("standards", "RT-3")
@pytest.mark.parametrize(
    ("changes", "error", "mode"),
    [
        ({"nonce": None}, "invalid_request", "fragment"),
        ({"nonce": None, "response_mode": "form_post"}, "invalid_request", "form_post"),
        ({"scope": "email"}, "invalid_request", "fragment"),
        ({"response_type": "id_token", "nonce": None}, "invalid_request", "fragment"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request", "fragment"),
        ({"response_type": "sometimes", "response_mode": "fragment"}, "unsupported_response_type", "fragment"),
        ({"response_type": None, "response_mode": "form_post"}, "invalid_request", "form_post"),
        ({"nonce": None, "response_mode": "jwt"}, "invalid_request", "fragment.jwt"),
        ({"who": client()}, "unauthorized_client", "fragment"),
    ],
)
def test_an_error_travels_as_success_would_have(changes: dict[str, Any], error: str, mode: str) -> None:
    outcome = verdict(**changes)
    assert isinstance(outcome, Back)
    assert (outcome.error.code.wire, outcome.path.mode) == (error, mode)


@pytest.mark.spec("standards", "P-2")
@pytest.mark.parametrize("response_type", ["id_token", "none"])
def test_where_nothing_is_redeemed_there_is_nothing_to_prove(response_type: str) -> None:
    assert not isinstance(verdict(response_type=response_type, code_challenge=None, code_challenge_method=None), Back)


def test_none_needs_neither_openid_nor_a_nonce() -> None:
    assert not isinstance(verdict(response_type="none", scope="email", nonce=None), Back)


@pytest.mark.spec("standards", "A1.2 (4)")
@pytest.mark.spec("standards", "RT-9")
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"response_mode": "query"}, "send one of: fragment, form_post, fragment.jwt, form_post.jwt, jwt"),
        ({"response_mode": "query.jwt"}, "send one of: fragment, form_post, fragment.jwt, form_post.jwt, jwt"),
        ({"response_mode": "web_message"}, "send one of: fragment, form_post, fragment.jwt, form_post.jwt, jwt"),
        (
            {"who": client(redirect_uris=("com.example:/cb",)), "redirect_uri": "com.example:/cb",
             "response_type": "code", "response_mode": "form_post"},
            "send one of: query, fragment, query.jwt, fragment.jwt, jwt",
        ),
        ({"who": client(openid=OpenIdSettings(response_modes=("jwt",)))}, "send one of: jwt"),
        (
            {"who": client(openid=OpenIdSettings(response_modes=("query.jwt",)))},
            "no mode fits both request and registration",
        ),
    ],
    ids=["query", "signed in the query", "unknown", "no website", "registered for another", "registered for none"],
)  # fmt: skip
def test_a_mode_that_does_not_fit_says_which_would(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(NoReturnPath) as refused:
        verdict(**changes)
    assert refused.value.case == "response_mode"
    assert refused.value.description.endswith(said)


@pytest.mark.spec("standards", "RT-2")
@pytest.mark.spec("standards", "SR-1")
@pytest.mark.spec("standards", "SR-2")
@pytest.mark.parametrize(
    ("released", "members"),
    [
        (Released(), {}),
        (Released(code="c"), {"code": "c"}),
        (Released(code="c", id_token="i"), {"code": "c", "id_token": "i"}),
        (
            Released(code="c", access_token="t", id_token="i", expires_in=60, scopes=("openid", "email")),
            {"code": "c", "access_token": "t", "token_type": "Bearer", "expires_in": "60", "scope": "openid email",
             "id_token": "i"},
        ),
    ],
    ids=["none", "code", "hybrid", "everything"],
)  # fmt: skip
def test_an_answer_has_what_its_response_type_names_and_state_and_issuer(
    released: Released, members: dict[str, str]
) -> None:
    path = ReturnPath(REDIRECT_URI, REDIRECT_URI, "xyz", ISSUER, travels=True)
    assert path.success(released).members == members | {"state": "xyz", "iss": ISSUER}


@pytest.mark.spec("standards", "SR-5")
def test_no_credential_is_shown_by_accident() -> None:
    released = Released(code="secret-code", access_token="secret-token", id_token="secret-id")
    answer = ReturnPath(REDIRECT_URI, None, None, None, travels=True).success(released)
    assert "secret" not in repr(released) + repr(answer)


@pytest.mark.spec("standards", "A1.10")
def test_an_error_has_code_description_state_and_issuer_and_nothing_else() -> None:
    path = ReturnPath(REDIRECT_URI, REDIRECT_URI, "xyz", ISSUER, travels=True, mode="form_post")
    answer = path.failure(OAuthError(ErrorCode.ACCESS_DENIED, "no"))
    assert answer.members == {"error": "access_denied", "error_description": "no", "state": "xyz", "iss": ISSUER}
    assert answer.posted


@pytest.mark.spec("standards", "RT-7")
@pytest.mark.spec("standards", "RT-8")
def test_a_signed_answer_is_one_parameter_and_cannot_leave_as_it_is() -> None:
    answer = ClientAnswer("fragment.jwt", REDIRECT_URI, {"code": "c"})
    for look in (lambda: answer.location, lambda: answer.posted):
        with pytest.raises(AssertionError):
            look()
    signed = answer.with_members({"session_state": "s.t"}).as_jwt("a.b.c")
    assert signed.location == f"{REDIRECT_URI}#response=a.b.c"
    assert ClientAnswer("query.jwt", REDIRECT_URI, {}).as_jwt("a.b.c").location == f"{REDIRECT_URI}?response=a.b.c"
    assert ClientAnswer("form_post.jwt", REDIRECT_URI, {}).as_jwt("a.b.c").posted


def test_further_members_come_last() -> None:
    answer = ClientAnswer("fragment", REDIRECT_URI, {"code": "c"}).with_members({"session_state": "s.t"})
    assert answer.location == f"{REDIRECT_URI}#code=c&session_state=s.t"


@pytest.mark.spec("standards", "UI-5")
@pytest.mark.spec("standards", "ID-8")
@pytest.mark.parametrize(
    ("code", "token", "expected"),
    [
        (True, False, ()),
        (True, True, ()),
        (False, True, ("email", "nickname")),
        (False, False, ("email", "email_verified", "nickname")),
    ],
    ids=["with a code", "with both", "with a token", "alone"],
)
def test_through_the_browser_goes_what_cannot_be_had_otherwise(
    *, code: bool, token: bool, expected: tuple[str, ...]
) -> None:
    asked = ClaimsRequest(id_token=("email", "nickname", "address"), userinfo=("gender",))
    claims = openid_tokens.front_channel_claims(
        ClaimsRegistry(), ("openid", "email"), {"openid", "email", pair("nickname")}, asked, code=code, token=token
    )
    assert claims == expected
