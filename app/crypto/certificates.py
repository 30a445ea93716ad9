"""Client certificates (X.509, RFC 5280): what one says, its thumbprint, and whether an authority vouches for it.

Everything but the thumbprint is about the holder's name and key; who believes it is decided elsewhere. `cryptography`
is loaded by the first certificate.
"""

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from app.crypto.distinguished_names import DistinguishedName, attribute
from app.crypto.jose_text import encoded

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.x509.verification import ExtensionPolicy, Policy, Store

LONGEST = 16_384
"""Bytes of a certificate; real ones have one or two thousand."""

_COORDINATES = {"secp256r1": ("P-256", 32), "secp384r1": ("P-384", 48), "secp521r1": ("P-521", 66)}
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class CertificateError(Exception):
    """Bytes that are no certificate. `str()` may be shown to whoever sent them."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate, read. `x5t` is its SHA-256 thumbprint (`x5t#S256`, RFC 8705 §3.1; MT-1).

    `subject` is its distinguished name; `dns`, `uris`, `ips` and `emails` are its alternative names, addresses as
    Python spells them. `jwk` is its public key, None for a kind of key that JOSE does not know.
    """

    der: bytes = field(repr=False)
    x5t: str
    subject: DistinguishedName = ()
    jwk: dict[str, Any] | None = field(default=None, repr=False, hash=False)
    dns: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()


@lru_cache(maxsize=256)
def read(der: bytes) -> Certificate:
    """Return what a certificate in DER says; raises CertificateError for what is none."""
    loaded = _loaded(der)
    return Certificate(der, thumbprint(der), _subject(loaded), _jwk(loaded), *_alternative_names(loaded))


def thumbprint(der: bytes) -> str:
    """Return the SHA-256 thumbprint of a certificate: 43 characters of base64url without padding (MT-1, MT-7)."""
    return encoded(sha256(der).digest()).decode("ascii")


@dataclass(frozen=True, slots=True)
class Authorities:
    """The certificate authorities that vouch for clients."""

    store: "Store" = field(repr=False)

    def vouch_for(self, der: bytes, chain: Sequence[bytes], now: datetime) -> bool:
        """Tell whether a certificate leads to one of them at `now`, over the intermediate certificates of `chain`.

        RFC 5280 §6 rather than the stricter rules of the web: authorities of companies need not name hosts.
        """
        from cryptography.x509.verification import PolicyBuilder, VerificationError

        builder = PolicyBuilder().store(self.store)
        at = builder.time
        verifier = at(now).extension_policies(ca_policy=_of_authorities(), ee_policy=_of_clients())
        try:
            verifier.build_client_verifier().verify(_loaded(der), [_loaded(above) for above in chain])
        except (VerificationError, CertificateError, ValueError, TypeError):  # parts are read here for the first time
            return False
        return True


@lru_cache(maxsize=2)
def authorities(pem: bytes) -> Authorities:
    """Return the authorities of a PEM file; raises CertificateError when one is no certificate, or none is there."""
    from cryptography import x509
    from cryptography.x509.verification import Store

    try:
        loaded = [x509.load_pem_x509_certificate(block) for block in _PEM.findall(pem)]
        return Authorities(Store(loaded))
    except ValueError:
        raise CertificateError("this is no list of certificates in PEM form") from None


def _loaded(der: bytes) -> "x509.Certificate":
    """RFC 5280 §4.1.2.2: a serial number that is not positive is put up with, and no news to anybody here."""
    from cryptography import x509
    from cryptography.utils import CryptographyDeprecationWarning

    if len(der) > LONGEST:
        raise CertificateError(f"the certificate is longer than {LONGEST} bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            return x509.load_der_x509_certificate(der)
    except (ValueError, x509.InvalidVersion):
        raise CertificateError("this is no X.509 certificate") from None


def _subject(loaded: "x509.Certificate") -> DistinguishedName:
    """RFC 4514 §2.1: in text the names stand the other way round."""
    try:
        names = reversed(loaded.subject.rdns)
    except (ValueError, TypeError):  # the library's own words about a text of a kind that its name cannot have
        raise CertificateError("the subject of the certificate cannot be read") from None
    return tuple(frozenset(attribute(one.oid.dotted_string, one.value) for one in together) for together in names)


def _alternative_names(loaded: "x509.Certificate") -> tuple[tuple[str, ...], ...]:
    """Return the DNS names, URIs, IP addresses and e-mail addresses of RFC 5280 §4.2.1.6."""
    from cryptography import x509

    try:
        names = loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        addresses = tuple(str(address) for address in names.get_values_for_type(x509.IPAddress))
    except x509.ExtensionNotFound:
        return (), (), (), ()
    except (ValueError, TypeError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise CertificateError("the alternative names of the certificate cannot be read") from None
    return (
        tuple(names.get_values_for_type(x509.DNSName)),
        tuple(names.get_values_for_type(x509.UniformResourceIdentifier)),
        addresses,
        tuple(names.get_values_for_type(x509.RFC822Name)),
    )


def _jwk(loaded: "x509.Certificate") -> dict[str, Any] | None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    try:
        key = loaded.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        return {"kty": "RSA", "n": _text(numbers.n), "e": _text(numbers.e)}
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _COORDINATES:
        point, (curve, size) = key.public_numbers(), _COORDINATES[key.curve.name]
        return {"kty": "EC", "crv": curve, "x": _text(point.x, size), "y": _text(point.y, size)}
    if isinstance(key, ed25519.Ed25519PublicKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": encoded(key.public_bytes_raw()).decode("ascii")}
    return None


def _text(number: int, size: int | None = None) -> str:
    return encoded(number.to_bytes(size or (number.bit_length() + 7) // 8)).decode("ascii")


@lru_cache(maxsize=1)
def _of_authorities() -> "ExtensionPolicy":
    """RFC 5280 §4.2.1.9, §4.2.1.3: an authority says that it is one, and that its key may sign certificates."""
    from cryptography import x509
    from cryptography.x509.verification import Criticality, ExtensionPolicy

    def is_authority(_: "Policy", __: "x509.Certificate", constraints: x509.BasicConstraints) -> None:
        _demand(constraints.ca, "not an authority")

    def may_sign(_: "Policy", __: "x509.Certificate", usage: x509.KeyUsage | None) -> None:
        _demand(usage is None or usage.key_cert_sign, "not for signing certificates")

    return (
        ExtensionPolicy.permit_all()
        .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, is_authority)
        .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, may_sign)
    )


@lru_cache(maxsize=1)
def _of_clients() -> "ExtensionPolicy":
    """RFC 5280 §4.2.1.12: a certificate that names purposes names that of a client."""
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID
    from cryptography.x509.verification import Criticality, ExtensionPolicy

    fitting = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}

    def is_for_clients(_: "Policy", __: "x509.Certificate", usage: x509.ExtendedKeyUsage | None) -> None:
        _demand(usage is None or not fitting.isdisjoint(usage), "not for clients")

    return ExtensionPolicy.permit_all().may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, is_for_clients)


def _demand(holds: bool, otherwise: str) -> None:
    """Refuse a certificate in the way that the library asks for."""
    if not holds:
        raise ValueError(otherwise)
