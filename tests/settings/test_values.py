"""Single settings: what they may be, and that nothing wrong together is accepted."""

from datetime import timedelta
from pathlib import Path

import pytest
import trustme

from app.protocol.configuration import OutboundRules
from app.protocol.features import Feature
from app.protocol.tokens.keyring import SigningPlan
from app.settings import Settings, SettingsError, load

SECRET = "correct-horse-battery-staple-0123456789"


def settings(**environment: str) -> Settings:
    """Load from these variables alone; their names are written without the prefix."""
    return load(environment={f"ASSENT_{name}": value for name, value in environment.items()})


def told(**environment: str) -> str:
    """Return what is said about settings that cannot be used."""
    with pytest.raises(SettingsError) as refused:
        settings(**environment)
    return str(refused.value)


@pytest.mark.spec("standards", "G1")
@pytest.mark.spec("standards", "G7")
@pytest.mark.parametrize(
    "issuer",
    [
        "https://auth.example.com",
        "https://auth.example.com:8443",
        "https://auth.example.com/tenant",
        "http://localhost:8000",
        "http://127.0.0.1",
        "http://[::1]:8000",
    ],
)
def test_an_issuer_is_https_or_on_a_loopback_host_and_kept_as_written(issuer: str) -> None:
    assert settings(ISSUER=issuer).policy().issuer == issuer


@pytest.mark.spec("standards", "G1")
@pytest.mark.spec("standards", "G7")
@pytest.mark.spec("standards", "A1-2")
@pytest.mark.parametrize(
    ("issuer", "why"),
    [
        ("http://auth.example.com", "must use https"),
        ("http://127.0.0.1.example.com", "must use https"),
        ("https://auth.example.com/", "must not end with a slash"),
        ("https://auth.example.com?a=b", "must not have a query"),
        ("https://auth.example.com?", "must not have a query"),
        ("https://auth.example.com#x", "must not have a query or a fragment"),
        ("https://user@auth.example.com", "must not have a user name"),
        ("https://Auth.example.com", "write auth.example.com"),
        ("HTTPS://auth.example.com", "must start with https:// in lower case"),
        ("https://auth.example.com:443", "default port"),
        ("http://localhost:80", "default port"),
        ("https://", "must name a host"),
        ("https://auth.example.com/a//b", "empty, . or .. segments"),
        ("https://auth.example.com/../b", "empty, . or .. segments"),
        ("ftp://auth.example.com", "must start with https"),
        ("auth.example.com", "must start with https"),
        ("https://auth.exa mple.com", "without spaces"),
        ("https://äuth.example.com", "without spaces"),
    ],
)
def test_an_issuer_that_two_parties_could_spell_differently_is_refused_with_the_remedy(issuer: str, why: str) -> None:
    said = told(ISSUER=issuer)
    assert said.startswith("issuer (ASSENT_ISSUER) must")
    assert why in said


@pytest.mark.parametrize("url", ["postgresql://u:p@h/d", "postgres://u:p@h/d"])
def test_a_database_url_is_libpq_s(url: str) -> None:
    found = settings(DATABASE_URL=url, SECRET_KEY=SECRET).database_url
    assert found is not None
    assert found.get_secret_value() == "postgresql://u:p@h/d"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("mysql://root:hunter2@h/d", "PostgreSQL is the only database"),
        ("postgresql+asyncpg://root:hunter2@h/d", "leave out the driver"),
        ("hunter2", "must start with postgresql://"),
    ],
)
def test_a_database_url_of_another_kind_is_refused_without_repeating_it(url: str, why: str) -> None:
    said = told(DATABASE_URL=url, SECRET_KEY=SECRET)
    assert why in said
    assert "hunter2" not in said


@pytest.mark.parametrize("secret", ["short", "a" * 64, "x" * 31])
def test_a_root_secret_that_can_be_guessed_is_refused_without_repeating_it(secret: str) -> None:
    said = told(SECRET_KEY=secret)
    assert said.startswith("secret_key (ASSENT_SECRET_KEY) ")
    assert "openssl rand" in said
    assert secret not in said


