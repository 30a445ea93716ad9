"""What an application proves itself with besides secrets, and how answers for it are made: all that it registered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class KeyMaterial:
    """Keys and names that an application registered (RFC 7591 §2, RFC 8705 §2.1.2, RFC 9701 §6).

    `jwks` are its public keys, or stand at `jwks_uri`. `signing_alg` is the one algorithm of its assertions, empty: any
    that fits its keys. `sealed_secrets` are client secrets that serve as HMAC keys, encrypted at rest. `tls_subject` is
    the one name that its certificate must have: (member of the metadata, value).
    """

    jwks: tuple[Mapping[str, Any], ...] = ()
    jwks_uri: str = ""
    signing_alg: str = ""
    sealed_secrets: tuple[bytes, ...] = field(default=(), repr=False)
    tls_subject: tuple[str, str] | None = None
    introspection_signing_alg: str = ""
    introspection_encryption_alg: str = ""
    introspection_encryption_enc: str = ""


NONE = KeyMaterial()
