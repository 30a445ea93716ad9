"""What an application may ask of a sign-out, and when the person is asked."""

from dataclasses import replace
from urllib.parse import urlencode
from uuid import UUID

import pytest

from app.protocol import logout
from app.protocol.errors import OAuthError
from app.protocol.facts import ClientFact, SessionFact
from app.protocol.id_token_hint import Hinted
from app.protocol.logout import OURS, LogoutRequest, Order, Verdict
from app.protocol.openid_settings import OpenIdSettings
from app.protocol.params import parse_form
from app.protocol.sid import sid_of
from tests.support.facts import client, session

BYE = "https://client.example/bye"
SID = UUID(int=77)
ADA = session(sid=SID)
SAM = session(
    id=UUID(int=80), sid=UUID(int=81), user_id=UUID(int=82), subject="sub-sam", username="Sam", email="sam@b.example"
)
HINT = Hinted("client", "sub-ada", sid_of(SID, "client"))
KNOWN = {SID: "sub-ada"}


def application(*uris: str) -> ClientFact:
    """The application, with these addresses to return to."""
    return client(openid=OpenIdSettings(post_logout_redirect_uris=uris))


@pytest.mark.spec("standards", "LO-1")
def test_every_parameter_is_read() -> None:
    sent = {
        "id_token_hint": "a.b.c",
        "logout_hint": "ada",
        "client_id": "client",
        "post_logout_redirect_uri": BYE,
        "state": "s 1",
        "ui_locales": "de",
        "unknown": "x",
    }
    assert logout.read(parse_form(urlencode(sent).encode())) == LogoutRequest("a.b.c", "client", BYE, "s 1", "ada")


@pytest.mark.spec("standards", "LO-6")
@pytest.mark.parametrize("name", ["state", "client_id", "id_token_hint", "unknown"])
def test_nothing_may_come_twice(name: str) -> None:
    with pytest.raises(OAuthError, match=f"{name} was sent more than once"):
        logout.read(parse_form(f"{name}=a&{name}=b".encode()))


@pytest.mark.parametrize("name", ["client_id", "post_logout_redirect_uri", "state", "logout_hint"])
def test_no_parameter_is_endless(name: str) -> None:
    logout.read(parse_form(f"{name}={'x' * 4096}".encode()))
    with pytest.raises(OAuthError, match=f"{name} is longer than 4096 characters"):
        logout.read(parse_form(f"{name}={'x' * 4097}".encode()))


@pytest.mark.spec("standards", "LO-2")
def test_client_id_and_hint_name_the_same_application() -> None:
    assert logout.client_id_of(LogoutRequest(), None) == ""
    assert logout.client_id_of(LogoutRequest(client_id="client"), None) == "client"
    assert logout.client_id_of(LogoutRequest(), HINT) == "client"
    assert logout.client_id_of(LogoutRequest(client_id="client"), HINT) == "client"
    with pytest.raises(OAuthError, match="client_id is not the application"):
        logout.client_id_of(LogoutRequest(client_id="other"), HINT)


@pytest.mark.spec("standards", "LO-6")
def test_a_state_that_takes_too_much_room_in_an_address_is_refused() -> None:
    asked = LogoutRequest(client_id="client", redirect_uri=BYE, state="x" * 4096)
    assert logout.order(asked, application(BYE), None).return_uri.endswith("x" * 4096)
    with pytest.raises(OAuthError, match="state makes the address longer than 12288 characters"):
        logout.order(replace(asked, state="€" * 4096), application(BYE), None)


@pytest.mark.spec("standards", "LO-5")
def test_the_registered_address_is_returned_to_with_the_state_as_it_was_sent() -> None:
    asked = LogoutRequest(client_id="client", redirect_uri=BYE, state="s 1&x=ü")
    assert logout.order(asked, application(BYE), None).return_uri == f"{BYE}?state=s+1%26x%3D%C3%BC"
    assert logout.order(replace(asked, state=None), application(BYE), None).return_uri == BYE


@pytest.mark.spec("standards", "LO-5")
def test_a_query_of_the_registered_address_stays() -> None:
    uri = f"{BYE}?from=us"
    asked = LogoutRequest(client_id="client", redirect_uri=uri, state="1")
    assert logout.order(asked, application(uri), None).return_uri == f"{BYE}?from=us&state=1"


@pytest.mark.spec("standards", "LO-5")
@pytest.mark.spec("standards", "LO-6")
@pytest.mark.parametrize(
    "uri",
    [
        f"{BYE}/",
        f"{BYE}?a=b",
        "https://client.example/BYE",
        "https://client.example:443/bye",
        "http://client.example/bye",
        "https://client.example/callback",
        "//client.example/bye",
        "javascript:alert(1)",
    ],
)
def test_any_other_address_is_refused(uri: str) -> None:
    asked = LogoutRequest(client_id="client", redirect_uri=uri, state="1")
    with pytest.raises(OAuthError, match="post_logout_redirect_uri is not registered") as refused:
        logout.order(asked, application(BYE), HINT)
    assert refused.value.detail == uri


def test_an_old_row_with_a_dangerous_address_is_not_followed() -> None:
    uri = "javascript:alert(1)"
    with pytest.raises(OAuthError, match="is not registered"):
        logout.order(LogoutRequest(client_id="client", redirect_uri=uri), application(uri), None)


