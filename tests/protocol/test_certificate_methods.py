"""The two methods with a certificate: by a name that an authority vouches for, and by the key alone."""

from base64 import b64encode
from typing import Any

import pytest

from app.crypto import certificates
from app.protocol import client_auth
from app.protocol.client_auth import METHODS, Means, Presented, tls_client_auth
from app.protocol.client_keys import KeyMaterial
from app.protocol.facts import ClientFact
from app.protocol.mtls import ClientCertificate
from tests.protocol.test_client_auth import MEANS, basic, identify, params, refused
from tests.support.certificates import every_kind_of_name, issue
from tests.support.facts import client


def shown(*, trusted: bool = True, **made: Any) -> ClientCertificate:
    issued = issue("client", alternatives=every_kind_of_name(), **made)
    return ClientCertificate(certificates.read(issued.der), trusted=trusted)


def certified(subject: tuple[str, str] | None) -> ClientFact:
    return client(auth_method="tls_client_auth", key_material=KeyMaterial(tls_subject=subject))


def alone(certificate: ClientCertificate | None, client_id: str = "client") -> Presented:
    return identify(None, params(client_id=client_id), certificate)


SUBJECTS = (
    ("tls_client_auth_subject_dn", "CN=client"),
    ("tls_client_auth_subject_dn", "2.5.4.3=client"),
    ("tls_client_auth_san_dns", "CLIENT.example"),
    ("tls_client_auth_san_uri", "spiffe://example/client"),
    ("tls_client_auth_san_ip", "192.0.2.7"),
    ("tls_client_auth_san_ip", "2001:0db8:0::7"),
    ("tls_client_auth_san_email", "client@example.com"),
)


@pytest.mark.spec("standards", "CA-9")
@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_a_certificate_with_the_registered_name_is_the_clients(subject: tuple[str, str]) -> None:
    registered = certified(subject)
    assert client_auth.authenticate(alone(shown()), registered, MEANS) is registered
    assert refused(alone(shown(trusted=False)), registered).description == client_auth.FAILED
    assert refused(alone(None), registered).description == client_auth.FAILED


@pytest.mark.spec("standards", "CA-9")
@pytest.mark.spec("standards", "CA-10")
@pytest.mark.parametrize(
    "subject",
    [
        None,
        ("tls_client_auth_subject_dn", "CN=another"),
        ("tls_client_auth_subject_dn", "CN=client,O=Example"),
        ("tls_client_auth_san_dns", "another.example"),
        ("tls_client_auth_san_dns", "example"),
        ("tls_client_auth_san_uri", "spiffe://example/client/"),
        ("tls_client_auth_san_ip", "192.0.2.8"),
        ("tls_client_auth_san_email", "CLIENT@example.com"),
    ],
    ids=str,
)
def test_a_certificate_with_another_name_is_not(subject: tuple[str, str] | None) -> None:
    assert refused(alone(shown()), certified(subject)).description == client_auth.FAILED


@pytest.mark.spec("standards", "CA-9")
@pytest.mark.parametrize(
    ("member", "value", "problem"),
    [
        ("tls_client_auth_subject_dn", "CN=client", None),
        ("tls_client_auth_subject_dn", "client", "without ="),
        ("tls_client_auth_san_ip", "client.example", "IP address"),
        ("tls_client_auth_san_ip", "::1", None),
        ("tls_client_auth_san_dns", "client.example", None),
    ],
)
def test_a_subject_that_no_certificate_can_have_is_told(member: str, value: str, problem: str | None) -> None:
    found = tls_client_auth.problem_with_subject(member, value)
    assert found is None if problem is None else problem in (found or "")


def self_signed(*keys: dict[str, Any]) -> tuple[ClientFact, Means]:
    return client(auth_method="self_signed_tls_client_auth"), Means(METHODS, keys)


@pytest.mark.spec("standards", "CA-9")
@pytest.mark.spec("standards", "MT-2")
def test_a_self_signed_certificate_counts_by_its_key_whatever_it_says() -> None:
    certificate = shown(trusted=False)
    registered, means = self_signed({"kty": "oct"}, {**(certificate.shown.jwk or {}), "kid": "1"})
    assert client_auth.authenticate(alone(certificate), registered, means) is registered
    assert refused(alone(shown()), registered, means).description == client_auth.FAILED
    assert refused(alone(None), registered, means).description == client_auth.FAILED


@pytest.mark.spec("standards", "CA-9")
def test_a_self_signed_certificate_counts_when_it_is_itself_registered() -> None:
    certificate = shown(trusted=False)
    chain = [b64encode(certificate.shown.der).decode()]
    registered, means = self_signed({"kty": "EC", "x5c": chain}, {"kty": "EC", "x5c": "AA"})
    assert client_auth.authenticate(alone(certificate), registered, means) is registered
    other = shown()
    assert refused(alone(other), registered, means).description == client_auth.FAILED
    above, means = self_signed({"kty": "EC", "x5c": ["AA", *chain]})
    assert refused(alone(certificate), above, means).description == client_auth.FAILED


@pytest.mark.spec("standards", "CA-1")
@pytest.mark.spec("standards", "MT-2")
def test_a_certificate_beside_another_method_is_no_second_one() -> None:
    certificate = shown()
    with_secret = identify(basic("client", "secret"), params(), certificate)
    registered = client()
    assert client_auth.authenticate(with_secret, registered, MEANS) is registered
    public = client(auth_method="none", secret_digests=())
    assert client_auth.authenticate(alone(certificate), public, MEANS) is public
    for presented, other in ((with_secret, certified(SUBJECTS[0])), (alone(certificate), registered)):
        assert refused(presented, other).description == client_auth.FAILED
