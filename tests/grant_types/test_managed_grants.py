"""What a grant that was merged or replaced by name leaves to what was granted before (Grant Management §5.2)."""

import pytest

from app.protocol import introspection
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.grant_types import authorization_code, refresh_token
from app.protocol.outcomes import Issuance, RedeemCode
from app.protocol.token_format import Credential, Prefix, format_credential
from tests.grant_types.test_polled_grants import DEVICE, approved
from tests.support.facts import (
    CODE,
    FAMILY,
    ISSUER,
    KEYS,
    NOW,
    REDIRECT_URI,
    SECRET,
    VERIFIER,
    client,
    code,
    context,
    family,
    origin,
    standing,
)

MERGED = standing(pairs=("a", "b", "c"), since=(1, 1, 2), record_version=2, refresh_since=2)
REPLACED = standing(pairs=("a",), since=(2,), record_version=2, refresh_since=2)
PRESENTED = Credential(FAMILY, SECRET, 0)


def redeem(**changes: object) -> Issuance:
    text = format_credential(Prefix.AUTHORIZATION_CODE, Credential(CODE, SECRET))
    params = authorization_code.Params(code=text, redirect_uri=REDIRECT_URI, code_verifier=VERIFIER)
    return authorization_code.decide(context(), params, code(**changes))


@pytest.mark.spec("standards", "GM-4")
@pytest.mark.spec("standards", "GM-5")
@pytest.mark.spec("standards", "AR-5")
@pytest.mark.parametrize("now", [MERGED, REPLACED], ids=["merged", "replaced"])
def test_an_older_refresh_token_is_refused_and_told_to_be_inactive(now: object) -> None:
    text = format_credential(Prefix.REFRESH_TOKEN, PRESENTED)
    with pytest.raises(OAuthError) as refused:
        refresh_token.decide(context(), refresh_token.Params(refresh_token=text), family(standing=now))
    assert refused.value.code is ErrorCode.INVALID_GRANT
    assert "merged or replaced" in refused.value.description
    assert refused.value.aftermath is None
    answer = introspection.describe_refresh(
        client(), PRESENTED, family(standing=now), keys=KEYS, issuer=ISSUER, now=NOW
    )
    assert answer == {"active": False}


@pytest.mark.spec("standards", "GM-4")
def test_the_refresh_token_of_the_merge_itself_goes_on() -> None:
    text = format_credential(Prefix.REFRESH_TOKEN, PRESENTED)
    later = family(origin=origin(record_version=2), standing=MERGED)
    issuance = refresh_token.decide(context(), refresh_token.Params(refresh_token=text), later)
    assert issuance.origin.scopes == ("a", "b")
    answer = introspection.describe_refresh(client(), PRESENTED, later, keys=KEYS, issuer=ISSUER, now=NOW)
    assert answer["active"] is True


@pytest.mark.spec("standards", "GM-4")
def test_a_code_on_its_way_from_before_a_merge_buys_an_access_token_alone() -> None:
    issuance = redeem(standing=MERGED)
    assert issuance.origin.scopes == ("a", "b")
    assert not issuance.with_refresh_token
    assert redeem(standing=MERGED, origin=origin(record_version=2)).with_refresh_token


@pytest.mark.spec("standards", "GM-5")
@pytest.mark.spec("standards", "AR-6")
def test_a_code_on_its_way_from_before_a_replacement_buys_nothing() -> None:
    with pytest.raises(OAuthError) as refused:
        redeem(standing=REPLACED)
    assert refused.value.code is ErrorCode.INVALID_GRANT


@pytest.mark.spec("standards", "GM-8")
@pytest.mark.spec("standards", "GM-9")
@pytest.mark.parametrize("action", ["create", "merge", "replace", None])
def test_only_who_asked_for_it_is_told_the_id_of_the_grant(action: str | None) -> None:
    by_code = redeem(grant_action=action)
    by_device = DEVICE.decide(approved(grant_action=action))
    for issuance in (by_code, by_device):
        assert isinstance(issuance.payment, RedeemCode)
        assert issuance.payment.tells_grant == (action is not None)
