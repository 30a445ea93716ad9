"""What a device is answered, decided without a server."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.crypto.hashing import digest
from app.protocol.device_facts import DeviceFact
from app.protocol.errors import ErrorCode, NotePoll, OAuthError, SlowDown
from app.protocol.facts import Authentication
from app.protocol.grant_types import device_code
from app.protocol.grant_types.device_code import Params, decide, needs
from app.protocol.needs import DeviceNeed
from app.protocol.outcomes import Issuance, RedeemDevice
from app.protocol.sender import Binding, Sender
from app.protocol.token_format import Credential, Prefix, format_credential
from tests.support.facts import APPLICATION, NOW, SECRET, context, origin, standing

DEVICE = UUID(int=9)
CODE = format_credential(Prefix.DEVICE_CODE, Credential(DEVICE, SECRET))
PARAMS = Params(device_code=CODE)
GRANTS = frozenset({device_code.NAME, "refresh_token"})
SIGNED_IN = Authentication(auth_time=NOW, amr=("pwd",))


def waiting(**changes: Any) -> DeviceFact:
    """A device code that nobody has decided about, and that was never asked for."""
    fact = DeviceFact(
        id=DEVICE,
        digest=digest(SECRET),
        application_id=APPLICATION,
        application_epoch=0,
        status="pending",
        origin=None,
        authentication=None,
        polled_at=None,
        poll_seconds=5,
        expires_at=NOW + timedelta(minutes=10),
        standing=None,
    )
    return replace(fact, **changes)


def approved(**changes: Any) -> DeviceFact:
    """A device code that somebody has approved."""
    decided = {"status": "approved", "origin": origin(), "authentication": SIGNED_IN, "standing": standing()}
    return waiting(**decided | changes)


def refusal(fact: DeviceFact | None, params: Params = PARAMS, **changes: Any) -> OAuthError:
    with pytest.raises(OAuthError) as refused:
        decide(context(grant_types=GRANTS, **changes), params, fact)
    return refused.value


def test_an_approved_code_begins_a_family_with_what_was_approved() -> None:
    issuance = decide(context(grant_types=GRANTS), PARAMS, approved())
    assert isinstance(issuance, Issuance)
    assert isinstance(issuance.payment, RedeemDevice)
    assert issuance.payment.grant_id == DEVICE
    assert issuance.payment.authentication is SIGNED_IN
    assert issuance.origin.scopes == issuance.family_scopes == ("a", "b")
    assert issuance.with_refresh_token
    assert issuance.payment.family_expires_at == NOW + timedelta(days=180)


def test_without_the_refresh_grant_no_refresh_token_comes_along() -> None:
    issuance = decide(context(grant_types=frozenset({device_code.NAME})), PARAMS, approved())
    assert not issuance.with_refresh_token
    assert issuance.payment.idle_expires_at is None


@pytest.mark.spec("standards", "DC-2")
def test_nobody_has_decided_yet() -> None:
    refused = refusal(waiting(polled_at=NOW - timedelta(seconds=5)))
    assert refused.code is ErrorCode.AUTHORIZATION_PENDING
    assert refused.aftermath == NotePoll(DEVICE, NOW - timedelta(seconds=5))


@pytest.mark.spec("standards", "DC-2")
def test_whoever_asks_too_soon_is_told_how_long_to_wait_from_now_on() -> None:
    refused = refusal(waiting(polled_at=NOW - timedelta(seconds=9), poll_seconds=15))
    assert refused.code is ErrorCode.SLOW_DOWN
    assert "20 seconds" in refused.description
    assert refused.aftermath == SlowDown(DEVICE)


@pytest.mark.spec("standards", "DC-2")
def test_asking_too_soon_costs_nobody_what_was_allowed() -> None:
    issuance = decide(context(grant_types=GRANTS), PARAMS, approved(polled_at=NOW))
    assert issuance.origin.scopes == ("a", "b")


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
@pytest.mark.spec("standards", "DC-2")
@pytest.mark.spec("standards", "DV-6")
@pytest.mark.spec("standards", "DV-10")
def test_a_code_that_does_not_count_is_refused_by_name(fact: DeviceFact | None, code: ErrorCode) -> None:
    assert refusal(fact).code is code


def test_unknown_foreign_and_mistyped_codes_are_answered_alike() -> None:
    foreign = refusal(approved(application_id=UUID(int=77)))
    mistyped = refusal(None, Params(device_code=f"{CODE[:-1]}x"))
    assert {refusal(None).description, foreign.description, mistyped.description} == {foreign.description}


def test_a_key_that_was_proved_at_the_beginning_is_proved_again() -> None:
    bound = approved(binding=Binding(jkt="thumbprint"))
    assert refusal(bound).code is ErrorCode.INVALID_GRANT
    proved = replace(context(grant_types=GRANTS), sender=Sender(jkt="thumbprint"))
    assert decide(proved, PARAMS, bound).binding.jkt == "thumbprint"


def test_what_is_needed_is_the_row_of_the_code() -> None:
    assert needs(PARAMS) == DeviceNeed(DEVICE)
    assert needs(Params(device_code="nothing of ours")) == DeviceNeed(None)
    assert CODE not in repr(PARAMS)
