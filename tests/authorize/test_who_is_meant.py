"""Whom a request is for: people that it names, several accounts on one browser, and what was done about it."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from app.protocol.accounts import Others
from app.protocol.authorize.decide import Ask, Back, Grantable, Known, Verdict, decide, meant
from app.protocol.authorize.demands import Hint
from app.protocol.authorize.interaction import SILENT
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import RecordFact, SessionFact
from app.protocol.id_token_hint import Hinted
from app.protocol.params import Parameters
from app.protocol.policy import ServerPolicy
from app.protocol.scopes import BUILTIN, ScopeDefinition, ScopeRegistry
from app.protocol.trace import Trace
from tests.support.facts import CHALLENGE, ISSUER, NOW, RECORD, REDIRECT_URI, client, session

ROBIN = session()
SAM = session(id=UUID(int=20), sid=UUID(int=20), user_id=UUID(int=21), subject="subject-2", username="sam")
HELD = RecordFact(id=RECORD, version=1, pairs=("openid", "a"), since=(1, 1))
OF_ROBIN = Hinted("client", "subject-1")
OF_SAM = Hinted("client", "subject-2")
OF_NOBODY_HERE = Hinted("client", "subject-3")


def known(
    *,
    signed_in: SessionFact | None = ROBIN,
    record: RecordFact | None = HELD,
    others: tuple[SessionFact, ...] = (),
    connected: frozenset[UUID] = frozenset(),
    hint: Hint = None,
    login: bool = False,
    choice: bool = False,
    subjects: dict[UUID, str] | None = None,
    sub: str = "",
    **changes: str,
) -> Known:
    """A request for something that was allowed before; `login` and `choice` are what was done in this transaction."""
    demanded = {"claims": json.dumps({"id_token": {"sub": {"value": sub}}})} if sub else {}
    params = {
        "response_type": "code",
        "client_id": "client",
        "redirect_uri": REDIRECT_URI,
        "scope": "openid",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **demanded,
        **changes,
    }
    return Known(
        now=NOW,
        policy=ServerPolicy(issuer=ISSUER),
        registry=ScopeRegistry([*BUILTIN, ScopeDefinition("a")]),
        params=Parameters.of(params.items()),
        client=client(),
        session=signed_in,
        record=record,
        login_at=NOW if login else None,
        account_at=NOW if login or choice else None,
        hint=hint,
        others=Others(others, connected),
        subjects=subjects or {},
    )


def verdict(**how: Any) -> Verdict:
    """Decide."""
    return decide(known(**how), Trace())


def is_granted(**how: Any) -> bool:
    """Tell whether nobody has to be asked."""
    return isinstance(verdict(**how), Grantable)


def asked(**how: Any) -> tuple[str, str]:
    """Return the page that comes next, and why."""
    outcome = verdict(**how)
    assert isinstance(outcome, Ask), outcome
    return outcome.asked.prompt, outcome.asked.reason


def error_of(**how: Any) -> str:
    """Return the error that travels back."""
    outcome = verdict(**how)
    assert isinstance(outcome, Back), outcome
    return outcome.error.code.wire


@pytest.mark.spec("standards", "OC-12")
@pytest.mark.spec("standards", "OC-13")
@pytest.mark.parametrize(
    "named", [{"hint": OF_ROBIN}, {"sub": "subject-1"}, {"hint": OF_ROBIN, "sub": "subject-1"}], ids=str
)
def test_the_person_who_is_named_is_answered_for(named: dict[str, Any]) -> None:
    assert is_granted(**named)
    assert is_granted(prompt="none", **named)
    assert is_granted(others=(SAM,), **named), "whoever is named needs no choice"


@pytest.mark.spec("standards", "OC-12")
@pytest.mark.spec("standards", "OC-13")
@pytest.mark.parametrize("named", [{"hint": OF_SAM}, {"sub": "subject-2"}], ids=["hint", "claims"])
def test_nobody_is_answered_for_instead_of_the_person_who_is_named(named: dict[str, Any]) -> None:
    assert asked(**named) == ("login", "the request names another person")
    assert asked(signed_in=None, **named) == ("login", "nobody is signed in")
    assert error_of(prompt="none", **named) == "login_required"
    for acted in ({"login": True}, {"choice": True}):
        assert error_of(**acted, **named) == "login_required", "he has acted, and is somebody else still"
    assert is_granted(login=True, signed_in=SAM, **named)


@pytest.mark.spec("standards", "OC-13")
def test_without_a_page_only_who_has_allowed_the_application_is_recognized_by_his_name() -> None:
    def told(who: str, **how: Any) -> tuple[str, str]:
        answer = verdict(sub=who, prompt="none", **how)
        assert isinstance(answer, Back)
        return answer.error.code.wire, answer.error.description

    somebody = told("subject-3", record=None)
    assert somebody[0] == "login_required"
    assert told("subject-1", record=None) == somebody
    assert told("subject-1", record=None, max_age="0") == somebody
    assert told("subject-2", record=None, others=(SAM,)) == somebody
    nobody = told("subject-3", signed_in=None, others=(SAM,))
    assert told("subject-2", signed_in=None, others=(SAM,)) == nobody
    # Whom the application knows it may name, and whose ID token it has.
    assert is_granted(sub="subject-1", prompt="none")
    assert told("subject-2", others=(SAM,), connected=frozenset({SAM.id}))[0] == "account_selection_required"
    assert told("subject-1", record=None, hint=OF_ROBIN)[0] == "consent_required"


@pytest.mark.spec("standards", "OC-12")
def test_somebody_else_signs_in_and_the_present_person_need_not_confirm_that_it_is_he() -> None:
    named, demanded = verdict(hint=OF_SAM), verdict(prompt="login")
    assert isinstance(named, Ask)
    assert isinstance(demanded, Ask)
    assert (named.asked.confirms, demanded.asked.confirms) == (False, True)


@pytest.mark.spec("standards", "OC-12")
@pytest.mark.parametrize(
    ("subjects", "record"),
    [
        ({ROBIN.user_id: "pairwise-1"}, HELD),
        ({ROBIN.user_id: "pairwise-1"}, None),
    ],
    ids=["with a record", "without"],
)
def test_people_are_compared_by_what_the_application_calls_them(
    subjects: dict[UUID, str], record: RecordFact | None
) -> None:
    how: dict[str, Any] = {"subjects": subjects, "record": record}
    named = verdict(hint=Hinted("client", "pairwise-1"), **how)
    assert isinstance(named, Grantable if record else Ask)
    assert not isinstance(named, Ask) or named.asked.prompt == "consent"
    assert asked(hint=OF_ROBIN, **how) == ("login", "the request names another person")


@pytest.mark.spec("standards", "OC-12")
@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"hint": OAuthError(ErrorCode.INVALID_REQUEST, "id_token_hint is refused: forged")}, "forged"),
        ({"hint": Hinted("other", "subject-1")}, "issued to another application"),
        ({"hint": OF_ROBIN, "sub": "subject-2"}, "one person and the sub in claims another"),
    ],
    ids=["not ours", "of another application", "two people"],
)
def test_a_hint_that_names_nobody_is_an_error(how: dict[str, Any], why: str) -> None:
    outcome = verdict(**how)
    assert isinstance(outcome, Back)
    assert outcome.error.code is ErrorCode.INVALID_REQUEST
    assert why in outcome.error.description


@pytest.mark.spec("standards", "OC-4")
@pytest.mark.spec("standards", "OC-12")
def test_the_chooser_comes_when_the_person_who_is_named_is_on_the_browser() -> None:
    reason = "the request names another account of this browser"
    assert asked(hint=OF_SAM, others=(SAM,)) == ("select_account", reason)
    assert asked(hint=OF_SAM, others=(SAM,), signed_in=None) == ("select_account", reason)
    assert error_of(hint=OF_SAM, others=(SAM,), prompt="none") == "account_selection_required"
    assert error_of(hint=OF_SAM, others=(SAM,), choice=True) == "login_required", "he chose somebody else"
    assert asked(hint=OF_NOBODY_HERE, others=(SAM,))[0] == "login"


@pytest.mark.spec("standards", "OC-12")
def test_another_account_of_the_browser_is_meant_when_the_request_names_it() -> None:
    assert meant(known(hint=OF_SAM, others=(SAM,))) == SAM
    assert meant(known(sub="subject-2", others=(SAM,), signed_in=None)) == SAM
    assert meant(known(hint=OF_ROBIN, others=(SAM,))) is None, "the present one is named"
    assert meant(known(hint=OF_NOBODY_HERE, others=(SAM,))) is None
    assert meant(known(others=(SAM,))) is None, "nobody is named"
    assert meant(known(hint=OF_SAM)) is None, "there is nobody else"
    assert meant(known(hint=OF_SAM, others=(SAM,), prompt="sometimes")) is None, "the request is wrong in itself"
    assert meant(known(hint=OF_SAM, others=(SAM,), redirect_uri="https://elsewhere.example/")) is None


@pytest.mark.spec("standards", "OC-7")
def test_seen_by_another_account_nothing_counts_that_the_present_one_did() -> None:
    seen = known(hint=OF_SAM, others=(SAM,), login=True, prompt="login").seen_by(SAM, HELD)
    assert (seen.session, seen.others.sessions, seen.login_at, seen.account_at) == (SAM, (ROBIN,), None, None)
    outcome = decide(seen, Trace())
    assert isinstance(outcome, Ask)
    assert outcome.asked.prompt == "login"
    assert known(signed_in=None, others=(SAM,)).seen_by(SAM, None).others.sessions == ()
    assert isinstance(decide(known(hint=OF_SAM, others=(SAM,), prompt="none").seen_by(SAM, HELD), Trace()), Grantable)


@pytest.mark.spec("standards", "OC-6")
@pytest.mark.spec("standards", "OC-7")
def test_a_choice_is_demanded_once_in_a_transaction() -> None:
    assert asked(prompt="select_account") == ("select_account", "the request demands a choice of the account")
    assert is_granted(prompt="select_account", choice=True)
    assert asked(prompt="select_account", signed_in=None, others=(SAM,))[0] == "select_account"
    assert asked(prompt="select_account", signed_in=None) == ("login", "nobody is signed in")
    assert is_granted(prompt="select_account", login=True), "whoever signs in has chosen"
    assert asked(prompt="select_account login", choice=True) == ("login", "the request demands a fresh login")
    assert is_granted(prompt="select_account login", login=True)


@pytest.mark.spec("standards", "OC-5")
@pytest.mark.spec("standards", "OC-7")
def test_a_login_is_demanded_once_in_a_transaction() -> None:
    assert asked(prompt="login") == ("login", "the request demands a fresh login")
    assert asked(prompt="login", choice=True)[0] == "login"
    assert is_granted(prompt="login", login=True)
    assert is_granted(max_age="0", login=True)
    assert asked(prompt="login consent", login=True)[0] == "consent"


@pytest.mark.spec("standards", "OC-4")
@pytest.mark.spec("standards", "A1.10")
def test_of_several_accounts_the_application_gets_the_one_it_knows_or_the_person_chooses() -> None:
    how: dict[str, Any] = {"others": (SAM,)}
    assert asked(**how) == ("select_account", "several accounts are signed in")
    assert error_of(prompt="none", **how) == "account_selection_required"
    assert is_granted(connected=frozenset({ROBIN.id}), **how)
    assert asked(connected=frozenset({SAM.id}), **how)[0] == "select_account", "it knows the other one"
    assert is_granted(choice=True, **how)
    assert is_granted(login=True, **how)
    assert asked(signed_in=None, **how) == ("login", "nobody is signed in")


def test_an_application_that_signs_nobody_in_gets_the_account_that_connected_it() -> None:
    assert is_granted(scope="a", others=(SAM,))
    assert asked(scope="a", others=(SAM,), record=None)[0] == "select_account"


@pytest.mark.spec("standards", "OC-4")
@pytest.mark.spec("standards", "A1.10")
def test_every_page_is_an_error_where_none_may_be_shown() -> None:
    assert {prompt: code.wire for prompt, (code, _) in SILENT.items()} == {
        "create": "interaction_required",
        "select_account": "account_selection_required",
        "login": "login_required",
        "consent": "consent_required",
    }


@pytest.mark.spec("standards", "OC-6")
def test_consent_is_demanded_even_if_it_was_given() -> None:
    assert asked(prompt="consent") == ("consent", "the request demands the consent page")
    assert isinstance(decide(known(prompt="consent"), Trace(), consent_given=True), Grantable)
    gone = replace(HELD, pairs=("a",), since=(1,))
    assert error_of(prompt="none", record=gone) == "consent_required"
