"""What the token exchange grant decides (standards A2.9)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.crypto.hashing import digest
from app.protocol.errors import ErrorCode
from app.protocol.exchange_parties import PartyFact, ShownAccessToken
from app.protocol.facts import Authentication, Basis, TokenFact
from app.protocol.grant_types.token_exchange import ACCESS_TOKEN, JWT, OTHERS, Params, needs
from app.protocol.needs import ExchangeNeed, ShownToken
from app.protocol.outcomes import DelegatedIssuance, MachineIssuance
from app.protocol.policy import ApplicationPolicy, ServerPolicy, effective
from app.protocol.sender import UNBOUND, Binding, Sender
from app.protocol.trusted_issuers import TrustedIssuer, untrusted, use_of
from tests.support.exchange import (
    API,
    FIRST_ID,
    GATEWAY,
    GATEWAY_ID,
    IDP,
    SECONDS,
    STOCK,
    any_order,
    gateway,
    jwt,
    order,
    own,
    refusal,
    rule,
    shown,
)
from tests.support.facts import (
    APPLICATION,
    FAMILY,
    ISSUER,
    NOW,
    TOKEN,
    access_token,
    client,
    machine_token,
    origin,
    standing,
)


@pytest.mark.spec("standards", "TX-1")
def test_both_tokens_must_be_known_and_do_not_print_themselves() -> None:
    params = Params(subject_token="secret", subject_token_type=JWT, actor_token="other", actor_token_type=ACCESS_TOKEN)
    assert needs(params) == ExchangeNeed(ShownToken("secret", True), ShownToken("other", False))
    assert needs(Params(subject_token="secret", subject_token_type=ACCESS_TOKEN)).actor is None
    assert "secret" not in f"{params!r} {needs(params)!r}"
    assert "other" not in f"{params!r} {needs(params)!r}"


@pytest.mark.spec("standards", "TX-1")
@pytest.mark.spec("standards", "TX-2")
@pytest.mark.parametrize(
    "params",
    [
        *({"subject_token_type": kind} for kind in (*OTHERS, "jwt", "")),
        *({"requested_token_type": kind} for kind in (*OTHERS, "jwt")),
        {"actor_token_type": ACCESS_TOKEN},
        {"actor_token": "y"},
        {"actor_token": "y", "actor_token_type": OTHERS[0]},
    ],
    ids=str,
)
def test_types_that_are_not_exchanged(params: dict[str, Any]) -> None:
    assert refusal(own(), shown(access_token()), **params) is ErrorCode.INVALID_REQUEST


@pytest.mark.spec("standards", "TX-8")
def test_a_public_application_exchanges_nothing() -> None:
    public = own(client=client(auth_method="none"))
    assert refusal(public, shown(access_token())) is ErrorCode.UNAUTHORIZED_CLIENT


@pytest.mark.spec("standards", "AR-16")
@pytest.mark.spec("standards", "TX-3")
def test_an_own_token_made_narrower_copies_everything_else() -> None:
    issued = order(own(), scope="b")
    assert issued == DelegatedIssuance(
        origin=origin(scopes=("b",)),
        access_expires_at=NOW + timedelta(hours=1),
        client_id="client",
        subject="subject-1",
        authentication=Authentication(auth_time=NOW),
        family_id=FAMILY,
        issued_token_type=ACCESS_TOKEN,
        told={"grant": "token_exchange", "exchanged": str(TOKEN), "subject_client": "client"},
    )
    assert order(own()).origin.scopes == ("a", "b")


@pytest.mark.spec("standards", "TX-5")
@pytest.mark.spec("standards", "TX-6")
def test_another_applications_token_becomes_one_that_rests_on_it() -> None:
    issued = order(gateway(rule(resources=frozenset({API.identifier}))), resource=(API.identifier,))
    basis = Basis({f"a {API.identifier}": "a"}, {APPLICATION: 0})
    assert issued.origin == origin(
        application_id=GATEWAY_ID, application_epoch=7, scopes=("a",), resources=(API.identifier,), basis=basis
    )
    assert (issued.actor, issued.audience, issued.family_id) == (GATEWAY, API, FAMILY)
    assert issued.told["rule"] == "one"


def delegated(**changes: Any) -> TokenFact:
    """A token that gateway got for the application's."""
    made = origin(
        application_id=GATEWAY_ID,
        application_epoch=7,
        scopes=("c", "b"),
        basis=Basis({"c": "a", "b": "b"}, {FIRST_ID: 4}),
    )
    given = {
        "origin": made,
        "client_id": "gateway",
        "actor": GATEWAY,
        "standing": standing(application_epoch=7),
        **changes,
    }
    return access_token(**given)


