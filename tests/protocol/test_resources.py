"""Resources: which one is meant, what may be chosen, which pairs come of it, what a token for them is."""

from datetime import timedelta
from typing import Any

import pytest

from app.protocol import resources
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.features import Feature, FeatureSet
from app.protocol.policy import ApplicationPolicy, EffectivePolicy, ServerPolicy, effective
from app.protocol.resources import Resource, ResourceRegistry, Shape
from app.protocol.scopes import ScopeDefinition, ScopeRegistry

BARE = Resource("https://api.example")
SLASH = Resource("https://mcp.example/")
PATH = Resource("https://api.example/v1", scopes=frozenset({"a"}))
JWT = Resource("https://jwt.example", token_format="jwt", access_token=timedelta(minutes=5))
SHORT = Resource("urn:example:files", scopes=frozenset({"b"}), access_token=timedelta(minutes=1))
REGISTRY = ResourceRegistry((BARE, SLASH, PATH, JWT, SHORT))


def policy(**own: Any) -> EffectivePolicy:
    return effective(ServerPolicy(issuer="https://id.example"), ApplicationPolicy(**own), confidential=True)


def refusal(call: object, *arguments: object) -> OAuthError:
    with pytest.raises(OAuthError) as refused:
        call(*arguments)  # type: ignore[operator]
    return refused.value


def test_a_registry_knows_its_resources_by_name() -> None:
    assert (len(REGISTRY), next(iter(REGISTRY)), REGISTRY.get("https://api.example")) == (5, BARE, BARE)
    assert REGISTRY.get("https://API.example") is None


def test_without_its_feature_there_are_no_resources_or_none_that_read_jwts() -> None:
    everything = FeatureSet(Feature)
    assert [*resources.offered(REGISTRY, everything)] == [*REGISTRY]
    without_jwts = resources.offered(REGISTRY, FeatureSet(everything - {Feature.JWT_ACCESS_TOKENS}))
    assert [*without_jwts] == [BARE, SLASH, PATH, SHORT]
    assert len(resources.offered(REGISTRY, FeatureSet(everything - {Feature.RESOURCE_INDICATORS}))) == 0


@pytest.mark.spec("standards", "RI-4")
@pytest.mark.spec("standards", "RI-5")
@pytest.mark.spec("standards", "MB-10")
@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("https://api.example", BARE),
        ("https://api.example/", BARE),
        ("HTTPS://Api.Example", BARE),
        ("https://mcp.example", SLASH),
        ("https://MCP.example/", SLASH),
        ("https://API.example/v1", PATH),
        ("https://api.example/v1/", None),
        ("https://api.example/V1", None),
        ("https://api.example:443", None),
        ("https://api.example?x", None),
        ("urn:example:files", SHORT),
        ("URN:example:files", None),
        ("https://[broken", None),
        ("https:xxapi.example", None),
        ("https://api.example/\t", None),
        ("https://\u212aeys.example", None),
    ],
)
def test_simple_comparison_first_then_origins_in_any_spelling(sent: str, meant: Resource | None) -> None:
    keys = Resource("https://keys.example")
    assert ResourceRegistry([*REGISTRY, keys]).find(sent) is meant


@pytest.mark.spec("standards", "RI-1")
@pytest.mark.parametrize(
    "sent",
    [
        "https://other.example",
        "/v1",
        "api.example",
        "https:",
        "https://api.example#part",
        "https://[broken",
        "x:" + "y" * 2001,
    ],
    ids=["unknown", "path", "host", "scheme alone", "fragment", "broken", "long"],
)
def test_what_is_no_resource_of_this_server_is_an_invalid_target(sent: str) -> None:
    assert refusal(resources.chosen, (BARE.identifier, sent), REGISTRY).code is ErrorCode.INVALID_TARGET


def test_a_resource_named_twice_counts_once_and_there_is_a_limit() -> None:
    assert resources.chosen(("https://api.example", "https://api.example/"), REGISTRY) == (BARE,)
    many = ResourceRegistry(Resource(f"https://api{n}.example") for n in range(21))
    assert refusal(resources.chosen, [one.identifier for one in many], many).code is ErrorCode.INVALID_TARGET


@pytest.mark.spec("standards", "RI-2")
def test_a_token_request_chooses_among_the_resources_of_its_grant() -> None:
    held = (BARE, PATH)
    assert resources.narrowed((), held, REGISTRY) == held
    assert resources.narrowed(("https://api.example/",), held, REGISTRY) == (BARE,)
    assert refusal(resources.narrowed, (JWT.identifier,), held, REGISTRY).code is ErrorCode.INVALID_TARGET
    assert refusal(resources.narrowed, (JWT.identifier,), (), REGISTRY).code is ErrorCode.INVALID_TARGET