@pytest.mark.spec("standards", "SC-4")
@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"DATABASE_URL": "postgresql://h/d"}, "secret_key is required with database_url"),
        ({"DATABASE_OWNER_URL": "postgresql://h/d"}, "makes no sense without database_url"),
        ({"LIFETIMES__REFRESH_TOKEN_IDLE": "15552001"}, "must not be longer than refresh_token_absolute"),
        ({"LIFETIMES__REFRESH_TOKEN_IDLE": "3599"}, "must outlive the access token; set it to 3600 or more"),
        ({"LIFETIMES__SESSION_IDLE": "2592001"}, "must not be longer than session_absolute"),
        ({"LIMITS__FIRST_WAIT": "60", "LIMITS__LONGEST_WAIT": "59"}, "must not be longer than longest_wait"),
        ({"FEATURES__INTROSPECT": "true"}, "features.introspect is not a feature; there are: authorization_code,"),
        ({"FEATURES__AUTHORIZATION_CODE": "false"}, "need features.authorization_code"),
        (
            {"REQUIRE_PUSHED_REQUESTS": "true", "FEATURES__PUSHED_REQUESTS": "false"},
            "needs the feature pushed_requests; switch it on",
        ),
        (
            {
                "REQUIRE_SIGNED_REQUESTS": "true",
                "FEATURES__REQUEST_OBJECTS": "false",
            },
            "needs the feature request_objects; switch it on",
        ),
        ({"LIFETIMES__PUSHED_REQUEST": "600"}, "lifetimes.pushed_request"),
        ({"TRUSTED_PROXIES": "10.0.0.0/8 0.0.0.0/0"}, "must not trust every address"),
        ({"TRUSTED_PROXIES": "proxy.example"}, "'proxy.example', which is no address or network"),
        ({"TRUSTED_PROXIES": "10.0.0.1/8"}, "'10.0.0.1/8', which is no address or network"),
        ({"OUTBOUND__ALLOW": "127.0.0.1"}, "write exact pairs such as 127.0.0.1:8001"),
        ({"OUTBOUND__ALLOW": "127.0.0.1:99999"}, "write exact pairs such as 127.0.0.1:8001"),
        ({"OUTBOUND__ALLOW": "http://127.0.0.1:8001"}, "write exact pairs such as 127.0.0.1:8001"),
        ({"OUTBOUND__PROXY": "http://egress.example:3128"}, "must be host:port without scheme"),
        ({"OUTBOUND__PROXY": "user:secret@egress.example:3128"}, "must be host:port without scheme and user name"),
        ({"OUTBOUND__PROXY": "egress.example"}, "must be host:port without scheme"),
        ({"OUTBOUND__CA_FILE": "/nowhere/ca.pem"}, "(/nowhere/ca.pem) cannot be used ([Errno 2]"),
        ({"OUTBOUND__CA_FILE": "/dev/null"}, "(/dev/null) cannot be used ("),
        ({"SIGNING__ALGORITHMS": "ES256"}, "must have RS256"),
        ({"SIGNING__ALGORITHMS": "RS256 HS256"}, "has 'HS256'; choose of ES256, RS256, PS256, EdDSA"),
        ({"SIGNING__ALGORITHMS": "none RS256"}, "has 'none'"),
        ({"SIGNING__ALGORITHMS": "RS256 RS256"}, "names an algorithm twice"),
        ({"SIGNING__ROTATION": "172799"}, "must not be longer than half of rotation; set it to 86399 or less"),
        ({"SIGNING__KEEP": "86399"}, "signing.keep"),
        ({"SIGNING__KEEP": "2595599"}, "must outlast a session and its last ID token; set it to 2595600 or more"),
        ({"LIFETIMES__SESSION_ABSOLUTE": "31536000"}, "signing.keep must outlast a session"),
        ({"SIGNING__ANNOUNCE": "119"}, "signing.announce"),
        ({"CIBA__DANGER_AUTO_APPROVE": "a b", "CIBA__DANGER_AUTO_DENY": "b c"}, "also names b"),
        ({"ROLES__OWNER": "org:admin org:fly"}, "roles.owner (ASSENT_ROLES__OWNER) has 'org:fly'"),
        (
            {"SCOPES": '{"openid": {"description": "x"}}'},
            "scopes.openid (ASSENT_SCOPES) is reserved for",
        ),
        ({"SCOPES": '{"a b": {"description": "x"}}'}, "scopes.a b (ASSENT_SCOPES) is no scope"),
        ({"SCOPES": '{"a": {"covers": ["b"]}}'}, "scope 'a' covers 'b', which is not in the registry"),
    ],
)
def test_settings_that_contradict_each_other_are_refused_by_key_with_the_remedy(
    environment: dict[str, str], said: str
) -> None:
    assert said in told(**environment)