@pytest.mark.spec("standards", "TX-5")
def test_the_next_hand_adds_itself_and_the_applications_behind_it() -> None:
    onwards = own(exchange_rules=(rule(clients=frozenset({"client"}), subject_clients=frozenset({"gateway"})),))
    issued = order(onwards, shown(delegated()))
    assert issued.origin.basis == Basis({"c": "a", "b": "b"}, {FIRST_ID: 4, GATEWAY_ID: 7})
    assert issued.actor == {"sub": "client", "client_id": "client", "act": GATEWAY}


def test_a_delegated_token_made_narrower_rests_on_what_it_rested_on() -> None:
    issued = order(gateway(), shown(delegated()), scope="c")
    assert issued.origin.basis == Basis({"c": "a"}, {FIRST_ID: 4})
    assert issued.actor == GATEWAY


@pytest.mark.spec("standards", "TX-5")
def test_five_hands_are_the_most() -> None:
    chain: dict[str, Any] = {"sub": "1"}
    for number in range(2, 6):
        chain = {"sub": str(number), "act": chain}
    assert refusal(gateway(), shown(access_token(actor=chain))) is ErrorCode.INVALID_REQUEST


@pytest.mark.spec("standards", "TX-5")
def test_an_impersonation_hides_who_impersonates_and_nobody_before_him() -> None:
    hidden = gateway(rule(mode="impersonation"))
    assert order(hidden).actor is None
    assert order(hidden, shown(access_token(actor={"sub": "1"}))).actor == {"sub": "1"}
    mine = shown(machine_token(client_id="gateway"))
    assert order(hidden, actor=mine).actor == GATEWAY


@pytest.mark.spec("standards", "TX-5")
@pytest.mark.spec("standards", "TX-6")
def test_an_actor_is_named_and_the_new_token_ends_with_his() -> None:
    soon = NOW + timedelta(minutes=5)
    person = shown(access_token(client_id="gateway", subject="subject-2", expires_at=soon))
    issued = order(gateway(), actor=person)
    assert (issued.actor, issued.access_expires_at) == ({"sub": "subject-2", "client_id": "gateway"}, soon)
    stranger = order(gateway(), actor=jwt(sub="assistant"))
    assert stranger.actor == {"iss": IDP.issuer, "sub": "assistant"}
    assert stranger.access_expires_at == NOW + timedelta(seconds=60)


@pytest.mark.spec("standards", "TX-5")
@pytest.mark.parametrize(
    "actor",
    [
        shown(None),
        shown(access_token()),
        shown(access_token(client_id="gateway", expires_at=NOW)),
        shown(access_token(client_id="gateway", actor={"sub": "1"})),
        shown(access_token(client_id="gateway", binding=Binding(jkt="k"))),
        jwt(act={"sub": "1"}),
        jwt(cnf={"jkt": "k"}),
        jwt(cnf={"kid": "k"}),
        jwt(TrustedIssuer("https://idp.example", frozenset({"another"}))),
        untrusted(),
    ],
    ids=str,
)
def test_who_cannot_act(actor: PartyFact) -> None:
    assert refusal(gateway(), shown(access_token()), actor) is ErrorCode.INVALID_REQUEST


@pytest.mark.spec("standards", "TX-4")
@pytest.mark.parametrize(
    "subject",
    [
        None,
        shown(None),
        ShownAccessToken(digest(b"another"), access_token()),
        shown(access_token(expires_at=NOW)),
        shown(access_token(revoked_at=NOW)),
        shown(access_token(family_revoked=True)),
        shown(access_token(standing=standing(record_revoked=True))),
        shown(access_token(standing=standing(pairs=(), since=()))),
        shown(access_token(client_id="another")),
        untrusted(),
        jwt(aud="https://elsewhere.example"),
        jwt(act="x"),
        jwt(cnf={"kid": "k"}),
        jwt(cnf={"jkt": "k"}),
        jwt(scope=1),
        replace(jwt(), person=None),
        replace(jwt(), used=True),
    ],
    ids=str,
)
def test_what_does_not_count_is_an_invalid_request(subject: PartyFact) -> None:
    foreign = rule(subject_issuers=frozenset({IDP.issuer}))
    assert refusal(gateway(foreign), subject) is ErrorCode.INVALID_REQUEST


