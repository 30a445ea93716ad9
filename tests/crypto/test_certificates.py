"""What a client certificate says, and who vouches for it (RFC 5280; RFC 8705)."""

import ipaddress
from base64 import b64decode
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from app.crypto import certificates
from app.crypto.certificates import CertificateError, authorities
from app.crypto.distinguished_names import parse
from app.crypto.jose import problem_with_public_key
from tests.support.certificates import TV_8, every_kind_of_name, issue

NOW = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.mark.spec("standards", "MT-1")
@pytest.mark.spec("standards", "MT-7")
@pytest.mark.spec("standards", "TV-8")
def test_the_thumbprint_is_that_of_the_specification() -> None:
    found = certificates.read(b64decode(TV_8))
    assert found.x5t == "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0"
    assert len(found.x5t) == 43
    assert found.subject == parse("CN=mtls")
    assert found.jwk is not None
    assert problem_with_public_key(found.jwk) is None


@pytest.mark.spec("standards", "CA-9")
def test_every_kind_of_alternative_name_is_read() -> None:
    found = certificates.read(issue("client", alternatives=every_kind_of_name()).der)
    assert found.dns == ("client.example",)
    assert found.uris == ("spiffe://example/client",)
    assert found.ips == ("192.0.2.7", "2001:db8::7")
    assert found.emails == ("client@example.com",)


@pytest.mark.spec("standards", "CA-9")
def test_the_subject_reads_from_its_most_specific_name_on() -> None:
    parts = [(NameOID.COUNTRY_NAME, "SE"), (NameOID.ORGANIZATION_NAME, "Saltbarn, Ltd"), (NameOID.COMMON_NAME, "ada")]
    subject = x509.Name([x509.NameAttribute(kind, value) for kind, value in parts])
    issued = issue("", subject=subject)
    assert certificates.read(issued.der).subject == parse("CN=ada,O=Saltbarn\\, Ltd,C=SE")
    assert certificates.read(issued.der).subject == parse(issued.certificate.subject.rfc4514_string())


def test_the_public_key_becomes_a_jwk_where_there_is_a_kind_for_it() -> None:
    keys = {
        "P-256": ec.generate_private_key(ec.SECP256R1()),
        "P-384": ec.generate_private_key(ec.SECP384R1()),
        "P-521": ec.generate_private_key(ec.SECP521R1()),
        "RSA": rsa.generate_private_key(65537, 2048),
    }
    for kind, key in keys.items():
        jwk = certificates.read(issue("client", key=key).der).jwk
        assert jwk is not None
        assert kind in jwk.values()
        assert problem_with_public_key(jwk) is None
    authority = issue("authority", authority=True)
    odd = {"EdDSA": ed25519.Ed25519PrivateKey.generate(), "DSA": dsa.generate_private_key(2048)}
    odd["Koblitz"] = ec.generate_private_key(ec.SECP256K1())
    jwks = {kind: certificates.read(issue("client", authority, key=key).der).jwk for kind, key in odd.items()}
    assert problem_with_public_key(jwks["EdDSA"]) is None
    assert jwks["DSA"] is None
    assert jwks["Koblitz"] is None


@pytest.mark.parametrize("der", [b"", b"garbage", b"\x30\x82\xff\xff", b"x" * (certificates.LONGEST + 1)])
def test_what_is_no_certificate_is_refused(der: bytes) -> None:
    with pytest.raises(CertificateError):
        certificates.read(der)


def test_a_subject_that_is_no_text_is_refused() -> None:
    der = issue("client").der
    with pytest.raises(CertificateError, match="subject"):
        certificates.read(der.replace(b"client", b"\xff\xfe\xff\xfe\xff\xfe"))


