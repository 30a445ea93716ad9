"""Who may exchange whose tokens for what (standards TX-4, TX-6)."""

from typing import Any

import pytest

from app.protocol import exchange_policy
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.exchange_policy import ExchangeRule, Source
from app.protocol.resources import Resource, ResourceRegistry

R1 = Resource("https://r1.example", introspection_clients=frozenset({"gateway"}))
R2 = Resource("https://r2.example", introspection_clients=frozenset({"stock"}))
R3 = Resource("https://r3.example", introspection_clients=frozenset({"stock"}))
REGISTRY = ResourceRegistry([R1, R2, R3])
WEB, IDP = Source(client_id="web"), Source(issuer="https://idp.example")


def rule(**changes: Any) -> ExchangeRule:
    given: dict[str, Any] = {"clients": frozenset({"gateway"}), "subject_clients": frozenset({"web"}), **changes}
    return ExchangeRule("one", **given)


def choose(
    *rules: ExchangeRule, client_id: str = "gateway", source: Source = WEB, targets: tuple[Resource, ...] = ()
) -> ExchangeRule | None:
    return exchange_policy.choose(rules, client_id, source, targets, REGISTRY)


def refusal(*rules: ExchangeRule, **asked: Any) -> ErrorCode:
    with pytest.raises(OAuthError) as refused:
        choose(*rules, **asked)
    return refused.value.code


@pytest.mark.spec("standards", "TX-6")
def test_without_a_word_an_application_exchanges_its_own_tokens_alone() -> None:
    assert choose(source=Source(client_id="gateway")) is None
    assert refusal() is ErrorCode.INVALID_REQUEST
    assert refusal(rule(), client_id="orders") is ErrorCode.INVALID_REQUEST
    assert refusal(rule(), source=Source(client_id="spa")) is ErrorCode.INVALID_REQUEST
    assert refusal(rule(), source=IDP) is ErrorCode.INVALID_REQUEST


def test_an_entry_is_about_applications_and_issuers() -> None:
    one, other = rule(), rule(subject_clients=frozenset(), subject_issuers=frozenset({IDP.issuer}))
    assert choose(one, other) is one
    assert choose(one, other, source=IDP) is other


@pytest.mark.spec("standards", "TX-4")
def test_the_first_entry_that_reaches_the_targets_counts() -> None:
    near, far = rule(resources=frozenset({R1.identifier})), rule(resources=frozenset({R2.identifier, R3.identifier}))
    assert choose(near, far, targets=(R1,)) is near
    assert choose(near, far, targets=(R3, R2)) is far
    for targets in ((), (R1, R2)):
        assert refusal(near, far, targets=targets) is ErrorCode.INVALID_TARGET
    own = rule(subject_clients=frozenset({"gateway"}), resources=frozenset({R2.identifier}))
    assert choose(own, source=Source(client_id="gateway")) is None
    assert choose(own, source=Source(client_id="gateway"), targets=(R2,)) is own


@pytest.mark.spec("standards", "TX-6")
def test_a_token_for_anothers_api_is_not_exchanged_unless_an_entry_says_so() -> None:
    here, there = (Source(client_id="web", resources=(one.identifier,)) for one in (R1, R2))
    assert choose(rule(), source=here) is not None
    assert refusal(rule(), source=there) is ErrorCode.INVALID_REQUEST
    assert choose(rule(subject_resources=frozenset({R2.identifier})), source=there) is not None
    assert refusal(rule(subject_resources=frozenset({R2.identifier})), source=here) is ErrorCode.INVALID_REQUEST
    own = Source(client_id="gateway", resources=(R2.identifier,))
    mine = rule(subject_clients=frozenset({"gateway"}))
    assert choose(mine, source=own) is mine


def test_scopes_are_carried_over_or_turn_into_others() -> None:
    assert rule().turned(("a", "b")) == {"a": "a", "b": "b"}
    some = rule(scopes=frozenset({"a"}), maps={"b": ("c", "a"), "x": ("y",)})
    assert some.turned(("a", "b")) == {"a": "a", "c": "b"}
    assert some.turned(("b",)) == {"c": "b", "a": "b"}
    assert rule(scopes=frozenset()).turned(("a",)) == {}


def test_an_audience_is_a_resource_or_the_application_behind_one() -> None:
    def targets(*audiences: str) -> tuple[Resource, ...]:
        return exchange_policy.targets((R2.identifier,), audiences, REGISTRY)

    assert targets() == (R2,)
    assert targets("gateway") == (R2, R1)
    assert targets(R2.identifier, R3.identifier) == (R2, R3)
    for unknown in ("nobody", "stock"):
        with pytest.raises(OAuthError) as refused:
            targets(unknown)
        assert refused.value.code is ErrorCode.INVALID_TARGET