def test_contradictions_are_told_all_at_once() -> None:
    said = told(DATABASE_URL="postgresql://h/d", LIFETIMES__REFRESH_TOKEN_IDLE="60", CIBA__DANGER_AUTO_DENY="x")
    assert [line.split()[0] for line in said.splitlines()] == ["secret_key", "lifetimes.refresh_token_idle"]


def test_the_bounds_themselves_are_within_bounds() -> None:
    found = settings(
        LIFETIMES__ACCESS_TOKEN="86400",
        LIFETIMES__AUTHORIZATION_CODE="600",
        LIFETIMES__REFRESH_GRACE="0",
        TRUSTED_PROXIES="127.0.0.1",
    )
    assert found.policy().lifetimes.refresh_grace.total_seconds() == 0


@pytest.mark.spec("standards", "JW-5")
def test_what_workers_learn_of_signing() -> None:
    found = settings(SIGNING__ALGORITHMS="PS256, EdDSA, RS256", SIGNING__ROTATION="864000", SIGNING__ANNOUNCE="3600")

    plan = found.configuration().signing
    assert plan.algorithms == ("PS256", "EdDSA", "RS256")
    assert (plan.rotation, plan.announce, plan.keep) == (timedelta(days=10), timedelta(hours=1), timedelta(days=35))
    assert settings().configuration().signing == SigningPlan()


@pytest.mark.spec("standards", "JW-3")
def test_keys_outlast_the_hints_that_they_have_signed() -> None:
    exact = settings(SIGNING__KEEP="2595600").configuration()
    lifetimes = exact.policy.lifetimes
    assert exact.signing.keep == lifetimes.session_absolute + lifetimes.id_token
    longest = settings(SIGNING__KEEP="63072000", LIFETIMES__SESSION_ABSOLUTE="31536000").configuration()
    assert longest.signing.keep == 2 * longest.policy.lifetimes.session_absolute
    hanging = [feature.key for feature in Feature if Feature.OPENID.key in feature.value.requires]
    nobody = {f"FEATURES__{name.upper()}": "false" for name in (Feature.OPENID.key, *hanging)}
    assert settings(SIGNING__KEEP="86400", **nobody).configuration().signing.keep == timedelta(days=1)


@pytest.mark.spec("standards", "PAR-13")
def test_every_application_can_be_made_to_push_its_requests() -> None:
    assert not settings().policy().require_pushed_requests
    assert settings(REQUIRE_PUSHED_REQUESTS="true").policy().require_pushed_requests


@pytest.mark.spec("standards", "RO-10")
def test_every_application_can_be_made_to_sign_its_requests() -> None:
    assert not settings().policy().require_signed_requests
    assert settings(REQUIRE_SIGNED_REQUESTS="true").policy().require_signed_requests


def test_a_feature_can_be_switched_off() -> None:
    found = settings(FEATURES__INTROSPECTION="false").feature_set()
    assert "introspection" not in {feature.key for feature in found}
    assert "revocation" in {feature.key for feature in found}


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("with spaces in it, though long enough", "no header can carry"),
        ("asak_0123456789abcdefghijklmnopqrstuvwxyz", "begins like a token"),
        ("tooshort", "32 characters or more"),
    ],
    ids=["spaces", "prefix", "short"],
)
def test_a_system_key_that_could_never_open_anything_is_refused(key: str, words: str) -> None:
    assert words in told(SYSTEM_KEY=key)


def test_what_workers_learn_of_the_way_out(tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    found = settings(
        OUTBOUND__ALLOW="Keys.internal:8443 [::1]:8001",
        OUTBOUND__CA_FILE=str(tmp_path / "ca.pem"),
        OUTBOUND__PROXY="egress.example:3128",
        LIMITS__DOCUMENT_FETCHES="7",
    )
    assert found.configuration().outbound == OutboundRules(
        allow=frozenset({"keys.internal:8443", "[::1]:8001"}),
        ca_file=str(tmp_path / "ca.pem"),
        proxy="egress.example:3128",
        fetches_per_minute=7,
    )
    assert settings().configuration().outbound == OutboundRules()