@pytest.mark.spec("standards", "TX-4")
def test_a_target_that_is_not_allowed_is_an_invalid_target() -> None:
    subject = shown(access_token())
    assert refusal(own(), subject, resource=(API.identifier,)) is ErrorCode.INVALID_TARGET
    assert refusal(own(), subject, audience=("nobody",)) is ErrorCode.INVALID_TARGET
    limited = gateway(rule(resources=frozenset({API.identifier})))
    for resource in ((), (STOCK.identifier,)):
        assert refusal(limited, subject, resource=resource) is ErrorCode.INVALID_TARGET
    assert refusal(gateway(), subject, resource=(STOCK.identifier,)) is ErrorCode.INVALID_TARGET


@pytest.mark.spec("standards", "TX-6")
def test_scopes_only_narrow() -> None:
    subject = shown(access_token())
    assert refusal(own(), subject, scope="a c") is ErrorCode.INVALID_SCOPE
    assert refusal(gateway(rule(scopes=frozenset({"a"}))), subject, scope="b") is ErrorCode.INVALID_SCOPE
    taken = shown(access_token(standing=standing(pairs=("b",), since=(1,))))
    assert order(own(), taken).origin.scopes == ("b",)
    assert refusal(own(), taken, scope="a") is ErrorCode.INVALID_SCOPE
    narrowed = own(client=client(scopes=frozenset({"b"})))
    assert order(narrowed).origin.scopes == ("b",)
    assert refusal(narrowed, subject, scope="a") is ErrorCode.INVALID_SCOPE


def test_an_own_token_for_several_resources_becomes_one_for_fewer() -> None:
    at_both = origin(scopes=("a", "b"), resources=(API.identifier, STOCK.identifier))
    current = standing(pairs=(f"a {API.identifier}", f"b {STOCK.identifier}"), since=(1, 1))
    issued = order(own(), shown(access_token(origin=at_both, standing=current)), resource=(API.identifier,))
    assert (issued.origin.scopes, issued.origin.resources, issued.audience) == (("a",), (API.identifier,), API)
    assert issued.origin.basis is None


@pytest.mark.spec("standards", "TX-6")
def test_no_new_token_outlives_the_one_it_comes_from() -> None:
    soon = NOW + timedelta(seconds=9)
    assert order(own(), shown(access_token(expires_at=soon))).access_expires_at == soon
    foreign = gateway(rule(subject_issuers=frozenset({IDP.issuer})))
    assert order(foreign, jwt()).access_expires_at == NOW + timedelta(seconds=60)
    brief = replace(IDP, access_token=timedelta(seconds=7))
    assert order(foreign, jwt(brief)).access_expires_at == NOW + timedelta(seconds=7)
    # Clocks may differ by a minute; what has ended by ours buys nothing.
    assert refusal(foreign, jwt(exp=SECONDS - 30)) is ErrorCode.INVALID_REQUEST


@pytest.mark.spec("standards", "TX-3")
def test_who_asks_for_a_jwt_gets_one_or_nothing() -> None:
    limited = gateway(rule(resources=frozenset({API.identifier, STOCK.identifier})))
    issued = order(limited, resource=(API.identifier,), requested_token_type=JWT)
    assert issued.issued_token_type == JWT
    for at, resource in ((limited, (STOCK.identifier,)), (own(), ())):
        refused = refusal(at, shown(access_token()), resource=resource, requested_token_type=JWT)
        assert refused is ErrorCode.INVALID_REQUEST


@pytest.mark.spec("standards", "TX-7")
def test_a_bound_token_needs_its_key_and_stays_bound() -> None:
    bound = shown(access_token(binding=Binding(jkt="k", x5t="c")))
    right, half = Sender(jkt="k", x5t="c"), Sender(jkt="k")
    assert order(own(sender=right), bound).binding == Binding(jkt="k", x5t="c")
    assert order(own(sender=half)).binding == Binding(jkt="k")
    assert order(own(sender=Sender(x5t="c"))).binding == UNBOUND
    for sender in (Sender(), half, Sender(jkt="other", x5t="c")):
        assert refusal(own(sender=sender), bound) is ErrorCode.INVALID_REQUEST
        assert refusal(gateway(sender=sender), bound) is ErrorCode.INVALID_REQUEST


