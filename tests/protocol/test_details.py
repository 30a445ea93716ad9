"""The `authorization_details` parameter: read strictly, laid beside a record, narrowed for a token (RFC 9396)."""

import json
from dataclasses import replace
from typing import Any

import pytest

from app.protocol import details, liveness
from app.protocol.details import NO_DETAILS, DetailTypes
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import RecordFact
from app.protocol.features import FeatureSet
from app.protocol.granted_details import GrantedDetail, is_pair, type_of
from app.settings.details import AuthorizationDetailSettings
from tests.support.details import TYPES, accounts, asking, payment
from tests.support.facts import RECORD, origin, standing

KNOWN = DetailTypes(AuthorizationDetailSettings(**entry).detail_type(name) for name, entry in TYPES.items())
BANK, OTHER = "https://bank.example", "https://other.example"


def read(*objects: dict[str, Any]) -> tuple[GrantedDetail, ...]:
    return details.read(asking(*objects), KNOWN)


def record(*held: dict[str, Any], pairs: tuple[str, ...] | None = None) -> RecordFact:
    """Return a record that keeps these objects; `pairs` are those that it has in force."""
    kept = details.kept(read(*held))
    names = (*kept, "a") if pairs is None else pairs
    return RecordFact(RECORD, 1, names, (1,) * len(names), details=kept)


def rested(*objects: dict[str, Any], on: RecordFact | None) -> list[str]:
    return [detail.pair for detail in details.resting(read(*objects), on, KNOWN)]


def pair_of(content: dict[str, Any]) -> str:
    return read(content)[0].pair


@pytest.mark.spec("standards", "RA-1")
def test_each_object_is_read_once_with_a_pair_of_its_type() -> None:
    first, second = read(accounts("read"), payment(), {"actions": ["read"], "type": "accounts"})
    assert (first.content, first.type) == (accounts("read"), "accounts")
    assert first.pair.startswith("detail:accounts#")
    assert len(first.pair) == len("detail:accounts#") + 22
    assert second.pair == "detail:payment", "what is asked for each time has no pair of its own"
    assert [type_of(one.pair) for one in (first, second)] == ["accounts", "payment"]
    assert is_pair(first.pair)
    assert not is_pair("accounts")


def test_nothing_is_asked_with_an_empty_list() -> None:
    assert read() == ()


@pytest.mark.spec("standards", "RA-2")
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is not JSON"),
        ("[{]", "is not JSON"),
        ('{"type": "accounts"}', "must be a JSON list of objects"),
        ('"accounts"', "must be a JSON list of objects"),
        ('["accounts"]', "must be a JSON list of objects"),
        ("[{}]", "object 1 of authorization_details has no type"),
        ('[{"type": 7}]', "has no type"),
        ('[{"type": "accounts"}, {"type": null}]', "object 2 of authorization_details has no type"),
        ('[{"type": "cards"}]', "has the type cards; this server knows: payment, accounts"),
        ('[{"type": "accounts", "type": "payment"}]', "twice"),
        ('[{"type": "accounts", "amount": 1}]', "its type knows no amount"),
        ('[{"type": "accounts", "actions": "read"}]', "actions must be a list of strings"),
        ('[{"type": "payment"}]', "of the type payment: it is not as its schema demands with required"),
        (json.dumps([{"type": "accounts", "identifier": "x" * 4096}]), "it is longer than 4096 characters"),
        (json.dumps([{"type": "accounts", "identifier": "x" * 16_384}]), "is longer than 16384 characters"),
        (json.dumps([accounts(f"a{n}") for n in range(21)]), "has more than 20 objects"),
        ('[{"type": "accounts", "actions": ' + "[" * 9 + "]" * 9 + "}]", "is nested too deeply"),
        ('[{"type": "accounts", "actions": ' + "[" * 8000 + "]" * 8000 + "}]", "is not JSON"),
        ('[{"type": "accounts", "identifier": 1e400}]', "is not JSON"),
        ('[{"type": "accounts", "identifier": 9007199254740993}]', "has a number that not every parser reads"),
        (f'[{{"type": "accounts", "identifier": -1{"0" * 400}}}]', "has a number that not every parser reads"),
    ],
)
def test_what_is_no_list_of_objects_of_known_types_is_refused(text: str, problem: str) -> None:
    with pytest.raises(OAuthError, match=problem) as refused:
        details.read(text, KNOWN)
    assert refused.value.code is ErrorCode.INVALID_AUTHORIZATION_DETAILS


