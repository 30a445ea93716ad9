"""Trusted issuers and permissions to exchange: what is read, and what is refused before a server starts."""

from datetime import timedelta
from typing import Any

import pytest

from app.protocol.exchange_policy import ExchangeRule
from app.protocol.trusted_issuers import TrustedIssuer
from app.settings import SettingsError, load
from tests.support.jose import key_pair, public

IDP, API = "https://idp.example", "https://api.example"
KEY = public("ES256")


def settings(**tables: Any) -> Any:
    return load(overrides=tables, environment={})


def issuer(name: str = IDP, **changes: Any) -> dict[str, Any]:
    entry = {"clients": ["agent"], "jwks": [KEY], **changes}
    return {"trusted_issuers": {name: {key: value for key, value in entry.items() if value is not None}}}


def rule(**changes: Any) -> dict[str, Any]:
    entry = {"clients": ["gateway"], "subject_clients": ["web"], **changes}
    return {"token_exchange": {"one": {key: value for key, value in entry.items() if value is not None}}}


def refused(tables: dict[str, Any]) -> str:
    with pytest.raises(SettingsError) as problem:
        settings(**tables)
    return str(problem.value)


@pytest.mark.spec("standards", "JB-6")
def test_an_issuer_is_trusted_as_it_is_written_down() -> None:
    [plain] = settings(**issuer()).configuration().trusted_issuers
    assert plain == TrustedIssuer(IDP, frozenset({"agent"}), jwks=(KEY,))
    everything = issuer(
        "https://tenant.example/",
        jwks=None,
        jwks_uri="https://keys.example/jwks",
        algorithms=["RS256"],
        subject="email",
        claim="email",
        scopes=["project:read"],
        resources=[API],
        max_lifetime=60,
        access_token=120,
        single_use=False,
        client_authentication=False,
    )
    assert settings(**everything).configuration().trusted_issuers == (
        TrustedIssuer(
            "https://tenant.example/",
            frozenset({"agent"}),
            jwks_uri="https://keys.example/jwks",
            algorithms=("RS256",),
            means="email",
            claim="email",
            scopes=frozenset({"project:read"}),
            resources=frozenset({API}),
            longest=timedelta(seconds=60),
            access_token=timedelta(seconds=120),
            single_use=False,
            authenticated=False,
        ),
    )


@pytest.mark.spec("standards", "JB-6")
@pytest.mark.parametrize(
    ("tables", "said"),
    [
        (issuer(jwks=None), "either jwks_uri or jwks"),
        (issuer(jwks_uri="https://keys.example/jwks"), "either jwks_uri or jwks"),
        (issuer(jwks=[dict(key_pair("ES256"))]), "members of a private key"),
        (issuer(jwks=[{"kty": "oct", "k": "c2VjcmV0"}]), "a symmetric key"),
        (issuer(jwks=["key"]), "no JSON object"),
        (issuer(jwks=None, jwks_uri="http://keys.example/jwks"), "https"),
        (issuer(jwks=None, jwks_uri="https://127.0.0.1/jwks"), "public host"),
        (issuer(clients=[]), "must name the applications"),
        (issuer(clients=None), "clients"),
        (issuer(algorithms=["none"]), "has 'none'"),
        (issuer(algorithms=["HS256"]), "has 'HS256'"),
        (issuer(algorithms=[]), "is empty"),
        (issuer(scopes=["unheard-of"]), "unheard-of"),
        (issuer(resources=["api"]), "absolute URI"),
        (issuer(max_lifetime=7201), "max_lifetime"),
        (issuer(subject="phone"), "subject"),
        (issuer(odd=1), "odd"),
        (issuer("idp.example"), "https URL"),
        (issuer("http://idp.example"), "https URL"),
        (issuer("https://idp.example#x"), "https URL"),
        (issuer("http://localhost:8000"), "is this server"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_could_not_be_meant_is_refused(tables: dict[str, Any], said: str) -> None:
    problem = refused(tables)
    assert said in problem
    assert key_pair("ES256")["d"] not in problem


def test_an_issuer_on_this_computer_may_do_without_tls() -> None:
    [found] = settings(**issuer("http://localhost:9999")).configuration().trusted_issuers
    assert found.issuer == "http://localhost:9999"
    exempt = {"outbound": {"allow": ["localhost:9999"]}}
    address = issuer("http://localhost:9999", jwks=None, jwks_uri="http://localhost:9999/jwks")
    assert settings(**address, **exempt).configuration().trusted_issuers[0].jwks_uri == "http://localhost:9999/jwks"


@pytest.mark.spec("standards", "TX-6")
def test_a_permission_to_exchange_is_read_as_it_is_written_down() -> None:
    [plain] = settings(**rule()).configuration().exchange_rules
    assert plain == ExchangeRule("one", frozenset({"gateway"}), frozenset({"web"}))
    everything = rule(
        subject_issuers=[IDP],
        subject_resources=["https://web.example"],
        resources=[API],
        scopes=["project:read"],
        maps={"project:read": ["event:read"]},
        mode="impersonation",
        rebind=True,
    )
    assert settings(**everything, **issuer()).configuration().exchange_rules == (
        ExchangeRule(
            "one",
            frozenset({"gateway"}),
            frozenset({"web"}),
            subject_issuers=frozenset({IDP}),
            subject_resources=frozenset({"https://web.example"}),
            resources=frozenset({API}),
            scopes=frozenset({"project:read"}),
            maps={"project:read": ("event:read",)},
            mode="impersonation",
            rebind=True,
        ),
    )
    assert settings().configuration().exchange_rules == ()


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        (rule(clients=[]), "must name the applications"),
        (rule(subject_clients=None), "whose tokens"),
        (rule(subject_issuers=["https://unknown.example"]), "not in trusted_issuers"),
        (rule(resources=["api"]), "absolute URI"),
        (rule(subject_resources=["https://api.example#x"]), "fragment"),
        (rule(scopes=["unheard-of"]), "unheard-of"),
        (rule(maps={"project:read": ["unheard-of"]}), "unheard-of"),
        (rule(mode="hypnosis"), "mode"),
        (rule(odd=1), "odd"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_permission_that_could_not_be_meant_is_refused(tables: dict[str, Any], said: str) -> None:
    assert said in refused(tables)


def test_a_broken_scope_registry_is_told_once() -> None:
    broken = {"scopes": {"a b": {"description": "x"}}}
    assert "trusted_issuers" not in refused({**issuer(scopes=["unheard-of"]), **broken})


def test_both_can_stand_in_the_environment() -> None:
    environment = {
        "ASSENT_TRUSTED_ISSUERS": '{"https://idp.example": {"clients": ["agent"], "jwks_uri": "https://keys.example/j"}}',
        "ASSENT_TOKEN_EXCHANGE": '{"one": {"clients": "gateway", "subject_clients": "web spa"}}',
    }
    configured = load(environment=environment).configuration()
    assert configured.trusted_issuers[0].clients == {"agent"}
    assert configured.exchange_rules[0].subject_clients == {"web", "spa"}