def test_no_change_of_a_byte_makes_more_of_a_certificate_than_one_that_is_refused() -> None:
    """Parts of it are read late, and the library has an exception of its own for some of them."""
    number = x509.NameAttribute(NameOID.X500_UNIQUE_IDENTIFIER, b"abc", x509.name._ASN1Type.BitString)
    root = issue("root", authority=True)
    der = issue("", root, subject=x509.Name([number]), alternatives=every_kind_of_name()).der
    known = authorities(root.pem)
    read = 0
    for place in range(len(der)):
        for value in (0x00, 0xFF, der[place] ^ 0x01, der[place] ^ 0x10):
            broken = der[:place] + bytes([value]) + der[place + 1 :]
            known.vouch_for(broken, (root.der,), NOW)
            try:
                certificates.read(broken)
            except CertificateError:
                continue
            read += 1
    assert 0 < read < 4 * len(der)


def test_a_key_that_nobody_knows_is_no_key() -> None:
    p256, unknown = bytes.fromhex("06082a8648ce3d030107"), bytes.fromhex("06082a8648ce3d03017f")
    assert certificates.read(issue("client").der.replace(p256, unknown)).jwk is None


def test_alternative_names_that_cannot_be_read_are_refused() -> None:
    broken = x509.UnrecognizedExtension(ObjectIdentifier("2.5.29.17"), b"\x30\x03\x87\x01\x07")  # an address of a byte
    with pytest.raises(CertificateError, match="alternative names"):
        certificates.read(issue("client", extensions=(broken,)).der)


@pytest.mark.spec("standards", "CA-9")
def test_an_authority_vouches_for_its_clients_also_over_others() -> None:
    root, stranger = issue("root", authority=True), issue("root", authority=True)
    below = issue("below", root, authority=True)
    known = authorities(root.pem)
    direct, indirect = issue("client", root), issue("client", below)
    assert known.vouch_for(direct.der, (), NOW)
    assert known.vouch_for(indirect.der, (below.der,), NOW)
    assert not known.vouch_for(indirect.der, (), NOW)
    assert not known.vouch_for(issue("client", stranger).der, (), NOW)
    assert not known.vouch_for(issue("client").der, (), NOW)
    assert not known.vouch_for(direct.der, (b"garbage",), NOW)
    both = authorities(stranger.pem + b"\n# the other one\n" + root.pem)
    assert both.vouch_for(direct.der, (), NOW)


@pytest.mark.spec("standards", "CA-9")
def test_nobody_vouches_beyond_what_an_authority_and_a_client_are() -> None:
    root = issue("root", authority=True)
    known = authorities(root.pem)
    client = issue("client", root)
    assert not known.vouch_for(issue("below", client).der, (client.der,), NOW)  # a client is no authority
    denies = issue("denies", root, extensions=(x509.BasicConstraints(ca=False, path_length=None),))
    assert not known.vouch_for(issue("below", denies).der, (denies.der,), NOW)
    signs_nothing = x509.KeyUsage(*[True], *[False] * 8)
    unable = issue("unable", root, authority=True, extensions=(signs_nothing,))
    assert not known.vouch_for(issue("client", unable).der, (unable.der,), NOW)
    able = issue("able", root, authority=True, extensions=(x509.KeyUsage(*[False] * 5, *[True], *[False] * 3),))
    assert known.vouch_for(issue("client", able).der, (able.der,), NOW)
    server = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    assert not known.vouch_for(issue("server", root, usage=server).der, (), NOW)
    assert known.vouch_for(issue("anything", root, usage=None).der, (), NOW)
    assert not known.vouch_for(issue("old", root, ends=datetime(2026, 11, 25, tzinfo=UTC)).der, (), NOW)
    assert not known.vouch_for(issue("new", root, begins=datetime(2026, 11, 27, tzinfo=UTC)).der, (), NOW)


def test_authorities_come_as_a_list_in_pem() -> None:
    with pytest.raises(CertificateError, match="PEM"):
        authorities(b"-----BEGIN CERTIFICATE-----\nZ2FyYmFnZQ==\n-----END CERTIFICATE-----\n")
    with pytest.raises(CertificateError, match="PEM"):
        authorities(b"nothing")


def test_addresses_are_spelled_as_python_spells_them() -> None:
    address = x509.IPAddress(ipaddress.ip_address("2001:0db8:0000::0007"))
    assert certificates.read(issue("client", alternatives=(address,)).der).ips == ("2001:db8::7",)