@pytest.mark.spec("standards", "RA-6")
@pytest.mark.parametrize("character", ["\x00", "\n", "\x7f", "\u200b", "\u202e", "\u2066", "\ud800", "\U000e0041"])
@pytest.mark.parametrize("member", [True, False], ids=["name", "value"])
def test_strings_have_no_characters_that_nobody_can_read(character: str, member: bool) -> None:
    content = accounts(**({f"x{character}": "y"} if member else {"identifier": f"x{character}"}))
    with pytest.raises(OAuthError, match="control character"):
        read(content)


def test_a_server_without_types_says_that_it_knows_none() -> None:
    with pytest.raises(OAuthError, match="this server knows: none"):
        details.read(asking(accounts()), DetailTypes())


@pytest.mark.spec("standards", "RA-7")
def test_an_application_that_has_registered_types_may_use_no_others() -> None:
    assert details.read(asking(accounts()), KNOWN, ("accounts",))
    with pytest.raises(OAuthError, match="may not use the type payment"):
        details.read(asking(payment()), KNOWN, ("accounts",))


def test_numbers_have_one_spelling_and_truth_is_none() -> None:
    types = DetailTypes([replace(KNOWN.known("accounts"), definition={"additionalProperties": True})])
    first, second, third = details.read(
        '[{"type": "accounts", "n": 1.0}, {"n": 1, "type": "accounts"}, {"type": "accounts", "n": 1.5}, '
        '{"type": "accounts", "n": true}]',
        types,
    )[:3]
    assert [one.content["n"] for one in (first, second, third)] == [1, 1.5, True]


@pytest.mark.spec("standards", "AR-2")
@pytest.mark.spec("standards", "AR-7")
def test_an_object_within_what_the_record_keeps_rests_on_that_and_every_other_one_on_its_own() -> None:
    wide = accounts("read", "list")
    assert rested(accounts("read"), wide, on=record(wide)) == [pair_of(wide)] * 2
    assert rested(accounts("pay"), on=record(wide)) == [pair_of(accounts("pay"))]
    assert rested(accounts("read"), on=None) == [pair_of(accounts("read"))]
    assert rested(payment(), on=record(wide)) == ["detail:payment"]


@pytest.mark.spec("standards", "AR-2")
def test_two_objects_are_never_made_into_one_that_nobody_has_approved() -> None:
    held = record(accounts("read", identifier="first"), accounts("close", identifier="second"))
    both = accounts("read", "close", identifier="first")
    assert rested(both, on=held) == [pair_of(both)]
    crossed = accounts("close", identifier="first")
    assert rested(crossed, on=held) == [pair_of(crossed)]


def test_what_was_taken_away_carries_nothing_and_a_record_of_before_has_no_objects() -> None:
    gone = record(accounts("read", "list"), pairs=())
    assert rested(accounts("read"), on=gone) == [pair_of(accounts("read"))]
    bare = RecordFact(RECORD, 1, (pair_of(accounts("read")),), (1,))
    assert rested(accounts("read"), on=bare) == [pair_of(accounts("read"))]


