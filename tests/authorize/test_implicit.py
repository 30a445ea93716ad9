"""`response_type=token`: what the decision makes of it, on a server that has it and on one that has not."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from app.protocol import response_types
from app.protocol.authorize.answer import Released
from app.protocol.authorize.decide import Back, Grantable, Known, Verdict, decide
from app.protocol.authorize.return_path import NoReturnPath, ReturnPath
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import RecordFact
from app.protocol.features import FeatureSet
from app.protocol.params import Parameters
from app.protocol.policy import ApplicationPolicy, ServerPolicy
from app.protocol.scopes import ScopeDefinition, ScopeRegistry
from app.protocol.trace import Trace
from tests.support.facts import CHALLENGE, ISSUER, NOW, RECORD, REDIRECT_URI, REGISTRY, client, session

LEGACY = client(policy=ApplicationPolicy(allow_implicit=True))
ASKED = {"response_type": "token", "client_id": "client", "redirect_uri": REDIRECT_URI, "scope": "b a", "state": "x y"}


def known(*, on: bool = True, **changes: Any) -> Known:
    """A request of somebody who has allowed it before; parameters are changed by keyword, None leaves one out."""
    who = changes.pop("who", LEGACY)
    merged = {name: value for name, value in {**ASKED, **changes}.items() if value is not None}
    return Known(
        now=NOW,
        policy=ServerPolicy(
            issuer=ISSUER,
            response_types=response_types.offered(FeatureSet.chosen({"implicit": on})),
            response_modes=response_types.modes(FeatureSet.chosen({})),
        ),
        registry=ScopeRegistry((ScopeDefinition("openid"), *REGISTRY)),
        params=Parameters.of(merged.items()),
        client=who,
        session=session(),
        record=RecordFact(id=RECORD, version=1, pairs=("a", "b"), since=(1, 1)),
    )


def verdict(**how: Any) -> Verdict:
    """Decide."""
    return decide(known(**how), Trace())


def sent_back(outcome: Verdict) -> tuple[dict[str, str], dict[str, str]]:
    """Return the query and the fragment of an error's way back."""
    assert isinstance(outcome, Back)
    parts = urlsplit(outcome.path.failure(outcome.error).location)
    return dict(parse_qsl(parts.query)), dict(parse_qsl(parts.fragment))


def test_the_operators_word_for_server_and_application_is_enough() -> None:
    outcome = verdict()
    assert isinstance(outcome, Grantable)
    assert outcome.accepted.request.response_type == "token"
    assert outcome.accepted.scopes == ("b", "a")


def test_public_applications_may_have_it_too() -> None:
    assert isinstance(verdict(who=replace(LEGACY, auth_method="none")), Grantable)


@pytest.mark.parametrize("challenge", [None, CHALLENGE, "nonsense"])
def test_there_is_nothing_to_prove_with_a_verifier(challenge: str | None) -> None:
    assert isinstance(verdict(code_challenge=challenge), Grantable)


@pytest.mark.spec("standards", "RT-4")
@pytest.mark.spec("standards", "BC-3")
@pytest.mark.spec("standards", "O-2")
@pytest.mark.spec("original", "BUG 21")
def test_bug_21_a_server_that_has_it_off_knows_no_such_response_type() -> None:
    query, fragment = sent_back(verdict(on=False))
    assert query["error"] == "unsupported_response_type"
    assert fragment == {}


@pytest.mark.spec("standards", "RT-3")
@pytest.mark.spec("standards", "RT-4")
@pytest.mark.spec("original", "BUG 21")
def test_bug_21_an_application_that_the_operator_has_not_named_may_not_have_it() -> None:
    registered = client(response_types=frozenset({"code", "token"}), grant_types=frozenset({"implicit"}))
    for who in (client(), registered):
        query, fragment = sent_back(verdict(who=who))
        assert query == {}
        assert fragment["error"] == "unauthorized_client"