@pytest.mark.spec("standards", "LO-7")
@pytest.mark.parametrize("uri", [BYE, "http://127.0.0.1:8080/bye", "com.example.app:/bye"])
def test_https_loopback_and_the_schemes_of_apps_are_returned_to(uri: str) -> None:
    assert logout.order(LogoutRequest(client_id="client", redirect_uri=uri), application(uri), None).return_uri == uri


@pytest.mark.spec("standards", "LO-5")
def test_the_port_of_a_loopback_address_counts() -> None:
    asked = LogoutRequest(client_id="client", redirect_uri="http://127.0.0.1:9999/bye")
    with pytest.raises(OAuthError, match="is not registered"):
        logout.order(asked, application("http://127.0.0.1:8080/bye"), None)


@pytest.mark.spec("standards", "LO-5")
def test_without_an_application_there_is_nowhere_to_return_to() -> None:
    with pytest.raises(OAuthError, match="needs an application; send id_token_hint, client_id or both"):
        logout.order(LogoutRequest(redirect_uri=BYE), None, None)
    assert logout.order(LogoutRequest(state="1"), None, None) == OURS


@pytest.mark.spec("standards", "LO-6")
@pytest.mark.parametrize("hinted", [None, HINT], ids=["named", "hinted"])
def test_an_application_that_is_not_active_is_refused(hinted: Hinted | None) -> None:
    with pytest.raises(OAuthError, match="client_id names no active application"):
        logout.order(LogoutRequest(client_id="client"), None, hinted)


@pytest.mark.spec("standards", "LO-3")
def test_a_hint_of_this_very_session_ends_it_at_once() -> None:
    assert logout.judge(Order("client", HINT), [ADA, SAM], KNOWN) == Verdict("end", ADA)


def test_of_several_accounts_the_one_that_is_meant_ends() -> None:
    assert logout.judge(Order("client", HINT), [SAM, ADA], KNOWN) == Verdict("end", ADA)


@pytest.mark.spec("standards", "LO-3")
@pytest.mark.parametrize(
    ("hinted", "known"),
    [
        (None, KNOWN),
        (replace(HINT, sid=""), KNOWN),
        (replace(HINT, sid=sid_of(UUID(int=99), "client")), KNOWN),
        (replace(HINT, sid=str(SID)), KNOWN),
        (replace(HINT, subject="sub-sam"), KNOWN),
        (replace(HINT, client_id="other"), KNOWN),
        (HINT, {}),
        (HINT, {SAM.sid: "sub-ada"}),
    ],
    ids=["no hint", "no sid", "another session", "bare id", "another person", "another client", "not there", "not his"],
)
def test_in_every_other_case_the_person_is_asked(hinted: Hinted | None, known: dict[UUID, str]) -> None:
    assert logout.judge(Order("client", hinted), [ADA, SAM], known) == Verdict("ask", ADA)


@pytest.mark.spec("standards", "LO-1")
@pytest.mark.parametrize("account", ["sam", "SAM@B.example", sid_of(SAM.sid, "client")], ids=["name", "email", "sid"])
def test_logout_hint_chooses_whom_to_ask_about_and_never_ends_anything(account: str) -> None:
    assert logout.judge(Order("client", account=account), [ADA, SAM], KNOWN) == Verdict("ask", SAM)


@pytest.mark.parametrize("account", ["", "nobody", sid_of(SAM.sid, "other")], ids=["none", "unknown", "other's"])
def test_otherwise_the_person_is_asked_about_the_present_session(account: str) -> None:
    nameless: SessionFact = replace(SAM, email="")
    assert logout.judge(Order("client", account=account), [ADA, nameless], KNOWN) == Verdict("ask", ADA)


@pytest.mark.spec("standards", "LO-6")
def test_where_nobody_is_signed_in_there_is_nothing_to_end() -> None:
    assert logout.judge(Order("client", HINT), [], {}) == Verdict("nothing")


@pytest.mark.spec("standards", "LO-5")
def test_the_browser_goes_on_by_itself_after_a_hint_or_a_yes_alone() -> None:
    named, hinted = Order("client", return_uri=BYE), Order("client", HINT, BYE)
    assert not logout.may_return(named, confirmed=False)
    assert logout.may_return(named, confirmed=True)
    assert logout.may_return(hinted, confirmed=False)
    assert not logout.may_return(Order("client", HINT), confirmed=True)


def test_a_self_registered_application_leads_nobody_away_unasked() -> None:
    uri = {"openid": OpenIdSettings(post_logout_redirect_uris=(BYE,)), "self_registered": True}
    order = logout.order(LogoutRequest(redirect_uri=BYE), client(**uri), HINT)
    assert not logout.may_return(order, confirmed=False)
    assert logout.may_return(order, confirmed=True)


def test_neither_person_nor_session_nor_state_shows_in_a_repr() -> None:
    asked = LogoutRequest("token-text", "client", BYE, "state-text", "sam@b.example")
    shown = f"{asked} {Order('client', HINT, BYE + '?state=state-text', 'sam@b.example')}"
    assert not any(secret in shown for secret in ("token-text", "state-text", "sam@", "sub-ada", HINT.sid))