def test_a_resource_that_has_left_the_server_buys_nothing_more() -> None:
    assert resources.granted((BARE.identifier, PATH.identifier), REGISTRY) == (BARE, PATH)
    assert refusal(resources.granted, ("https://gone.example",), REGISTRY).code is ErrorCode.INVALID_TARGET


@pytest.mark.spec("standards", "RI-3")
@pytest.mark.spec("standards", "AR-2")
def test_scopes_and_resources_make_a_pair_wherever_the_scope_is_understood() -> None:
    assert resources.pairs(("a", "b"), ()) == ("a", "b")
    assert resources.pairs(("a", "b"), (PATH, BARE)) == (
        "a https://api.example/v1",
        "a https://api.example",
        "b https://api.example",
    )
    assert refusal(resources.pairs, ("a", "b"), (PATH,)).code is ErrorCode.INVALID_SCOPE
    assert resources.pairs(("openid", "a"), (PATH,)) == ("openid", "a https://api.example/v1")


@pytest.mark.spec("standards", "AT-3")
@pytest.mark.spec("standards", "AT-9")
def test_a_token_that_an_api_reads_by_itself_has_one_audience() -> None:
    assert resources.require_one_format(()) is None
    assert resources.require_one_format((BARE, PATH)) is None
    assert resources.require_one_format((JWT,)) is JWT
    assert refusal(resources.require_one_format, (JWT, BARE)).code is ErrorCode.INVALID_TARGET


@pytest.mark.spec("standards", "AT-7")
def test_the_strictest_decides_how_long_a_token_lives() -> None:
    assert resources.shape((), policy()) == Shape(None, timedelta(hours=1))
    assert resources.shape((BARE, SHORT), policy()) == Shape(None, timedelta(minutes=1))
    assert resources.shape((JWT,), policy()) == Shape(JWT, timedelta(minutes=5))
    assert resources.shape((JWT,), policy(access_token=timedelta(minutes=2))).lifetime == timedelta(minutes=2)
    plain = Resource("https://jwt2.example", token_format="jwt")
    assert resources.shape((plain,), policy()).lifetime == timedelta(minutes=15)


def test_whoever_checks_by_himself_honours_what_is_gone_for_as_long_as_his_longest_token_lives() -> None:
    assert resources.longest_lag((BARE, PATH), policy()) == timedelta()
    plain = Resource("https://jwt2.example", token_format="jwt")
    assert resources.longest_lag((BARE, JWT, plain), policy()) == timedelta(minutes=15)


@pytest.mark.parametrize(
    ("identifier", "problem"),
    [
        ("https://api.example/v1", None),
        ("urn:example:files", None),
        ("https://api.example/a?b=c&d=[e]%20~", None),
        ("https://api.example/\u00fc", "characters that a URI can have"),
        ("https://api.example/a b", "characters that a URI can have"),
        ('https://api.example/"', "characters that a URI can have"),
        ("https://api.example/<b>", "characters that a URI can have"),
        ("https://api.example/\\", "characters that a URI can have"),
        ("https://API.example", "lower case"),
        ("HTTPS://api.example", "lower case"),
    ],
    ids=["address", "name", "marks", "letter", "space", "quote", "tag", "backslash", "host", "scheme"],
)
def test_what_can_name_a_resource(identifier: str, problem: str | None) -> None:
    said = resources.problem_with(identifier)
    assert said is None if problem is None else problem in (said or "")


def test_what_is_wrong_with_a_resource_is_told_by_member() -> None:
    registry, everything = ScopeRegistry([ScopeDefinition("a")]), FeatureSet(Feature)

    def wrong(resource: Resource, features: FeatureSet = everything) -> list[str]:
        return [member for member, _ in resources.problems_with(resource, registry, ("ES256",), features)]

    fine = Resource("https://x.example", scopes=frozenset({"a"}), token_format="jwt", signing_alg="ES256")
    assert wrong(fine) == []
    assert wrong(fine, FeatureSet(everything - {Feature.JWT_ACCESS_TOKENS})) == ["token_format"]
    bad = Resource("files", scopes=frozenset({"b", "c", "a"}), signing_alg="HS256")
    assert wrong(bad) == ["identifier", "scopes", "scopes", "signing_alg"]
