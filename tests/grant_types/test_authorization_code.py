"""The code grant's decision, by sentences."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.protocol.errors import CountFailedRedemption, ErrorCode, OAuthError, RevokeFamily
from app.protocol.facts import CodeFact
from app.protocol.grant_types import authorization_code
from app.protocol.grant_types.authorization_code import Params
from app.protocol.needs import CodeNeed
from app.protocol.outcomes import Issuance, RedeemCode
from app.protocol.sender import Binding
from app.protocol.token_format import Credential, Prefix, format_credential
from tests.support.facts import CODE, FAMILY, NOW, REDIRECT_URI, SECRET, VERIFIER, code, context, origin, standing


def decide(fact: CodeFact | None, context_changes: dict[str, Any] | None = None, **params: Any) -> Issuance:
    text = format_credential(Prefix.AUTHORIZATION_CODE, Credential(CODE, SECRET))
    asked = Params(**{"code": text, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER, **params})
    return authorization_code.decide(context(**(context_changes or {})), asked, fact)


def refused(fact: CodeFact | None, context_changes: dict[str, Any] | None = None, **params: Any) -> OAuthError:
    with pytest.raises(OAuthError) as caught:
        decide(fact, context_changes, **params)
    return caught.value


@pytest.mark.spec("standards", "AC-9")
def test_a_good_code_orders_tokens_with_the_copied_scopes() -> None:
    order = decide(code())
    assert isinstance(order.payment, RedeemCode)
    assert order.payment.grant_id == CODE
    assert order.origin.scopes == ("a", "b") == order.family_scopes
    assert order.with_refresh_token
    assert order.access_expires_at == NOW + timedelta(hours=1)


def test_no_refresh_token_without_the_grant_type() -> None:
    order = decide(code(), {"grant_types": frozenset({"authorization_code"})})
    assert not order.with_refresh_token


@pytest.mark.spec("standards", "AC-6")
def test_a_code_used_twice_revokes_what_it_bought() -> None:
    error = refused(code(used_at=NOW, family_id=FAMILY))
    assert error.code is ErrorCode.INVALID_GRANT
    assert error.aftermath == RevokeFamily(FAMILY, "code_replayed")


def test_an_expired_code_used_twice_still_revokes_what_it_bought() -> None:
    error = refused(code(used_at=NOW, family_id=FAMILY, expires_at=NOW - timedelta(hours=1)))
    assert error.aftermath == RevokeFamily(FAMILY, "code_replayed")


@pytest.mark.spec("standards", "AC-6")
@pytest.mark.spec("standards", "O-11")
@pytest.mark.parametrize(
    "params",
    [{"code_verifier": "x" * 43}, {"code_verifier": None}, {"redirect_uri": "https://client.example/other"}],
)
def test_a_replay_that_is_not_otherwise_valid_revokes_nothing(params: dict[str, Any]) -> None:
    error = refused(code(used_at=NOW, family_id=FAMILY), **params)
    assert error.code is ErrorCode.INVALID_GRANT
    assert not isinstance(error.aftermath, RevokeFamily)


@pytest.mark.spec("standards", "AC-4")
@pytest.mark.spec("standards", "AC-8")
def test_a_wrong_verifier_counts_against_the_code() -> None:
    assert refused(code(), code_verifier="x" * 43).aftermath == CountFailedRedemption(CODE)


@pytest.mark.spec("standards", "AC-5")
@pytest.mark.spec("standards", "BC-14")
@pytest.mark.spec("standards", "O-8")
def test_a_verifier_without_a_challenge_is_a_downgrade() -> None:
    assert refused(code(code_challenge=None)).code is ErrorCode.INVALID_REQUEST


@pytest.mark.spec("standards", "AC-5")
@pytest.mark.spec("standards", "BC-2")
@pytest.mark.spec("standards", "BC-14")
def test_a_challenge_that_was_sent_is_enforced_for_exempted_applications_too() -> None:
    assert refused(code(), code_verifier=None).code is ErrorCode.INVALID_GRANT


@pytest.mark.spec("standards", "AC-2")
@pytest.mark.spec("standards", "O-6")
def test_the_redirect_uri_may_be_absent_only_with_pkce() -> None:
    decide(code(), redirect_uri=None)
    assert refused(code(code_challenge=None), redirect_uri=None, code_verifier=None).code is ErrorCode.INVALID_GRANT


@pytest.mark.spec("standards", "AC-2")
@pytest.mark.spec("standards", "O-6")
def test_a_redirect_uri_that_was_not_in_the_request_is_a_mismatch() -> None:
    assert refused(code(redirect_uri=None)).code is ErrorCode.INVALID_GRANT


@pytest.mark.spec("standards", "AC-3")
@pytest.mark.spec("standards", "TE-4")
@pytest.mark.parametrize(
    "fact",
    [
        None,
        code(digest=b"x" * 32),
        code(origin=origin(application_id=FAMILY)),
        code(expires_at=NOW),
        code(standing=None),
        code(standing=standing(record_revoked=True)),
        code(standing=standing(user_active=False)),
        code(standing=standing(user_epoch=1)),
        code(standing=standing(application_active=False)),
        code(standing=standing(application_epoch=1)),
        code(standing=standing(pairs=(), since=())),
        code(standing=standing(pairs=("a", "b"), since=(2, 2))),
    ],
    ids=[
        "unknown", "forged", "foreign", "expired", "no record", "record revoked", "user disabled", "user epoch",
        "application off", "application epoch", "record emptied", "granted again later",
    ],
)  # fmt: skip
def test_a_code_that_is_not_in_force_is_invalid_grant_without_aftermath(fact: CodeFact | None) -> None:
    error = refused(fact)
    assert error.code is ErrorCode.INVALID_GRANT
    assert error.aftermath is None


def test_what_the_record_lost_while_the_code_was_in_flight_is_not_issued() -> None:
    order = decide(code(standing=standing(pairs=("b",), since=(1,))))
    assert order.origin.scopes == ("b",) == order.family_scopes


@pytest.mark.spec("standards", "AC-9")
@pytest.mark.spec("standards", "AR-4")
def test_what_the_record_gained_meanwhile_is_not_issued() -> None:
    order = decide(code(standing=standing(pairs=("a", "b", "c"), since=(1, 1, 2), record_version=2)))
    assert order.origin.scopes == ("a", "b")


def test_no_scopes_asked_is_a_token_with_none() -> None:
    fact = code(origin=origin(scopes=()))
    assert decide(replace(fact, standing=standing(pairs=(), since=()))).origin.scopes == ()


def test_what_must_be_known_is_the_row_that_the_code_names_and_nothing_for_garbage() -> None:
    text = format_credential(Prefix.AUTHORIZATION_CODE, Credential(CODE, SECRET))
    assert authorization_code.needs(Params(code=text)) == CodeNeed(CODE)
    assert authorization_code.needs(Params(code="not ours")) == CodeNeed(None)


def test_an_exempted_application_redeems_a_code_without_a_challenge() -> None:
    order = decide(code(code_challenge=None), code_verifier=None)
    assert order.origin.scopes == ("a", "b")


@pytest.mark.spec("standards", "DP-13")
def test_a_code_that_was_asked_for_with_a_key_is_redeemed_with_that_key_alone() -> None:
    bound = code(binding=Binding(jkt="k"))
    assert refused(bound).code is ErrorCode.INVALID_GRANT
    unused = refused(replace(bound, used_at=NOW, family_id=FAMILY))
    assert unused.aftermath is None  # who cannot prove the key revokes nothing either
