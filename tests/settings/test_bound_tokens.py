"""The settings of DPoP proofs and client certificates."""

from datetime import timedelta
from pathlib import Path

import pytest

from app.settings import Settings, SettingsError, load
from app.settings.bound_tokens import MtlsSettings
from tests.support.certificates import issue

ISSUER = "https://id.example:8443/t1"


@pytest.fixture
def authorities() -> Path:
    """A file with a certificate authority."""
    file = Path("clients.pem")
    file.write_bytes(issue("root", authority=True).pem)
    return file


def told(**environment: str) -> str:
    """Return what is said about settings that cannot be used."""
    with pytest.raises(SettingsError) as refused:
        load(environment=environment)
    return str(refused.value)


@pytest.mark.spec("standards", "DP-5")
def test_proofs_have_the_recommended_window_and_no_nonce_unless_the_operator_says_otherwise() -> None:
    rules = Settings().configuration().dpop
    assert (rules.oldest, rules.ahead) == (timedelta(minutes=5), timedelta(seconds=10))
    assert not rules.require_nonce
    chosen = load(environment={"ASSENT_DPOP__OLDEST": "60", "ASSENT_DPOP__AHEAD": "0"}).configuration().dpop
    assert (chosen.oldest, chosen.ahead) == (timedelta(minutes=1), timedelta(0))
    assert "oldest" in told(ASSENT_DPOP__OLDEST="541")
    assert "ahead" in told(ASSENT_DPOP__AHEAD="61")


@pytest.mark.spec("standards", "MT-3")
@pytest.mark.parametrize(
    ("issuer", "own", "url"),
    [
        (ISSUER, {}, None),
        (ISSUER, {"port": 9443}, "https://id.example:9443/t1"),
        ("https://id.example", {"port": 9443}, "https://id.example:9443"),
        ("https://[::1]", {"port": 9443}, "https://[::1]:9443"),
        (ISSUER, {"port": 9443, "url": "https://mtls.id.example"}, "https://mtls.id.example"),
        (ISSUER, {"url": "https://mtls.id.example"}, "https://mtls.id.example"),
    ],
    ids=str,
)
def test_clients_with_a_certificate_have_an_address_where_it_is_asked_for(
    authorities: Path, issuer: str, own: dict[str, object], url: str | None
) -> None:
    mtls = MtlsSettings.model_validate({"client_ca_file": str(authorities), **own})
    settings = Settings(issuer=issuer, features={"mutual_tls": True}, mtls=mtls)
    found = settings.configuration().mtls
    assert (found.url, found.authorities) == (url, authorities.read_bytes())


@pytest.mark.spec("standards", "MT-5")
def test_a_forwarded_certificate_needs_a_proxy_to_believe() -> None:
    on = {"ASSENT_FEATURES__MUTUAL_TLS": "true", "ASSENT_MTLS__PROXY_HEADER": "true"}
    assert "needs trusted_proxies" in told(**on)
    settings = load(environment={**on, "ASSENT_TRUSTED_PROXIES": "10.0.0.0/8"})
    assert settings.configuration().mtls.proxy_header


def test_a_port_for_certificates_needs_somebody_who_vouches_for_them_and_is_another_one(authorities: Path) -> None:
    on = {"ASSENT_FEATURES__MUTUAL_TLS": "true", "ASSENT_MTLS__PORT": "8000"}
    assert "needs client_ca_file" in told(**on)
    assert "another one" in told(**on, ASSENT_MTLS__CLIENT_CA_FILE=str(authorities))
    assert "PEM" in told(**on, ASSENT_MTLS__CLIENT_CA_FILE="missing.pem")


def test_settings_of_certificates_need_their_feature() -> None:
    assert "mutual_tls" in told(ASSENT_MTLS__URL="https://mtls.id.example")
    assert "mutual_tls" in told(ASSENT_MTLS__PROXY_HEADER="true")
