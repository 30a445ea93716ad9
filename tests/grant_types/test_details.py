"""Authorization details at the token endpoint: what a code and a refresh token buy of them (RA-3, RF-2, AR-5)."""

from dataclasses import replace
from typing import Any

import pytest

from app.crypto.hashing import digest
from app.protocol import details, validity
from app.protocol.details import DetailTypes
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.grant_types import authorization_code, refresh_token
from app.protocol.granted_details import GrantedDetail, read, stored
from app.protocol.outcomes import Issuance
from app.protocol.token_format import Credential, Prefix, format_credential
from app.settings.details import AuthorizationDetailSettings
from tests.support.details import TYPES, accounts, asking, payment
from tests.support.facts import (
    CODE,
    FAMILY,
    NOW,
    REDIRECT_URI,
    SECRET,
    VERIFIER,
    access_token,
    code,
    context,
    family,
    origin,
    standing,
)

KNOWN = DetailTypes(AuthorizationDetailSettings(**entry).detail_type(name) for name, entry in TYPES.items())
MINE = details.read(asking(accounts("read", "list"), payment("20.00")), KNOWN)
PAIRS = tuple(detail.pair for detail in MINE)


def bought(*, asked: str | None = None, pairs: tuple[str, ...] = PAIRS, **origins: Any) -> Issuance:
    """Redeem a code for both objects; `pairs` are those that the record holds now."""
    fact = code(
        origin=origin(scopes=(), details=MINE, **origins), standing=standing(pairs=pairs, since=(1,) * len(pairs))
    )
    params = authorization_code.Params(
        code=format_credential(Prefix.AUTHORIZATION_CODE, Credential(CODE, SECRET)),
        redirect_uri=REDIRECT_URI,
        code_verifier=VERIFIER,
        authorization_details=asked,
    )
    return authorization_code.decide(replace(context(), detail_types=KNOWN), params, fact)


def refreshed(
    *, asked: str | None = None, scope: str | None = None, pairs: tuple[str, ...] = PAIRS, scopes: tuple[str, ...] = ()
) -> Issuance:
    """Refresh a family that has both objects, and these scopes."""
    fact = family(origin=origin(scopes=scopes, details=MINE), standing=standing(pairs=pairs, since=(1,) * len(pairs)))
    shown = format_credential(Prefix.REFRESH_TOKEN, Credential(FAMILY, SECRET, 0))
    params = refresh_token.Params(refresh_token=shown, authorization_details=asked, scope=scope)
    return refresh_token.decide(replace(context(), detail_types=KNOWN), params, fact)


def test_details_are_kept_as_they_were_and_nothing_where_there_are_none() -> None:
    assert read(stored(MINE)) == MINE
    assert (stored(()), read(None)) == (None, ())


@pytest.mark.spec("standards", "RA-3")
def test_a_code_buys_what_was_approved_and_no_scope_is_needed() -> None:
    order = bought()
    assert (order.origin.details, order.family_details) == (MINE, MINE)
    assert order.origin.scopes == ()


@pytest.mark.spec("standards", "RA-3")
def test_a_narrower_first_token_leaves_the_family_what_was_approved() -> None:
    order = bought(asked=asking(payment("5.00")))
    assert order.origin.details == (GrantedDetail("detail:payment", payment("5.00")),)
    assert order.family_details == MINE


@pytest.mark.spec("standards", "AR-6")
def test_a_code_buys_nothing_that_was_taken_away_meanwhile() -> None:
    order = bought(pairs=PAIRS[1:])
    assert (order.origin.details, order.family_details) == (MINE[1:], MINE[1:])
    with pytest.raises(OAuthError, match="withdrawn") as refused:
        bought(pairs=())
    assert refused.value.code is ErrorCode.INVALID_GRANT


@pytest.mark.spec("standards", "RA-3")
@pytest.mark.parametrize("buy", [bought, refreshed])
@pytest.mark.parametrize("asked", [payment("20.01"), accounts("pay")], ids=["larger", "another"])
def test_neither_code_nor_refresh_token_buys_more_than_was_granted(buy: Any, asked: dict[str, Any]) -> None:
    with pytest.raises(OAuthError, match="more than was granted") as refused:
        buy(asked=asking(asked))
    assert refused.value.code is ErrorCode.INVALID_AUTHORIZATION_DETAILS


@pytest.mark.spec("standards", "AR-5")
def test_a_refresh_has_all_of_its_family_again_after_one_that_was_narrower() -> None:
    narrow = refreshed(asked=asking(accounts("read")))
    assert narrow.origin.details == (GrantedDetail(PAIRS[0], accounts("read")),)
    assert narrow.family_details == MINE
    assert refreshed().origin.details == MINE


@pytest.mark.spec("standards", "AR-6")
def test_a_refresh_goes_on_with_the_details_that_are_left_when_its_scopes_are_gone() -> None:
    left = refreshed(scopes=("a",))
    assert (left.origin.scopes, left.origin.details) == ((), MINE)
    with pytest.raises(OAuthError, match="every permission"):
        refreshed(scopes=("a",), scope="a")
    with pytest.raises(OAuthError, match="withdrawn"):
        refreshed(scopes=("a",), pairs=())


@pytest.mark.spec("standards", "AR-6")
def test_an_access_token_is_dead_when_its_last_detail_is_taken_away() -> None:
    fact = access_token(origin=origin(scopes=(), details=MINE[:1]), standing=standing(pairs=PAIRS, since=(1, 1)))
    assert validity.access_token(digest(SECRET), fact, now=NOW) == ()
    gone = access_token(origin=origin(scopes=(), details=MINE[:1]), standing=standing(pairs=PAIRS[1:], since=(1,)))
    assert isinstance(validity.access_token(digest(SECRET), gone, now=NOW), validity.Fault)
