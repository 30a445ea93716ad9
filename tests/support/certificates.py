"""Certificate authorities and certificates of clients, made for one test run."""

import ipaddress
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FAR_AWAY = datetime(2060, 1, 1, tzinfo=UTC)
TV_8 = (
    "MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAxODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwE"
    "bXRsczBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ/Au08/coZwxS7LfA4vOLS9WuneIXhbGG"
    "WvsDSb0tH6IxLm8wCgYIKoZIzj0EAwIDSQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOVbUlJSGQgjwD5vaUa"
    "KlLR50Q2DmFfQj1L+SY="
)
"""The certificate of RFC 8705, appendix A: DER in base64."""

_CLIENT = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its key, and the one that signed it."""

    certificate: x509.Certificate
    key: Any = field(repr=False)

    @property
    def der(self) -> bytes:
        """The certificate in DER."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        """The certificate in PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def saved(self, directory: Path, name: str) -> Path:
        """Write certificate and key into one file and return its path."""
        key = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file = directory / f"{name}.pem"
        file.write_bytes(self.pem + key)
        return file

    def context(self, ca_file: Path, directory: Path) -> ssl.SSLContext:
        """Return what a client needs to show the certificate to a server that `ca_file` vouches for."""
        context = ssl.create_default_context(cafile=str(ca_file))
        context.load_cert_chain(self.saved(directory, f"client-{self.certificate.serial_number}"))
        return context


def issue(
    name: str,
    by: Issued | None = None,
    *,
    authority: bool = False,
    alternatives: tuple[x509.GeneralName, ...] = (),
    usage: x509.ExtendedKeyUsage | None = _CLIENT,
    subject: x509.Name | None = None,
    key: Any = None,
    begins: datetime = LONG_AGO,
    ends: datetime = FAR_AWAY,
    extensions: tuple[x509.ExtensionType, ...] = (),
) -> Issued:
    """Return a certificate for a common name, signed by an authority or by itself."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = subject or x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if by is None else by.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )
    if authority:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    elif usage is not None:
        builder = builder.add_extension(usage, critical=False)
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return Issued(builder.sign(key if by is None else by.key, hashes.SHA256()), key)


def every_kind_of_name() -> tuple[x509.GeneralName, ...]:
    """Return an alternative name of each kind that a client may be known by."""
    return (
        x509.DNSName("client.example"),
        x509.UniformResourceIdentifier("spiffe://example/client"),
        x509.IPAddress(ipaddress.ip_address("192.0.2.7")),
        x509.IPAddress(ipaddress.ip_address("2001:db8::7")),
        x509.RFC822Name("client@example.com"),
    )
