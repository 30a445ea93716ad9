"""Who acts for whom: chains, and whom an issuer lets act (standards TX-5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol import actors

OURS, THEIRS = "https://id.example", "https://idp.example"
GATEWAY, ORDERS = actors.application("gateway"), actors.application("orders")


@pytest.mark.spec("standards", "TX-5")
def test_the_last_one_to_act_stands_outermost() -> None:
    chain = actors.follow(ORDERS, actors.follow(GATEWAY, None))
    assert chain == {**ORDERS, "act": GATEWAY}
    assert actors.depth(chain) == 2
    assert actors.depth(None) == 0


def test_who_acts_already_does_not_follow_himself() -> None:
    chain = {**GATEWAY, "act": ORDERS}
    assert actors.follow(GATEWAY, chain) is chain
    assert actors.follow(ORDERS, chain) == {**ORDERS, "act": chain}


@given(st.lists(st.sampled_from(["a", "b", "c"]).map(actors.application), max_size=9))
def test_a_chain_never_grows_beyond_the_most(hands: list[actors.Actor]) -> None:
    chain: actors.Actor | None = None
    for hand in hands:
        longer = actors.follow(hand, chain)
        assert (longer is None) <= (actors.depth(chain) == actors.MOST)
        chain = longer or chain
        assert actors.depth(chain) <= actors.MOST


def test_a_chain_of_another_issuer_is_cut_to_names_which_are_that_issuers() -> None:
    told = {"sub": "assistant", "name": "Robot", "act": {"iss": "https://x.example", "sub": "1", "client_id": "c"}}
    assert actors.read(told, THEIRS) == {
        "iss": THEIRS,
        "sub": "assistant",
        "act": {"iss": "https://x.example", "sub": "1", "client_id": "c"},
    }
    assert actors.read(None, THEIRS) is None


def _nested(depth: int) -> dict[str, object]:
    return {"sub": str(depth), **({"act": _nested(depth - 1)} if depth > 1 else {})}


@pytest.mark.parametrize(
    "claim",
    [
        "assistant",
        [],
        {},
        {"name": "x"},
        {"sub": 7},
        {"sub": "a", "iss": 1},
        {"sub": "x" * 2001},
        {"sub": "a", "act": 1},
    ],
    ids=lambda claim: str(claim)[:30],
)
def test_what_names_nobody_is_no_chain(claim: object) -> None:
    with pytest.raises(ValueError, match="act"):
        actors.read(claim, THEIRS)


def test_a_chain_of_another_issuer_has_a_most_as_well() -> None:
    assert actors.depth(actors.read(_nested(actors.MOST), THEIRS)) == actors.MOST
    with pytest.raises(ValueError, match="at most"):
        actors.read(_nested(actors.MOST + 1), THEIRS)


@pytest.mark.spec("standards", "TX-5")
@pytest.mark.parametrize(
    ("claim", "actor", "allowed"),
    [
        (None, GATEWAY, True),
        ({"client_id": "gateway"}, GATEWAY, True),
        ({"client_id": "gateway"}, ORDERS, False),
        ({"client_id": "gateway", "iss": THEIRS}, GATEWAY, False),
        ({"sub": "gateway"}, GATEWAY, False),
        ({"sub": "gateway", "iss": OURS}, GATEWAY, True),
        ({"sub": "assistant"}, actors.stranger(THEIRS, "assistant"), True),
        ({"sub": "assistant"}, actors.stranger("https://x.example", "assistant"), False),
        ({"sub": "assistant", "client_id": "gateway"}, actors.stranger(THEIRS, "assistant"), False),
        ({"sub": "7f", "iss": OURS}, actors.person("7f", "web"), True),
        ({"iss": OURS}, GATEWAY, False),
        ({"sub": "gateway", "iss": OURS, "team": "night"}, GATEWAY, False),
        ({}, GATEWAY, False),
        (True, GATEWAY, False),
    ],
    ids=str,
)
def test_an_issuer_says_who_may_act(claim: object, actor: actors.Actor, allowed: bool) -> None:
    assert actors.may_act(claim, actor, ours=OURS, theirs=THEIRS) is allowed
