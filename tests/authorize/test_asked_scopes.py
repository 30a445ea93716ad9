"""Which scopes of a request are judged, and which are passed over because its client could not know better (SC-3)."""

from typing import Any

import pytest

from app.protocol.authorize import asked_scopes
from app.protocol.authorize.asked_scopes import AskedScopes
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.resources import Resource
from app.protocol.scopes import BUILTIN, ScopeDefinition, ScopeRegistry
from tests.support.facts import client

REGISTRY = ScopeRegistry([*BUILTIN, *(ScopeDefinition(name) for name in ("files:read", "files:write", "org:admin"))])
FILES = Resource("https://files.example", scopes=frozenset({"files:read", "files:write"}))
ANY = Resource("https://any.example")


def read(text: str, *resources: Resource, renewable: bool = True, **who: Any) -> AskedScopes:
    """Read what a client asks."""
    return asked_scopes.read(text, REGISTRY, client(**who), renewable=renewable, resources=resources)


@pytest.mark.spec("standards", "SC-3")
@pytest.mark.spec("standards", "MB-3")
def test_beside_a_resource_what_is_unknown_or_means_nothing_there_is_passed_over() -> None:
    assert read("files:read tools:call org:admin", FILES) == AskedScopes(("files:read",), ("tools:call", "org:admin"))
    assert read("files:read tools:call org:admin", FILES, ANY).scopes == ("files:read", "org:admin")
    assert read("tools:call profile openid files:write", FILES) == AskedScopes(
        ("profile", "openid", "files:write"), ("tools:call",)
    )
    everything = " ".join(definition.name for definition in REGISTRY)
    assert {*read(everything, FILES).scopes} == {definition.name for definition in REGISTRY} - {"org:admin"}


@pytest.mark.spec("standards", "SC-3")
@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ("tools:call", "unknown to this server: tools:call"),
        ("org:admin", "no resource of this request"),
        ("x org:admin", "x"),
    ],
    ids=["unknown", "elsewhere", "both"],
)
@pytest.mark.parametrize("more", ["", " offline_access"], ids=["alone", "renewable"])
def test_a_request_with_nothing_left_is_refused(scope: str, words: str, more: str) -> None:
    with pytest.raises(OAuthError, match=words) as refused:
        read(scope + more, FILES, grant_types=frozenset({"authorization_code"}))
    assert refused.value.code is ErrorCode.INVALID_SCOPE


@pytest.mark.spec("standards", "SC-3")
def test_without_a_resource_an_unknown_scope_is_refused() -> None:
    for text in ("files:read tools:call", "tools:call"):
        with pytest.raises(OAuthError, match="unknown to this server"):
            read(text)
    assert read("openid tools:call").ignored == ("tools:call",)


@pytest.mark.spec("standards", "SC-3")
def test_only_an_application_that_registered_itself_may_ask_for_more_than_its_list() -> None:
    listed = frozenset({"files:read"})
    with pytest.raises(OAuthError, match="may not ask for files:write"):
        read("files:read files:write", FILES, scopes=listed)
    told = read("files:read files:write", FILES, scopes=listed, self_registered=True)
    assert told == AskedScopes(("files:read",), ("files:write",))
    assert read("files:read files:write", FILES, self_registered=True).ignored == ()
    for resources in ((), (FILES,)):
        with pytest.raises(OAuthError, match="may not ask for files:write"):
            read("files:write", *resources, scopes=listed, self_registered=True)


def test_nothing_asked_is_nothing_refused() -> None:
    assert read("", FILES) == AskedScopes(())
    assert read("offline_access", FILES, renewable=False) == AskedScopes((), ("offline_access",))
