"""What a client that has asked a person elsewhere is answered, decided without a server (CIBA §10.1, §11)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.crypto.hashing import digest
from app.protocol.ciba_facts import BackchannelFact
from app.protocol.context import TokenContext
from app.protocol.errors import ErrorCode, NoteBackchannelPoll, OAuthError, SlowDownBackchannel
from app.protocol.facts import Authentication
from app.protocol.grant_types import ciba
from app.protocol.grant_types.ciba import Params, decide, needs
from app.protocol.needs import BackchannelNeed
from app.protocol.outcomes import Issuance, RedeemBackchannel
from app.protocol.request_settings import DeliveryMode, RequestSettings
from app.protocol.sender import Binding, Sender
from app.protocol.token_format import Credential, Prefix, format_credential
from tests.support import facts
from tests.support.facts import APPLICATION, NOW, SECRET, origin, standing

REQUEST = UUID(int=9)
AUTH_REQ_ID = format_credential(Prefix.BACKCHANNEL_REQUEST, Credential(REQUEST, SECRET))
PARAMS = Params(auth_req_id=AUTH_REQ_ID)
SIGNED_IN = Authentication(auth_time=NOW - timedelta(minutes=3), acr="silver", amr=("pwd",))


def context(mode: DeliveryMode = "poll") -> TokenContext:
    """The token endpoint as a client meets it that has its answers in this way."""
    grants = frozenset({ciba.NAME, "refresh_token"})
    return facts.context(grant_types=grants, requests=RequestSettings(ciba_mode=mode))


def waiting(**changes: Any) -> BackchannelFact:
    """A request that nobody has decided about, and that was never asked for."""
    fact = BackchannelFact(
        id=REQUEST,
        digest=digest(SECRET),
        application_id=APPLICATION,
        application_epoch=0,
        status="pending",
        origin=None,
        authentication=None,
        polled_at=None,
        poll_seconds=5,
        expires_at=NOW + timedelta(minutes=5),
        standing=None,
    )
    return replace(fact, **changes)


def approved(**changes: Any) -> BackchannelFact:
    """A request that its person has approved."""
    decided = {"status": "approved", "origin": origin(), "authentication": SIGNED_IN, "standing": standing()}
    return waiting(**decided | changes)


def refusal(fact: BackchannelFact | None, params: Params = PARAMS, mode: DeliveryMode = "poll") -> OAuthError:
    with pytest.raises(OAuthError) as refused:
        decide(context(mode), params, fact)
    return refused.value


@pytest.mark.parametrize("mode", ["poll", "ping"])
@pytest.mark.spec("standards", "CB-7")
def test_an_approved_request_begins_a_family_with_what_was_approved(mode: DeliveryMode) -> None:
    issuance = decide(context(mode), PARAMS, approved())
    assert isinstance(issuance, Issuance)
    assert isinstance(issuance.payment, RedeemBackchannel)
    assert issuance.payment.grant_id == REQUEST
    assert issuance.payment.authentication is SIGNED_IN
    assert issuance.origin.scopes == issuance.family_scopes == ("a", "b")
    assert issuance.with_refresh_token
    assert not issuance.payment.tells_grant
    told = decide(context(mode), PARAMS, approved(grant_action="create")).payment
    assert isinstance(told, RedeemBackchannel)
    assert told.tells_grant


@pytest.mark.spec("standards", "CB-7")
def test_nobody_has_decided_yet() -> None:
    refused = refusal(waiting(polled_at=NOW - timedelta(seconds=5)))
    assert refused.code is ErrorCode.AUTHORIZATION_PENDING
    assert refused.aftermath == NoteBackchannelPoll(REQUEST, NOW - timedelta(seconds=5))


@pytest.mark.spec("standards", "CB-7")
def test_whoever_asks_too_soon_is_told_how_long_to_wait_from_now_on() -> None:
    refused = refusal(waiting(polled_at=NOW - timedelta(seconds=9), poll_seconds=15))
    assert refused.code is ErrorCode.SLOW_DOWN
    assert "20 seconds" in refused.description
    assert refused.aftermath == SlowDownBackchannel(REQUEST)


def test_asking_too_soon_costs_nobody_what_was_allowed() -> None:
    assert decide(context(), PARAMS, approved(polled_at=NOW)).origin.scopes == ("a", "b")


@pytest.mark.parametrize(
    ("fact", "code"),
    [
        pytest.param(None, ErrorCode.INVALID_GRANT, id="unknown"),
        pytest.param(waiting(digest=digest(b"another")), ErrorCode.INVALID_GRANT, id="another secret"),
        pytest.param(approved(application_id=UUID(int=77)), ErrorCode.INVALID_GRANT, id="another application's"),
        pytest.param(waiting(application_epoch=-1), ErrorCode.INVALID_GRANT, id="application was turned off since"),
        pytest.param(approved(status="used"), ErrorCode.INVALID_GRANT, id="used"),
        pytest.param(approved(standing=standing(record_revoked=True)), ErrorCode.INVALID_GRANT, id="disconnected"),
        pytest.param(approved(standing=standing(user_active=False)), ErrorCode.INVALID_GRANT, id="person disabled"),
        pytest.param(approved(standing=None), ErrorCode.INVALID_GRANT, id="record gone"),
        pytest.param(waiting(status="denied"), ErrorCode.ACCESS_DENIED, id="denied"),
        pytest.param(waiting(expires_at=NOW), ErrorCode.EXPIRED_TOKEN, id="expired"),
        pytest.param(approved(expires_at=NOW), ErrorCode.EXPIRED_TOKEN, id="approved and never fetched"),
        pytest.param(approved(status="used", expires_at=NOW), ErrorCode.INVALID_GRANT, id="used and expired"),
    ],
)
@pytest.mark.spec("standards", "CB-7")
def test_a_request_that_does_not_count_is_refused_by_name(fact: BackchannelFact | None, code: ErrorCode) -> None:
    assert refusal(fact).code is code


@pytest.mark.spec("standards", "CB-7")
@pytest.mark.spec("standards", "CB-9")
def test_a_client_whose_tokens_would_be_pushed_may_not_ask_for_them() -> None:
    assert refusal(approved(), mode="push").code is ErrorCode.UNAUTHORIZED_CLIENT


def test_unknown_foreign_and_mistyped_ids_are_answered_alike() -> None:
    foreign = refusal(approved(application_id=UUID(int=77)))
    mistyped = refusal(None, Params(auth_req_id=f"{AUTH_REQ_ID[:-1]}x"))
    assert {refusal(None).description, foreign.description, mistyped.description} == {foreign.description}


def test_a_key_that_was_proved_at_the_beginning_is_proved_again() -> None:
    bound = approved(binding=Binding(jkt="thumbprint"))
    assert refusal(bound).code is ErrorCode.INVALID_GRANT
    proved = replace(context(), sender=Sender(jkt="thumbprint"))
    assert decide(proved, PARAMS, bound).binding.jkt == "thumbprint"


def test_what_is_needed_is_the_row_of_the_id() -> None:
    assert needs(PARAMS) == BackchannelNeed(REQUEST)
    assert needs(Params(auth_req_id="nothing of ours")) == BackchannelNeed(None)
    assert AUTH_REQ_ID not in repr(PARAMS)
