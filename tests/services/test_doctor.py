"""The self-check's rules: each has a case that is fine and one that is not, and every remark names its remedy."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.protocol.exchange_policy import ExchangeRule
from app.protocol.features import FeatureSet
from app.protocol.mtls import MutualTls
from app.protocol.scopes import ScopeDefinition, ScopeRegistry
from app.protocol.tokens.keyring import KeyRing, RingKey, SigningPlan
from app.protocol.trusted_issuers import TrustedIssuer
from app.services import doctor
from app.services.doctor import FileCondition, Finding, Level
from app.store.condition import DatabaseCondition, RegisteredApplication, UntoldApplication, WebsiteKey

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
DATABASE = DatabaseCondition(
    version=150004,
    fsync=True,
    synchronous_commit="on",
    role="assent_runtime",
    superuser=False,
    now=NOW,
    has_tables=True,
    owns_tables=False,
    may_rewrite_audit=False,
    pooled=False,
)
APPLICATION = RegisteredApplication(
    client_id="shop",
    confidential=True,
    redirect_uris=("https://shop.example/cb",),
    require_pkce=True,
    rotates=True,
    unmet=(),
)


ES256 = RingKey("kid-1", "ES256", {}, NOW, NOW)
RING = KeyRing((ES256,), SigningPlan(algorithms=("ES256",)))


def _worst(findings: Iterable[Finding]) -> Finding:
    """Return the worst finding; whatever is not fine must say what to do."""
    found = list(findings)
    assert found
    assert all(finding.remedy for finding in found if finding.level is not Level.OK)
    return max(found, key=lambda finding: list(Level).index(finding.level))


@pytest.mark.parametrize(
    ("issuer", "level"),
    [
        ("https://auth.example.com", Level.OK),
        ("http://127.0.0.1:8000", Level.WARN),
        ("http://[::1]:8000", Level.WARN),
        ("http://auth.example.com", Level.FAIL),
    ],
)
def test_the_issuer_is_https_or_on_this_machine(issuer: str, level: Level) -> None:
    assert _worst(doctor.check_issuer(issuer)).level is level


@pytest.mark.parametrize(
    ("changed", "level", "said"),
    [
        ({}, Level.OK, ""),
        ({"version": 140012}, Level.FAIL, "14.12 is too old"),
        ({"fsync": False}, Level.FAIL, "fsync is off"),
        ({"synchronous_commit": "off"}, Level.FAIL, "synchronous_commit is off"),
        ({"synchronous_commit": "local"}, Level.WARN, "synchronous_commit is local"),
        ({"synchronous_commit": "remote_apply"}, Level.OK, ""),
        ({"pooled": True}, Level.FAIL, "from transaction to transaction"),
        ({"superuser": True}, Level.FAIL, "is a superuser"),
        ({"owns_tables": True}, Level.WARN, "could rewrite the audit log"),
        ({"may_rewrite_audit": True}, Level.WARN, "could rewrite the audit log"),
        ({"owns_tables": True, "has_tables": False}, Level.OK, ""),
    ],
)
def test_the_database_is_recent_durable_and_served_by_a_role_without_rights(
    changed: dict[str, object], level: Level, said: str
) -> None:
    worst = _worst(doctor.check_database(replace(DATABASE, **changed), embedded=False))  # type: ignore[arg-type]

    assert worst.level is level
    assert said in worst.seen


@pytest.mark.parametrize(
    ("file", "level"),
    [
        (FileCondition("/data/secret.key", 0o600, 0o600), Level.OK),
        (FileCondition("/data/secret.key", 0o400, 0o600), Level.OK),
        (FileCondition("/data/secret.key", 0o640, 0o600), Level.FAIL),
        (FileCondition("/data/secret.key", None, 0o600), Level.FAIL),
        (FileCondition("/data/secret.key", 0o600, 0o600, ours=False), Level.WARN),
    ],
)
def test_files_are_ours_and_closed(file: FileCondition, level: Level) -> None:
    assert _worst(doctor.check_files([file])).level is level


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"require_pkce": False}, "shop is exempt from PKCE"),
        ({"rotates": False}, "shop keeps its refresh token"),
        ({"redirect_uris": ("http://shop.example/cb",)}, "shop gets its codes over http (shop.example)"),
        ({"unmet": ("require_signed_request_object",)}, "shop asks for require_signed_request_object"),
        ({"allowed_origins": ("https://shop.example", "*")}, "shop lets its tokens be used on every website (*)"),
        ({"allowed_origins": ("*.com",)}, "shop lets its tokens be used on every website (*.com)"),
    ],
)
def test_every_exemption_of_an_application_is_named(changed: dict[str, object], said: str) -> None:
    worst = _worst(doctor.check_applications([APPLICATION, replace(APPLICATION, **changed)]))  # type: ignore[arg-type]

    assert worst.level is Level.WARN
    assert worst.seen.startswith(said)


def test_an_application_that_is_held_to_fapi_keeps_its_refresh_token_as_it_should() -> None:
    held = replace(APPLICATION, rotates=False, fapi=True)
    assert _worst(doctor.check_applications([held])).level is Level.OK


def test_applications_without_exemptions_and_loopback_redirects_are_fine() -> None:
    native = replace(APPLICATION, redirect_uris=("http://127.0.0.1/cb", "http://[::1]/cb", "com.example:/cb"))

    assert _worst(doctor.check_applications([APPLICATION, native])).level is Level.OK


def test_tokens_through_the_browser_are_named_with_the_applications_that_may_have_them() -> None:
    marked = replace(APPLICATION, client_id="old-widget", allow_implicit=True)
    (finding,) = doctor.check_implicit([APPLICATION, marked], on=True)
    assert (finding.level, finding.seen) == (Level.WARN, "response_type=token is on for old-widget")
    assert finding.remedy
    assert _worst(doctor.check_implicit([APPLICATION], on=True)).level is Level.WARN
    assert _worst(doctor.check_implicit([marked], on=False)).level is Level.OK


def test_applications_that_do_not_hear_of_the_end_of_sessions_are_named() -> None:
    untold = [UntoldApplication("web", 2, 0), UntoldApplication("", 0, 3), UntoldApplication("notes", 1, 1)]
    waits, gone, both = doctor.check_logout_notices(untold, on=True)
    assert (waits.level, waits.seen) == (Level.WARN, "web: notices that wait for another attempt: 2")
    assert gone.seen == "a deleted application: given up in the last 7 days: 3"
    assert both.seen == "notes: notices that wait for another attempt: 1, given up in the last 7 days: 1"
    assert _worst(doctor.check_logout_notices([], on=True)).level is Level.OK
    assert _worst(doctor.check_logout_notices(untold, on=False)).seen == "off"


def test_applications_that_get_id_tokens_through_the_browser_are_named() -> None:
    hybrid = replace(APPLICATION, client_id="till", response_types=("code", "code id_token"))
    alone = replace(APPLICATION, client_id="club", response_types=("id_token",))
    (finding,) = doctor.check_front_channel([APPLICATION, hybrid, alone], on=True)
    assert (finding.level, finding.seen) == (Level.OK, "till (code id_token), club (id_token)")
    assert _worst(doctor.check_front_channel([APPLICATION], on=True)).seen == "no application gets any"
    (stranded,) = doctor.check_front_channel([hybrid], on=False)
    assert (stranded.level, "till (code id_token)" in stranded.seen) == (Level.WARN, True)
    assert _worst(doctor.check_front_channel([APPLICATION], on=False)).level is Level.OK


def test_imported_credentials_are_counted_until_they_are_gone() -> None:
    (finding,) = doctor.check_imported({"access_token": 1, "api_key": 2})
    assert (finding.level, finding.seen) == (
        Level.WARN,
        "1 access token, 2 api keys of the imported system still count",
    )
    assert _worst(doctor.check_imported({})).level is Level.OK


def test_a_scope_without_a_description_is_named_with_the_key_to_set() -> None:
    registry = ScopeRegistry([ScopeDefinition("org:read", "See your organizations"), ScopeDefinition("raw")])

    (finding,) = doctor.check_scopes(registry)
    assert finding.seen == "raw has no description"
    assert finding.remedy == 'Set [scopes."raw"] description in assent.toml.'


@pytest.mark.parametrize(
    ("published", "problem", "level"),
    [
        ("https://auth.example.com", "", Level.OK),
        ("https://auth.example.com/", "", Level.FAIL),
        (None, "https://auth.example.com does not answer", Level.WARN),
    ],
)
def test_the_metadata_names_the_issuer_letter_by_letter(published: str | None, problem: str, level: Level) -> None:
    assert _worst(doctor.check_metadata("https://auth.example.com", published, problem)).level is level


@pytest.mark.parametrize(("seconds", "level"), [(0, Level.OK), (-1.5, Level.OK), (30, Level.WARN), (-30, Level.WARN)])
def test_clocks_that_are_apart_are_named(seconds: float, level: Level) -> None:
    clocks = [("the database", NOW + timedelta(seconds=seconds))]

    assert _worst(doctor.check_clock(NOW, clocks)).level is level


@pytest.mark.parametrize(
    ("pending", "serves", "level"), [(0, True, Level.OK), (1, True, Level.FAIL), (0, False, Level.FAIL)]
)
def test_the_schema_is_current(pending: int, serves: bool, level: Level) -> None:
    assert _worst(doctor.check_schema(pending=pending, serves=serves)).level is level


@pytest.mark.parametrize(("left", "level"), [(3, Level.OK), (2, Level.OK), (1, Level.WARN), (0, Level.WARN)])
def test_partitions_are_made_ahead(left: int, level: Level) -> None:
    assert _worst(doctor.check_partitions({"audit": 3, "access_token": left})).level is level


def test_a_key_that_every_website_may_use_is_named() -> None:
    own = WebsiteKey("saltbarn", "Board", ("board.example", "*.board.example"))
    assert _worst(doctor.check_keys([own])).level is Level.OK
    finding = _worst(doctor.check_keys([own, WebsiteKey("northquay", "Widget", ("widget.example", "*"))]))
    assert (finding.level, finding.seen) == (Level.WARN, "'Widget' of northquay works on every website (*)")


def test_a_system_key_that_is_on_is_named_with_its_networks() -> None:
    assert _worst(doctor.check_system_key(on=False, networks=("127.0.0.0/8",))).level is Level.OK
    finding = _worst(doctor.check_system_key(on=True, networks=("127.0.0.0/8", "::1/128")))
    assert finding.level is Level.WARN
    assert "127.0.0.0/8, ::1/128" in finding.seen


@pytest.mark.spec("standards", "MT-5")
@pytest.mark.parametrize(
    ("mtls", "on", "asked_for", "level", "said"),
    [
        (MutualTls(), False, False, Level.OK, "off"),
        (MutualTls(b"pem", url="https://id.example:9443"), True, True, Level.OK, "https://id.example:9443"),
        (MutualTls(b"pem", proxy_header=True), True, False, Level.WARN, "10.0.0.0/8 forward them in Client-Cert"),
        (MutualTls(b"pem"), True, False, Level.FAIL, "no certificate can reach"),
        (MutualTls(b"", url="https://id.example:9443"), True, True, Level.WARN, "tls_client_auth refuses everybody"),
    ],
)
def test_how_client_certificates_reach_the_server_is_told(
    mtls: MutualTls, on: bool, asked_for: bool, level: Level, said: str
) -> None:
    found = list(doctor.check_certificates(mtls, on=on, asked_for=asked_for, proxies=("10.0.0.0/8",)))
    assert _worst(found).level is level
    assert said in " ".join(finding.seen for finding in found)


def test_every_exemption_of_the_outbound_guard_is_named() -> None:
    assert _worst(doctor.check_outbound(())).level is Level.OK
    findings = list(doctor.check_outbound(("keys.internal:443", "127.0.0.1:8001")))
    assert [finding.seen.split()[0] for finding in findings] == ["127.0.0.1:8001", "keys.internal:443"]
    assert _worst(findings).level is Level.WARN


@pytest.mark.parametrize(
    ("ring", "unreadable", "level", "said"),
    [
        (RING, (), Level.OK, "1 published, for ES256"),
        (RING, ("kid-1",), Level.FAIL, "does not open kid-1"),
        (KeyRing((ES256,)), (), Level.WARN, "no key signs with RS256"),
        (KeyRing((), RING.plan), (), Level.WARN, "no key signs with ES256"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_signing_keys_are_there_and_open(ring: KeyRing, unreadable: tuple[str, ...], level: Level, said: str) -> None:
    worst = _worst(doctor.check_signing_keys(ring, unreadable, NOW))
    assert worst.level is level
    assert said in worst.seen


@pytest.mark.spec("standards", "CA-1")
@pytest.mark.spec("standards", "CA-3")
@pytest.mark.parametrize(
    ("changed", "features", "said"),
    [
        ({"auth_method": "tls_client_auth"}, {}, "proves itself by tls_client_auth, and features.mutual_tls is off"),
        (
            {"auth_method": "private_key_jwt"},
            {"client_assertions": False},
            "proves itself by private_key_jwt, and features.client_assertions is off",
        ),
        ({"dpop_bound": True}, {"dpop": False}, "demands tokens bound to a DPoP key, and features.dpop is off"),
        ({"tls_bound": True}, {}, "demands tokens bound to a certificate, and features.mutual_tls is off"),
        ({"auth_method": "client_secret_jwt"}, {}, "is to make MACs, and of its secrets only digests are known"),
    ],
)
def test_applications_that_cannot_prove_themselves_are_named(
    changed: dict[str, object], features: dict[str, bool], said: str
) -> None:
    hindered = replace(APPLICATION, **changed)  # type: ignore[arg-type]
    worst = _worst(doctor.check_methods([APPLICATION, hindered], FeatureSet.chosen(features)))
    assert (worst.level, worst.seen) == (Level.WARN, f"shop {said}")


def test_applications_that_can_are_counted_by_method() -> None:
    macing = replace(APPLICATION, auth_method="client_secret_jwt", sealed_secrets=1, dpop_bound=True)
    [finding] = doctor.check_methods([APPLICATION, macing], FeatureSet.chosen({}))
    assert (finding.level, finding.seen) == (Level.OK, "1 client_secret_basic, 1 client_secret_jwt")
    [nobody] = doctor.check_methods([], FeatureSet.chosen({}))
    assert nobody.level is Level.OK


@pytest.mark.spec("standards", "JB-6")
@pytest.mark.spec("standards", "TX-5")
def test_whoever_loosens_tokens_without_consent_is_told_so() -> None:
    issuer = TrustedIssuer("https://idp.example", frozenset({"agent"}))
    rule = ExchangeRule("gateway", frozenset({"gateway"}), frozenset({"web"}))
    [nobody] = doctor.check_delegation((), ())
    [fine] = doctor.check_delegation((issuer,), (rule,))
    assert (nobody.level, fine.level) == (Level.OK, Level.OK)
    assert "https://idp.example" in fine.seen
    found = [*doctor.check_delegation((replace(issuer, authenticated=False),), (replace(rule, mode="impersonation"),))]
    assert [one.level for one in found] == [Level.WARN, Level.WARN]
    assert all(one.remedy for one in found)
