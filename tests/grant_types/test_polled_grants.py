"""What a client is answered that asks until a person has decided elsewhere, decided without a server: with a device
code (RFC 8628 §3.5), and with an `auth_req_id` (CIBA §11)."""

from dataclasses import dataclass, replace
from datetime import timedelta
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest

from app.crypto.hashing import digest
from app.protocol.context import TokenContext
from app.protocol.errors import ErrorCode, Flow, NotePoll, OAuthError, SlowDown
from app.protocol.facts import Authentication
from app.protocol.grant_types import ciba, device_code
from app.protocol.needs import BackchannelNeed, DeviceNeed
from app.protocol.outcomes import Issuance, RedeemBackchannel, RedeemCode, RedeemDevice
from app.protocol.polling import PolledFact
from app.protocol.request_settings import RequestSettings
from app.protocol.sender import Binding, Sender
from app.protocol.token_format import Credential, Prefix, format_credential
from tests.support import facts
from tests.support.facts import APPLICATION, NOW, SECRET, origin, standing

GRANT = UUID(int=9)
SIGNED_IN = Authentication(auth_time=NOW - timedelta(minutes=3), acr="silver", amr=("pwd",))


@dataclass(frozen=True)
class Kind:
    """One of the two grant types, as its client uses it."""

    flow: Flow
    grant: ModuleType
    parameter: str
    prefix: Prefix
    payment: type[RedeemCode]
    need: type[DeviceNeed | BackchannelNeed]

    @property
    def text(self) -> str:
        """What the client polls with."""
        return format_credential(self.prefix, Credential(GRANT, SECRET))

    def context(self, *grants: str) -> TokenContext:
        """The token endpoint as a client of these grant types meets it."""
        return facts.context(
            grant_types=frozenset({self.grant.NAME, *grants}), requests=RequestSettings(ciba_mode="poll")
        )

    def decide(self, fact: PolledFact | None, context: TokenContext | None = None, text: str = "") -> Issuance:
        """Decide about a poll."""
        params = self.grant.Params(**{self.parameter: text or self.text})
        issuance = self.grant.decide(context or self.context("refresh_token"), params, fact)
        assert isinstance(issuance, Issuance)
        return issuance

    def refusal(self, fact: PolledFact | None, text: str = "") -> OAuthError:
        """Return why a poll gets nothing."""
        with pytest.raises(OAuthError) as refused:
            self.decide(fact, text=text)
        return refused.value


DEVICE = Kind("device", device_code, "device_code", Prefix.DEVICE_CODE, RedeemDevice, DeviceNeed)
REQUEST = Kind("ciba", ciba, "auth_req_id", Prefix.BACKCHANNEL_REQUEST, RedeemBackchannel, BackchannelNeed)

EACH = pytest.mark.parametrize("kind", [DEVICE, REQUEST], ids=["device", "ciba"])