def test_a_legacy_application_may_use_codes_beside_it_and_needs_pkce_for_them() -> None:
    code = {"response_type": "code", "code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    assert isinstance(verdict(**code), Grantable)
    assert sent_back(verdict(response_type="code"))[0]["error"] == "invalid_request"


@pytest.mark.parametrize("response_type", ["token token", "token none", "Token"])
def test_words_that_mean_nothing_together_are_unknown(response_type: str) -> None:
    assert sent_back(verdict(response_type=response_type))[0]["error"] == "unsupported_response_type"


@pytest.mark.spec("standards", "RT-4")
@pytest.mark.parametrize("response_type", ["code token", "id_token token", "code id_token token"])
def test_what_goes_beside_a_token_has_to_be_registered_as_well_as_named_by_the_operator(response_type: str) -> None:
    asked = {
        **{"response_type": " ".join(reversed(response_type.split())), "scope": "openid a", "nonce": "n-1"},
        **{"code_challenge": CHALLENGE, "code_challenge_method": "S256"},
    }
    grants = frozenset({"authorization_code", "implicit"})
    registered = client(response_types=frozenset({response_type}), grant_types=grants)
    named = replace(registered, policy=ApplicationPolicy(allow_implicit=True))
    assert sent_back(verdict(who=registered, **asked))[1]["error"] == "unauthorized_client"
    assert sent_back(verdict(**asked))[1]["error"] == "unauthorized_client"
    assert sent_back(verdict(who=replace(named, grant_types=frozenset()), **asked))[1]["error"] == "unauthorized_client"
    assert sent_back(verdict(who=named, on=False, **asked))[0]["error"] == "unsupported_response_type"
    outcome = verdict(who=named, **asked)
    assert not isinstance(outcome, Back)
    assert outcome.path.mode == "fragment"
    assert outcome.accepted.request.response_type == response_type


@pytest.mark.spec("standards", "RT-1")
@pytest.mark.spec("standards", "BC-11")
@pytest.mark.parametrize("mode", ["query", "FRAGMENT"])
def test_a_token_never_stands_in_a_query(mode: str) -> None:
    with pytest.raises(NoReturnPath) as refused:
        verdict(response_mode=mode)
    assert refused.value.case == "response_mode"


def test_its_own_response_mode_may_be_named() -> None:
    assert isinstance(verdict(response_mode="fragment"), Grantable)


@pytest.mark.spec("standards", "RT-3")
def test_an_error_has_everything_in_the_fragment() -> None:
    query, fragment = sent_back(verdict(scope="nope"))
    assert query == {}
    assert fragment.pop("error_description")
    assert fragment == {"error": "invalid_scope", "state": "x y", "iss": ISSUER}


@pytest.mark.spec("standards", "RT-1")
@pytest.mark.parametrize(
    ("uri", "begins"),
    [(REDIRECT_URI, f"{REDIRECT_URI}#"), (f"{REDIRECT_URI}?tenant=1", f"{REDIRECT_URI}?tenant=1#")],
    ids=["plain", "with a query"],
)
def test_an_answer_is_a_fragment_behind_the_registered_address(uri: str, begins: str) -> None:
    path = ReturnPath(uri, uri, "a&b #\u00e4", ISSUER, travels=True, mode="fragment")
    location = path.success(Released(access_token="asat_x", expires_in=3600, scopes=("b", "a"))).location
    assert location.startswith(begins)
    assert dict(parse_qsl(location.partition("#")[2])) == {
        "access_token": "asat_x",
        "token_type": "Bearer",
        "expires_in": "3600",
        "scope": "b a",
        "state": "a&b #\u00e4",
        "iss": ISSUER,
    }
    assert path.failure(OAuthError(ErrorCode.ACCESS_DENIED, "no")).location.startswith(begins)


def test_without_scopes_the_answer_has_no_scope_member() -> None:
    path = ReturnPath(REDIRECT_URI, None, None, None, travels=True, mode="fragment")
    location = path.success(Released(access_token="asat_x", expires_in=60)).location
    assert location == f"{REDIRECT_URI}#access_token=asat_x&token_type=Bearer&expires_in=60"