def test_a_record_keeps_a_hundred_objects_and_asks_for_more_each_time() -> None:
    many = [details.read(asking(accounts(f"a{n}")), KNOWN)[0] for n in range(99)]
    full = RecordFact(
        RECORD, 1, tuple(one.pair for one in many), (1,) * 99, details={one.pair: one.content for one in many}
    )
    asked = details.resting(read(accounts("new"), accounts("newer"), accounts("a7")), full, KNOWN)
    assert [one.pair for one in asked] == [pair_of(accounts("new")), "detail:accounts", pair_of(accounts("a7"))]
    assert details.asked_anew(asked)
    assert not details.asked_anew(asked[:1])
    assert details.pairs(asked) == (pair_of(accounts("new")), "detail:accounts", pair_of(accounts("a7")))
    assert list(details.kept(asked)) == [pair_of(accounts("new")), pair_of(accounts("a7"))]


def test_approval_gives_no_wider_object_back_that_somebody_takes_away_meanwhile() -> None:
    wide = accounts("read", "list")
    asked = details.resting(read(accounts("read"), accounts("pay")), record(wide), KNOWN)
    assert details.pairs(asked) == (pair_of(accounts("pay")),)
    assert details.kept(asked) == {pair_of(accounts("pay")): accounts("pay")}


@pytest.mark.spec("standards", "RA-3")
def test_a_token_request_takes_all_that_was_granted_or_what_is_within_it() -> None:
    held = (GrantedDetail("detail:payment", payment("20.00")), GrantedDetail("detail:accounts#w", accounts("a", "b")))
    assert details.narrowed(None, held, KNOWN) == held
    assert details.narrowed("[]", held, KNOWN) == ()
    smaller = details.narrowed(asking(payment("5.00"), accounts("b")), held, KNOWN)
    assert smaller == (
        GrantedDetail("detail:payment", payment("5.00")),
        GrantedDetail("detail:accounts#w", accounts("b")),
    )


@pytest.mark.spec("standards", "RA-3")
@pytest.mark.parametrize(
    "asked",
    [[payment("20.01")], [payment(to="Sam")], [accounts("a", "c")], [payment("1.00"), accounts("c")]],
    ids=["more", "another", "wider", "one of two"],
)
def test_a_token_request_never_grows(asked: list[dict[str, Any]]) -> None:
    held = (GrantedDetail("detail:payment", payment("20.00")), GrantedDetail("detail:accounts#w", accounts("a", "b")))
    with pytest.raises(OAuthError, match="asks for more than was granted") as refused:
        details.narrowed(asking(*asked), held, KNOWN)
    assert refused.value.code is ErrorCode.INVALID_AUTHORIZATION_DETAILS


@pytest.mark.spec("standards", "RA-3")
def test_out_of_one_payment_there_come_no_two() -> None:
    held = read(payment("20.00"), payment("10.00"), payment("5.00", to="Sam"))
    both = details.narrowed(asking(payment("9.00"), payment("19.00")), held, KNOWN)
    assert details.contents(both) == [payment("9.00"), payment("19.00")], "whichever order they are asked in"
    with pytest.raises(OAuthError, match="object 2 of authorization_details asks for more"):
        details.narrowed(asking(payment("19.00"), payment("18.00")), held, KNOWN)
    with pytest.raises(OAuthError, match="object 3 of authorization_details asks for more"):
        details.narrowed(asking(payment("1.00"), payment("2.00"), payment("3.00")), held, KNOWN)


def test_a_server_without_details_keeps_its_types_and_does_not_read_the_parameter() -> None:
    off = details.offered(KNOWN, FeatureSet.chosen({"authorization_details": False}))
    assert (off.offered, off.get("payment")) == (False, KNOWN.get("payment"))
    assert details.offered(KNOWN, FeatureSet.chosen({})).offered
    held = (GrantedDetail("detail:payment", payment()),)
    assert details.narrowed("no JSON", held, NO_DETAILS) == held


