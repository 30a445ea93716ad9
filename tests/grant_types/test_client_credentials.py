"""What the client credentials grant decides (standards A2.6)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.protocol.context import TokenContext
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import MachineOrigin
from app.protocol.grant_types.client_credentials import Params, decide, needs
from app.protocol.needs import ClientNeed
from app.protocol.outcomes import MachineIssuance
from app.protocol.policy import ApplicationPolicy
from app.protocol.scopes import BUILTIN, ScopeDefinition, ScopeRegistry
from app.protocol.token_format import Credential, Prefix, parse_credential
from app.protocol.tokens.mint import mint_for_machine
from tests.support.facts import APPLICATION, KEYS, NOW, SIGNING, TOKEN, context

WITH_OPENID = ScopeRegistry([*BUILTIN, ScopeDefinition("a")])


def refusal_of(params: Params, asking: TokenContext) -> ErrorCode:
    with pytest.raises(OAuthError) as refused:
        decide(asking, params, None)
    return refused.value.code


def test_nothing_but_the_application_must_be_known() -> None:
    assert needs(Params(scope="a")) == ClientNeed()


def test_an_application_gets_what_it_asks_for_itself_as_long_as_an_access_token_lives() -> None:
    assert decide(context(epoch=3), Params(scope="b a b"), None) == MachineIssuance(
        origin=MachineOrigin(application_id=APPLICATION, application_epoch=3, scopes=("b", "a")),
        access_expires_at=NOW + timedelta(hours=1),
        client_id="client",
    )


def test_an_application_may_have_shorter_lives() -> None:
    policy = ApplicationPolicy(access_token=timedelta(minutes=5))
    assert decide(context(policy=policy), Params(), None).access_expires_at == NOW + timedelta(minutes=5)


@pytest.mark.spec("standards", "CC-4")
@pytest.mark.parametrize("scopes", [None, frozenset({"a"})], ids=["everything", "a"])
def test_nothing_asked_is_nothing_granted(scopes: frozenset[str] | None) -> None:
    assert decide(context(scopes=scopes), Params(), None).origin.scopes == ()


@pytest.mark.spec("standards", "GT-2")
@pytest.mark.parametrize(
    ("named", "code"),
    [
        (frozenset({"a", "own"}), None),
        (frozenset({"a"}), ErrorCode.INVALID_SCOPE),
        (None, ErrorCode.INVALID_SCOPE),
    ],
    ids=["named", "another one", "everything"],
)
def test_a_scope_for_applications_alone_is_granted_where_it_was_named(
    named: frozenset[str] | None, code: ErrorCode | None
) -> None:
    asking = replace(context(scopes=named), scopes=ScopeRegistry([ScopeDefinition("a")], for_applications=("own",)))
    if code is None:
        assert decide(asking, Params(scope="a own"), None).origin.scopes == ("a", "own")
    else:
        assert refusal_of(Params(scope="a own"), asking) is code
    switched_off = replace(asking, scopes=ScopeRegistry([ScopeDefinition("a")]))
    assert refusal_of(Params(scope="own"), switched_off) is ErrorCode.INVALID_SCOPE


@pytest.mark.spec("standards", "GA-1")
def test_a_scope_that_opens_nothing_but_its_own_comes_with_everything_and_otherwise_has_to_be_named() -> None:
    registry = ScopeRegistry([ScopeDefinition("a")], for_applications=("powerful",), own_affairs=("own",))
    for named in (None, frozenset({"a", "own"})):
        asking = replace(context(scopes=named), scopes=registry)
        assert decide(asking, Params(scope="a own"), None).origin.scopes == ("a", "own")
        assert refusal_of(Params(scope="powerful"), asking) is ErrorCode.INVALID_SCOPE
    narrow = replace(context(scopes=frozenset({"a"})), scopes=registry)
    assert refusal_of(Params(scope="own"), narrow) is ErrorCode.INVALID_SCOPE


@pytest.mark.spec("standards", "CC-1")
def test_a_public_application_gets_no_token_of_its_own() -> None:
    assert refusal_of(Params(), context(auth_method="none")) is ErrorCode.UNAUTHORIZED_CLIENT


def test_an_application_of_somebody_gets_a_token_of_its_own_once_an_operator_answers_for_it() -> None:
    assert refusal_of(Params(), context(owner_name="sam", verified=False)) is ErrorCode.UNAUTHORIZED_CLIENT
    assert decide(context(owner_name="sam", verified=True), Params(), None).origin.scopes == ()


@pytest.mark.parametrize("scope", ["a b", "b", "c a"])
def test_an_application_gets_nothing_when_it_asks_beyond_what_it_may_ask_for(scope: str) -> None:
    assert refusal_of(Params(scope=scope), context(scopes=frozenset({"a"}))) is ErrorCode.INVALID_SCOPE


def test_a_scope_that_has_left_the_registry_cannot_be_asked_for_even_if_it_is_registered() -> None:
    assert refusal_of(Params(scope="gone"), context(scopes=frozenset({"a", "gone"}))) is ErrorCode.INVALID_SCOPE


@pytest.mark.spec("standards", "CC-3")
@pytest.mark.parametrize("scope", [definition.name for definition in BUILTIN])
def test_without_a_person_there_is_nothing_of_openid(scope: str) -> None:
    served = context(scopes=frozenset({"a", scope}))
    served = TokenContext(served.now, served.client, served.policy, WITH_OPENID, KEYS)
    assert decide(served, Params(scope="a"), None).origin.scopes == ("a",)
    assert refusal_of(Params(scope=f"a {scope}"), served) is ErrorCode.INVALID_SCOPE


def test_a_resource_is_refused_instead_of_being_widened_to_every_api() -> None:
    assert refusal_of(Params(resource=("https://api.example",)), context()) is ErrorCode.INVALID_TARGET


@pytest.mark.spec("standards", "CC-2")
def test_what_is_minted_is_one_access_token_which_does_not_print_itself() -> None:
    minted = mint_for_machine(decide(context(), Params(), None), TOKEN, b"s" * 32, SIGNING)
    assert parse_credential(Prefix.ACCESS_TOKEN, minted.access_token) == Credential(TOKEN, b"s" * 32)
    assert minted.access_token not in repr(minted)
