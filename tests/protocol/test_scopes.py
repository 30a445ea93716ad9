"""Scope lists on the wire, in the registry, in Pydantic fields and on the consent page."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from app.protocol import scopes
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.scopes import BUILTIN, DEFAULT, ApplicationScopeNames, ScopeDefinition, ScopeNames, ScopeRegistry

ALPHABET = [chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"\\']
NAMES = st.text(ALPHABET, min_size=1, max_size=12)
REGISTRY = ScopeRegistry(DEFAULT)
KNOWN = [definition.name for definition in DEFAULT]


class Asked(BaseModel):
    """A field as grant types and data files have it."""

    scope: ScopeNames = ()


def read(value: object) -> tuple[str, ...]:
    """Validate a scope list against the default registry."""
    return Asked.model_validate({"scope": value}, context={"scopes": REGISTRY}).scope


@pytest.mark.spec("RFC 6749", "3.3")
@given(st.lists(NAMES, max_size=20, unique=True))
def test_a_list_that_is_rendered_is_parsed_to_itself(names: list[str]) -> None:
    assert scopes.parse(scopes.render(names)) == tuple(names)


@pytest.mark.spec("standards", "SC-1")
@given(st.lists(NAMES, max_size=20), st.lists(st.integers(1, 3), max_size=20))
def test_parsing_keeps_the_order_and_drops_duplicates_whatever_the_spaces(names: list[str], gaps: list[int]) -> None:
    text = "".join(name + " " * gap for name, gap in zip(names, gaps + [1] * len(names), strict=False))
    assert scopes.parse(text) == tuple(dict.fromkeys(names))


@pytest.mark.spec("RFC 6749", "3.3")
@given(st.text(max_size=30))
def test_text_is_parsed_or_refused_and_never_anything_else(text: str) -> None:
    if set(text) <= {*ALPHABET, " "}:
        assert all(map(scopes.well_formed, scopes.parse(text)))
    else:
        with pytest.raises(OAuthError) as refused:
            scopes.parse(text)
        assert refused.value.code is ErrorCode.INVALID_SCOPE


@pytest.mark.spec("standards", "SC-1")
@pytest.mark.parametrize("text", ['a"b', "a\\b", "a\tb", "a\nb", "é", "\x7f", "a" * 201])
def test_characters_outside_the_grammar_and_longer_names_are_an_invalid_scope(text: str) -> None:
    with pytest.raises(OAuthError, match="invalid_scope"):
        scopes.parse(text)


def test_more_than_two_hundred_scopes_are_refused() -> None:
    assert len(scopes.parse(" ".join(map(str, range(200))))) == 200
    with pytest.raises(OAuthError, match="more than 200"):
        scopes.parse(" ".join(map(str, range(201))))


@pytest.mark.parametrize("name", ["claim:email", "detail:payment", "detail:payment#digest"])
def test_no_scope_is_called_like_another_pair_of_a_record(name: str) -> None:
    with pytest.raises(ValueError, match="would be taken for"):
        scopes.ScopeRegistry([scopes.ScopeDefinition(name)])


@pytest.mark.spec("standards", "SC-3")
def test_an_unknown_scope_is_refused_by_name() -> None:
    scopes.require_known(("org:read",), REGISTRY)
    with pytest.raises(OAuthError, match=r"invalid_scope: .*org:fly"):
        scopes.require_known(("org:read", "org:fly"), REGISTRY)


@given(st.lists(st.sampled_from(KNOWN), max_size=8))
def test_a_field_takes_a_list_and_its_wire_form_alike(names: list[str]) -> None:
    assert read(names) == read(scopes.render(names)) == tuple(dict.fromkeys(names))


def test_a_field_takes_null_as_no_scopes() -> None:
    assert read(None) == ()


@pytest.mark.parametrize(
    ("value", "why"),
    [("org:fly", "unknown scope: org:fly"), (["org:fly"], "org:fly"), ('"', "not allowed"), (3, "list"), ([3], "list")],
)
def test_a_field_refuses_what_is_not_in_the_registry_or_no_list(value: object, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        read(value)


def test_a_field_that_is_validated_without_a_registry_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="registry"):
        Asked.model_validate({"scope": "org:read"})


@given(st.lists(st.one_of(st.sampled_from(KNOWN), NAMES), max_size=12))
def test_melting_shows_or_swallows_each_scope_exactly_once(names: list[str]) -> None:
    lines = REGISTRY.melt(names)
    shown = [line.name for line, _ in lines] + [name for _, swallowed in lines for name in swallowed]
    assert sorted(shown) == sorted(set(names))


@given(st.permutations(KNOWN), st.integers(0, len(KNOWN)))
def test_melting_depends_on_the_registry_s_order_not_on_the_request_s(names: list[str], count: int) -> None:
    asked = names[:count]
    assert [line for line, _ in REGISTRY.melt(asked)] == [line for line, _ in REGISTRY.melt(sorted(asked))]


@given(st.lists(st.sampled_from(KNOWN), max_size=12))
def test_only_a_stronger_scope_of_the_same_set_swallows_in_the_default_registry(names: list[str]) -> None:
    order = {name: position for position, name in enumerate(KNOWN)}
    for line, swallowed in REGISTRY.melt(names):
        for name in swallowed:
            definition = REGISTRY.get(name)
            assert definition is not None
            assert definition.set == line.set
            assert order[line.name] < order[name]


def test_a_scope_without_a_definition_comes_last_on_a_line_of_its_own() -> None:
    assert [line.name for line, _ in REGISTRY.melt(["gone", "org:read"])] == ["org:read", "gone"]


def test_a_scope_swallows_what_it_covers_in_other_sets() -> None:
    registry = ScopeRegistry(
        [
            ScopeDefinition("all", set="x", covers=("b:write", "all")),
            ScopeDefinition("b:write", set="b"),
            ScopeDefinition("b:read", set="b"),
        ]
    )
    assert registry.melt(["b:read", "all", "b:write"]) == [(registry.get("all"), ("b:read", "b:write"))]


def test_a_scope_covers_against_the_order_of_the_registry_too() -> None:
    registry = ScopeRegistry([ScopeDefinition("a", set="x"), ScopeDefinition("b", covers=("a",))])
    assert registry.melt(["a", "b"]) == [(registry.get("b"), ("a",))]


def test_scopes_that_cover_each_other_do_not_both_disappear() -> None:
    registry = ScopeRegistry([ScopeDefinition("a", covers=("b",)), ScopeDefinition("b", covers=("a",))])
    assert registry.melt(["a", "b"]) == [(registry.get("a"), ("b",))]


@pytest.mark.parametrize(
    ("definitions", "why"),
    [
        ([ScopeDefinition("a b")], "characters"),
        ([ScopeDefinition("a"), ScopeDefinition("a")], "twice"),
        ([ScopeDefinition("a", covers=("b",))], "covers 'b'"),
    ],
)
def test_a_registry_refuses_broken_definitions(definitions: list[ScopeDefinition], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        ScopeRegistry(definitions)


def test_scopes_for_applications_alone_are_in_no_list_that_people_choose_from() -> None:
    registry = ScopeRegistry([ScopeDefinition("a")], for_applications=("own",))
    assert [one.name for one in registry] == ["a"]
    assert "own" not in registry
    assert registry.unknown(["a", "own"]) == ["own"]
    with pytest.raises(ValueError, match="is the server's own"):
        ScopeRegistry([ScopeDefinition("own")], for_applications=("own",))
    with pytest.raises(ValidationError):
        Asked.model_validate({"scope": "own"}, context={"scopes": registry})
    allowed = TypeAdapter(ApplicationScopeNames)
    assert allowed.validate_python("a own", context={"scopes": registry}) == ("a", "own")
    with pytest.raises(ValidationError):
        allowed.validate_python("a other", context={"scopes": registry})


def test_the_default_registry_has_the_sixteen_scopes_and_none_of_openid_connect() -> None:
    assert len(REGISTRY) == 16
    assert "project:releases" in REGISTRY
    assert REGISTRY.unknown(scope.name for scope in BUILTIN) == [scope.name for scope in BUILTIN]