def waiting(**changes: Any) -> PolledFact:
    """A grant that nobody has decided about, and that was never asked for."""
    fact = PolledFact(
        id=GRANT,
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


def approved(**changes: Any) -> PolledFact:
    """A grant that somebody has approved."""
    decided = {"status": "approved", "origin": origin(), "authentication": SIGNED_IN, "standing": standing()}
    return waiting(**decided | changes)


@EACH
@pytest.mark.spec("standards", "DC-2")
@pytest.mark.spec("standards", "CB-7")
def test_an_approved_grant_begins_a_family_with_what_was_approved(kind: Kind) -> None:
    issuance = kind.decide(approved())
    assert isinstance(issuance.payment, kind.payment)
    assert issuance.payment.grant_id == GRANT
    assert issuance.payment.authentication is SIGNED_IN
    assert issuance.origin.scopes == issuance.family_scopes == ("a", "b")
    assert issuance.with_refresh_token
    assert issuance.payment.family_expires_at == NOW + timedelta(days=180)
    assert not issuance.payment.tells_grant
    told = kind.decide(approved(grant_action="create")).payment
    assert isinstance(told, kind.payment)
    assert told.tells_grant


@EACH
def test_without_the_refresh_grant_no_refresh_token_comes_along(kind: Kind) -> None:
    issuance = kind.decide(approved(), kind.context())
    assert not issuance.with_refresh_token
    assert issuance.payment.idle_expires_at is None


@EACH
@pytest.mark.spec("standards", "DC-2")
@pytest.mark.spec("standards", "CB-7")
def test_nobody_has_decided_yet(kind: Kind) -> None:
    refused = kind.refusal(waiting(polled_at=NOW - timedelta(seconds=5)))
    assert refused.code is ErrorCode.AUTHORIZATION_PENDING
    assert refused.aftermath == NotePoll(kind.flow, GRANT, NOW - timedelta(seconds=5))


@EACH
@pytest.mark.spec("standards", "DC-2")
@pytest.mark.spec("standards", "CB-7")
def test_whoever_asks_too_soon_is_told_how_long_to_wait_from_now_on(kind: Kind) -> None:
    refused = kind.refusal(waiting(polled_at=NOW - timedelta(seconds=9), poll_seconds=15))
    assert refused.code is ErrorCode.SLOW_DOWN
    assert "20 seconds" in refused.description
    assert refused.aftermath == SlowDown(kind.flow, GRANT)


@EACH
@pytest.mark.spec("standards", "DC-2")
@pytest.mark.spec("standards", "CB-7")
def test_asking_too_soon_costs_nobody_what_was_allowed(kind: Kind) -> None:
    assert kind.decide(approved(polled_at=NOW)).origin.scopes == ("a", "b")


@EACH
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
        pytest.param(approved(standing=standing(pairs=(), since=())), ErrorCode.INVALID_GRANT, id="all taken back"),
        pytest.param(approved(standing=None), ErrorCode.INVALID_GRANT, id="record gone"),
        pytest.param(waiting(status="denied"), ErrorCode.ACCESS_DENIED, id="denied"),
        pytest.param(waiting(expires_at=NOW), ErrorCode.EXPIRED_TOKEN, id="expired"),
        pytest.param(approved(expires_at=NOW), ErrorCode.EXPIRED_TOKEN, id="approved and never fetched"),
        pytest.param(approved(status="used", expires_at=NOW), ErrorCode.INVALID_GRANT, id="used and expired"),
    ],
)
@pytest.mark.spec("standards", "DV-6")
@pytest.mark.spec("standards", "DV-10")
@pytest.mark.spec("standards", "DC-2")
@pytest.mark.spec("standards", "CB-7")
def test_a_grant_that_does_not_count_is_refused_by_name(kind: Kind, fact: PolledFact | None, code: ErrorCode) -> None:
    assert kind.refusal(fact).code is code


@EACH
@pytest.mark.spec("standards", "DC-2")
@pytest.mark.spec("standards", "CB-7")
def test_unknown_foreign_and_mistyped_ones_are_answered_alike(kind: Kind) -> None:
    foreign = kind.refusal(approved(application_id=UUID(int=77)))
    mistyped = kind.refusal(None, f"{kind.text[:-1]}x")
    assert {kind.refusal(None).description, foreign.description, mistyped.description} == {foreign.description}


@EACH
@pytest.mark.spec("standards", "DC-2")
@pytest.mark.spec("standards", "CB-7")
def test_a_key_that_was_proved_at_the_beginning_is_proved_again(kind: Kind) -> None:
    bound = approved(binding=Binding(jkt="thumbprint"))
    assert kind.refusal(bound).code is ErrorCode.INVALID_GRANT
    proved = replace(kind.context(), sender=Sender(jkt="thumbprint"))
    assert kind.decide(bound, proved).binding.jkt == "thumbprint"


@EACH
def test_what_is_needed_is_the_row_of_the_grant(kind: Kind) -> None:
    params = kind.grant.Params(**{kind.parameter: kind.text})
    assert kind.grant.needs(params) == kind.need(GRANT)
    assert kind.grant.needs(kind.grant.Params(**{kind.parameter: "nothing of ours"})) == kind.need(None)
    assert kind.text not in repr(params)


@pytest.mark.spec("standards", "CB-7")
def test_whoever_is_pinged_may_poll_besides() -> None:
    pinged = facts.context(grant_types=frozenset({ciba.NAME}), requests=RequestSettings(ciba_mode="ping"))
    assert REQUEST.decide(approved(), pinged).origin.scopes == ("a", "b")


@pytest.mark.spec("standards", "CB-7")
@pytest.mark.spec("standards", "CB-9")
def test_a_client_whose_tokens_would_be_pushed_may_not_ask_for_them() -> None:
    pushed = facts.context(grant_types=frozenset({ciba.NAME}), requests=RequestSettings(ciba_mode="push"))
    with pytest.raises(OAuthError) as refused:
        REQUEST.decide(approved(), pushed)
    assert refused.value.code is ErrorCode.UNAUTHORIZED_CLIENT
