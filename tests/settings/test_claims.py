"""Claims of one's own: what is read, and what is refused before a server starts."""

from typing import Any

import pytest

from app.protocol.claim_values import Claim
from app.settings import SettingsError, load


def settings(claims: dict[str, Any], **tables: Any) -> Any:
    return load(overrides={"claims": claims, **tables}, environment={})


def test_a_claim_is_read_as_it_is_written_down() -> None:
    read = settings(
        {
            "department": {"path": "employment.department", "scopes": ["profile"], "title": "Your department"},
            "roles": {"source": "roles", "scopes": ["profile", "org:read"]},
            "https://example.com/groups": {"source": "organizations", "path": "slug"},
        }
    )
    assert read.configuration().claims == (
        Claim("department", ("profile",), "Your department", path=("employment", "department")),
        Claim("roles", ("profile", "org:read"), "", source="roles"),
        Claim("https://example.com/groups", (), "", source="organizations", path=("slug",)),
    )


def test_what_delivers_a_claim_is_understood_where_it_is_told() -> None:
    read = settings({"roles": {"source": "roles", "scopes": ["org:read"]}})
    [own] = [one for one in read.configuration().resources if one.identifier == f"{read.issuer_url}/oauth/userinfo"]
    assert own.understands("org:read")
    assert not own.understands("org:write")


@pytest.mark.parametrize(
    ("claims", "key", "words"),
    [
        ({"sub": {}}, "claims.sub", "the server itself makes"),
        ({"email": {}}, "claims.email", "is a standard claim"),
        ({"two words": {}}, "claims.two words", "is no name for a claim"),
        ({"a": {"scopes": ["nothing"]}}, "claims.a.scopes", "'nothing', which is not in the scope registry"),
        ({"a": {"source": "roles", "path": "x"}}, "claims.a.path", "is not for roles"),
        ({"a": {"source": "organizations", "path": "id"}}, "claims.a.path", "one of slug, name, role"),
        ({"a": {"path": "x..y"}}, "claims.a.path", "two dots in a row"),
        ({"a": {"path": ".x"}}, "claims.a.path", "at an end"),
        ({"a": {"source": "groups"}}, "claims.a.source", "user"),
    ],
    ids=["made here", "standard", "no name", "scope", "roles", "organizations", "dots", "a dot", "source"],
)
def test_a_claim_that_cannot_be_is_refused_by_name(claims: dict[str, Any], key: str, words: str) -> None:
    with pytest.raises(SettingsError) as problem:
        settings(claims)
    assert key in str(problem.value)
    assert words in str(problem.value)


def test_claims_need_somebody_to_sign_in() -> None:
    logouts = ("rp_initiated_logout", "backchannel_logout", "frontchannel_logout")
    off = ("openid", "claims_parameter", "front_channel_id_tokens", *logouts)
    with pytest.raises(SettingsError, match="needs the feature openid"):
        settings({"roles": {"source": "roles"}}, features=dict.fromkeys(off, False))