@pytest.mark.spec("standards", "RA-4")
@pytest.mark.parametrize(
    ("locations", "audience", "reaches"),
    [
        (None, (BANK,), True),
        ([], (BANK,), True),
        ([BANK], (), True),
        ([BANK], (BANK,), True),
        ([f"{BANK}/accounts/7"], (BANK,), True),
        ([f"{BANK}/accounts"], (f"{BANK}/",), True),
        ([f"{BANK}.evil.example"], (BANK,), False),
        ([OTHER], (BANK,), False),
        ([OTHER, BANK], (BANK,), True),
    ],
)
def test_an_object_reaches_the_resources_of_its_locations(
    locations: list[str] | None, audience: tuple[str, ...], reaches: bool
) -> None:
    content = accounts("read", **({} if locations is None else {"locations": locations}))
    assert details.reaches(content, audience) is reaches
    assert bool(details.reaching(read(content), audience)) is reaches


@pytest.mark.spec("standards", "RA-5")
def test_an_object_for_none_of_the_resources_of_its_request_is_refused() -> None:
    details.check_places(read(accounts("read", locations=[BANK])), (OTHER, BANK))
    with pytest.raises(OAuthError, match="object 2 of authorization_details is for none of the resources"):
        details.check_places(read(accounts("read"), accounts("read", locations=[BANK])), (OTHER,))


def test_what_a_client_reads_and_what_is_told_are_the_objects_alone() -> None:
    asked = read(accounts("read"), payment())
    assert details.contents(asked) == [accounts("read"), payment()]
    assert details.told(asked) == {"details": [accounts("read"), payment()]}
    assert details.told(()) == {}
    [(name, text)] = details.parameters(asked)
    assert (name, details.read(text, KNOWN)) == ("authorization_details", asked)
    assert details.parameters(()) == ()


def test_a_type_that_has_left_the_settings_keeps_what_was_granted_and_is_called_by_its_name() -> None:
    assert KNOWN.get("cards") is None
    card = {"type": "cards", "identifier": "1"}
    assert KNOWN.words(card) == "Use cards (Which one: 1)"
    assert KNOWN.words({"type": "cards"}) == "Use cards"
    assert KNOWN.is_within(card, card)
    assert not KNOWN.is_within(card, accounts())


def granted(*objects: dict[str, Any]) -> tuple[GrantedDetail, ...]:
    return read(*objects)


@pytest.mark.spec("standards", "AR-6")
def test_a_detail_is_in_force_as_long_as_its_pair_has_been_there_since_the_token_was_allowed() -> None:
    mine = granted(accounts("read"), accounts("pay"))
    ours = origin(scopes=(), details=mine, record_version=3)
    names = tuple(one.pair for one in mine)
    assert liveness.details_in_force(ours, standing(pairs=names, since=(1, 3))) == mine
    assert liveness.details_in_force(ours, standing(pairs=names, since=(4, 3))) == mine[1:], "given again later"
    assert liveness.living_scopes(ours, standing(pairs=names[:1], since=(1,))) == ()
    assert liveness.living_scopes(ours, standing(pairs=(), since=())) is None, "it has lost everything"
    assert liveness.details_in_force(replace(ours, record_id=None), standing(pairs=(), since=())) == mine


def test_a_token_lives_on_what_is_left_scopes_or_details() -> None:
    mine = granted(accounts("read"))
    both = origin(scopes=("a",), details=mine, record_version=1)
    assert liveness.living_scopes(both, standing(pairs=("a",), since=(1,))) == ("a",)
    assert liveness.living_scopes(both, standing(pairs=(mine[0].pair,), since=(1,))) == ()
    assert liveness.living_scopes(both, standing(pairs=(), since=())) is None


@pytest.mark.spec("standards", "RA-4")
def test_a_token_for_some_of_its_resources_carries_the_details_for_these() -> None:
    mine = granted(accounts("read", locations=[BANK]), accounts("pay"))
    whole = origin(scopes=(), resources=(BANK, OTHER), details=mine, record_version=1)
    now = standing(pairs=tuple(one.pair for one in mine), since=(1, 1))
    assert liveness.at(whole, now, (OTHER,)).details == mine[1:]
    assert liveness.at(whole, now, (BANK,)).details == mine
