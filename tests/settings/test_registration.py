"""Settings about clients that introduce themselves: what is read, and what is refused before a server starts."""

from datetime import timedelta
from typing import Any

import pytest

from app.protocol.configuration import RegistrationRules, StatementIssuer
from app.settings import SettingsError, load
from tests.support.jose import key_pair, public

VENDOR = "https://vendor.example"
KEY = public("ES256")


def settings(**tables: Any) -> Any:
    return load(overrides=tables, environment={})


def statements(**issuer: Any) -> dict[str, Any]:
    return {"statements": {VENDOR: issuer}}


def test_who_may_register_is_read_as_it_is_written_down() -> None:
    assert settings().configuration().registration == RegistrationRules()
    asked = {"mode": "open", "scopes": ["project:read"], "imitations": "mark", "unused_after": 3600}
    rules = settings(registration={**asked, "needs_statement": True, **statements(jwks=[KEY])}).configuration()
    assert rules.registration == RegistrationRules(
        by_token=False,
        scopes=("project:read",),
        imitations="mark",
        unused_after=timedelta(hours=1),
        needs_statement=True,
        issuers=(StatementIssuer(VENDOR, jwks=(KEY,)),),
    )


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"registration": {"needs_statement": True}}, "lets nobody register"),
        ({"registration": statements()}, "either jwks_uri or jwks"),
        ({"registration": statements(jwks=[KEY], jwks_uri=f"{VENDOR}/keys")}, "either jwks_uri or jwks"),
        ({"registration": statements(jwks_uri="http://vendor.example/keys")}, "jwks_uri"),
        ({"registration": statements(jwks=[key_pair("ES256")])}, "has a key that"),
        ({"registration": {"scopes": ["org:fly"]}}, "'org:fly', which is not in the scope registry"),
        ({"registration": {"mode": "open"}, "features": {"dynamic_registration": False}}, "needs the feature"),
        ({"client_documents": {"shortest": 600, "longest": 60}}, "must not be longer than longest"),
    ],
    ids=["no-issuer", "no-keys", "two-kinds", "http", "private-key", "scope", "feature", "documents"],
)
def test_what_cannot_be_is_refused_with_what_to_do(tables: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as problem:
        settings(**tables)
    assert said in str(problem.value)


def test_what_is_switched_off_needs_nothing() -> None:
    features = settings(features={"dynamic_registration": False, "client_documents": False}).configuration().features
    assert not {"dynamic_registration", "client_documents"} & {feature.key for feature in features}
