"""What is asked of people by clients that are known by a metadata document."""

from dataclasses import replace

import pytest

from app.protocol.authorize.decide import Ask, Grantable, Known, Verdict, decide
from app.protocol.authorize.return_path import NoReturnPath
from app.protocol.errors import ErrorCode
from app.protocol.facts import ClientFact, RecordFact
from app.protocol.introductions import Introduction
from app.protocol.params import Parameters
from app.protocol.policy import ServerPolicy
from app.protocol.trace import Trace
from tests.support.facts import CHALLENGE, ISSUER, NOW, RECORD, REGISTRY, client, session

ADDRESS = "https://app.example/client.json"
AT_HOME, LOOPBACK, ELSEWHERE = "https://app.example/callback", "http://127.0.0.1/callback", "https://b.example/callback"
HELD = RecordFact(id=RECORD, version=1, pairs=("a",), since=(1,), identity="then")


def by_document(**changes: object) -> ClientFact:
    return client(
        **{
            "client_id": ADDRESS,
            "self_registered": True,
            "verified": False,
            "auth_method": "none",
            "redirect_uris": (AT_HOME, LOOPBACK, ELSEWHERE),
            "introduction": Introduction(identity="then"),
            **changes,
        }
    )


def known(who: ClientFact | None, record: RecordFact | None = HELD, redirect_uri: str = AT_HOME) -> Known:
    asked = {
        "response_type": "code",
        "client_id": ADDRESS,
        "redirect_uri": redirect_uri,
        "scope": "a",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return Known(
        now=NOW,
        policy=ServerPolicy(issuer=ISSUER),
        registry=REGISTRY,
        params=Parameters.of(list(asked.items())),
        client=who,
        session=session(),
        record=record,
    )


def why(outcome: Verdict) -> str:
    assert isinstance(outcome, Ask)
    assert outcome.asked.prompt == "consent"
    return outcome.asked.reason


@pytest.mark.spec("standards", "BB-5")
def test_what_was_allowed_is_remembered_for_whoever_has_its_host_and_for_nobody_else() -> None:
    trace = Trace()
    assert isinstance(decide(known(by_document()), trace), Grantable)
    assert (trace.steps[0].check, trace.steps[0].detail) == ("metadata document", "app.example")
    for elsewhere in (LOOPBACK, ELSEWHERE):
        assert "not assured" in why(decide(known(by_document(), redirect_uri=elsewhere), Trace()))
    registered_itself = by_document(client_id="0123456789abcdef")
    assert "not assured" in why(decide(known(registered_itself), Trace()))


@pytest.mark.spec("standards", "CI-11")
@pytest.mark.spec("standards", "AR-12")
def test_whoever_allowed_another_one_is_asked_again() -> None:
    changed = by_document(introduction=Introduction(identity="now"))
    assert "has changed since it was allowed" in why(decide(known(changed), Trace()))
    assert isinstance(decide(known(changed, replace(HELD, identity="now")), Trace()), Grantable)
    assert "never connected" in why(decide(known(changed, None), Trace()))


@pytest.mark.spec("standards", "CI-2")
def test_one_that_the_operator_has_registered_is_judged_like_any_other() -> None:
    registered = by_document(self_registered=False, introduction=Introduction(identity="now"))
    assert isinstance(decide(known(registered, redirect_uri=ELSEWHERE), Trace()), Grantable)


@pytest.mark.spec("standards", "CI-14")
def test_without_its_document_nobody_is_answered_and_the_trace_says_why() -> None:
    missing = NoReturnPath(
        "client_document", "client_id answers with status 404", code=ErrorCode.INVALID_CLIENT, detail="elsewhere"
    )
    trace = Trace()
    with pytest.raises(NoReturnPath, match="status 404") as refused:
        decide(replace(known(None), refusal=missing), trace)
    assert refused.value.code is ErrorCode.INVALID_CLIENT
    [step] = trace.steps
    assert (step.check, step.outcome, step.detail) == ("metadata document", "refused", "elsewhere")