@pytest.mark.spec("standards", "TX-7")
def test_by_permission_a_bound_token_is_bound_anew_and_never_unbound() -> None:
    bound = shown(access_token(binding=Binding(jkt="k")))
    again = gateway(rule(rebind=True), sender=Sender(jkt="mine"))
    assert order(again, bound).binding == Binding(jkt="mine")
    for sender in (Sender(), Sender(x5t="c")):
        assert refusal(gateway(rule(rebind=True), sender=sender), bound) is ErrorCode.INVALID_REQUEST
    policy = effective(ServerPolicy(issuer=ISSUER), ApplicationPolicy(tls_bound=True), confidential=True)
    certified = gateway(rule(rebind=True), sender=Sender(x5t="c"), policy=policy)
    assert order(certified, bound).binding == Binding(x5t="c")


def test_a_jwt_of_a_trusted_issuer_carries_what_it_and_the_entry_say() -> None:
    foreign = rule(subject_issuers=frozenset({IDP.issuer}))
    issued = order(gateway(foreign), jwt(scope="c a unheard-of"))
    assert (issued.origin.scopes, issued.origin.record_id, issued.origin.basis) == (("c", "a"), None, None)
    assert (issued.origin.user_epoch, issued.use) == (3, use_of(jwt().jwt, IDP, NOW))
    assert issued.told == {
        "grant": "token_exchange", "issuer": IDP.issuer, "rule": "one", "actor": "gateway"
    }  # fmt: skip
    assert order(gateway(foreign), jwt()).origin.scopes == ()
    limited = replace(foreign, scopes=frozenset({"a"}))
    assert order(gateway(limited), jwt()).origin.scopes == ("a",)
    some = replace(IDP, scopes=frozenset({"a", "b"}))
    assert order(gateway(foreign), jwt(some)).origin.scopes == ("a", "b")


def test_a_jwt_reaches_no_further_than_its_issuer_may_speak() -> None:
    here = replace(IDP, resources=frozenset({API.identifier}))
    foreign = rule(subject_issuers=frozenset({IDP.issuer}), resources=frozenset({API.identifier, STOCK.identifier}))
    assert order(gateway(foreign), jwt(here), resource=(API.identifier,)).audience == API
    assert refusal(gateway(foreign), jwt(here), resource=(STOCK.identifier,)) is ErrorCode.INVALID_TARGET
    anywhere = replace(foreign, resources=frozenset())
    assert refusal(gateway(anywhere), jwt(here)) is ErrorCode.INVALID_TARGET


@pytest.mark.spec("standards", "TX-5")
def test_a_jwt_can_say_who_may_act() -> None:
    foreign = gateway(rule(subject_issuers=frozenset({IDP.issuer})))
    assert order(foreign, jwt(may_act={"client_id": "gateway"})).actor == GATEWAY
    assert refusal(foreign, jwt(may_act={"client_id": "another"})) is ErrorCode.INVALID_REQUEST


@pytest.mark.spec("standards", "TX-6")
def test_an_applications_own_token_is_made_narrower_by_itself_alone() -> None:
    made = machine_token(
        expires_at=NOW + timedelta(minutes=5), origin=replace(machine_token().origin, scopes=("a", "b"))
    )
    issued = any_order(own(), shown(made), scope="b")
    assert issued == MachineIssuance(
        origin=replace(made.origin, scopes=("b",)),
        access_expires_at=NOW + timedelta(minutes=5),
        client_id="client",
        issued_token_type=ACCESS_TOKEN,
    )
    by_permission = gateway()
    assert refusal(by_permission, shown(made)) is ErrorCode.INVALID_REQUEST
    assert refusal(own(), shown(made), shown(made)) is ErrorCode.INVALID_REQUEST
    assert refusal(own(), shown(made), resource=(API.identifier,)) is ErrorCode.INVALID_TARGET
    bound = replace(made, binding=Binding(jkt="k"))
    assert refusal(own(), shown(bound)) is ErrorCode.INVALID_REQUEST
