"""`tls_client_auth`: a certificate whose authority is trusted, with the one name that was registered (RFC 8705 §2.1).

CA-9: which name that is, the application says when it is registered: exactly one of `SUBJECTS`.
"""

from collections.abc import Callable, Mapping
from ipaddress import ip_address

from app.crypto.certificates import Certificate
from app.crypto.distinguished_names import parse
from app.protocol.mtls import ClientCertificate

NAME = "tls_client_auth"

_SUBJECT_DN = "tls_client_auth_subject_dn"


def _has_name(shown: Certificate, expected: str) -> bool:
    """RFC 4514: two texts may mean one name; a name of nothing belongs to nobody."""
    return bool(shown.subject) and shown.subject == parse(expected)


def _has_dns(shown: Certificate, expected: str) -> bool:
    return expected.lower() in map(str.lower, shown.dns)


def _has_uri(shown: Certificate, expected: str) -> bool:
    return expected in shown.uris


def _has_ip(shown: Certificate, expected: str) -> bool:
    return str(ip_address(expected)) in shown.ips


def _has_email(shown: Certificate, expected: str) -> bool:
    return expected in shown.emails


_COMPARISONS: Mapping[str, Callable[[Certificate, str], bool]] = {
    _SUBJECT_DN: _has_name,
    "tls_client_auth_san_dns": _has_dns,
    "tls_client_auth_san_uri": _has_uri,
    "tls_client_auth_san_ip": _has_ip,
    "tls_client_auth_san_email": _has_email,
}

SUBJECTS = tuple(_COMPARISONS)
"""Members of the metadata that name the subject (RFC 8705 §2.1.2)."""


def problem_with_subject(member: str, value: str) -> str | None:
    """Return why no certificate can have this subject, in half a sentence; None when one can."""
    try:
        if member == _SUBJECT_DN:
            parse(value)
        elif member == "tls_client_auth_san_ip":
            ip_address(value)
    except ValueError as flaw:
        return str(flaw) if member == _SUBJECT_DN else "must be an IP address"
    return None


def objection(certificate: ClientCertificate | None, subject: tuple[str, str] | None) -> str:
    """Return why the certificate is not the client's, empty when it is; `subject` is what it registered."""
    if certificate is None:
        return "no certificate was shown"
    if subject is None:
        return "the application registered no subject"
    if not certificate.trusted:
        return "no authority known here vouches for the certificate"
    member, expected = subject
    return "" if _COMPARISONS[member](certificate.shown, expected) else f"the certificate has another {member}"
