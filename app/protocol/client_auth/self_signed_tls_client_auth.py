"""`self_signed_tls_client_auth`: a certificate that the client made itself, and registered (RFC 8705 §2.2).

CA-9: nobody has to vouch for it. Either its key is one of the registered keys, or it is itself among them (`x5c`).
"""

from base64 import b64encode
from collections.abc import Sequence

from app.crypto.certificates import Certificate
from app.crypto.jose import JoseError, thumbprint
from app.protocol.key_sets import Jwk
from app.protocol.mtls import ClientCertificate

NAME = "self_signed_tls_client_auth"


def objection(certificate: ClientCertificate | None, keys: Sequence[Jwk]) -> str:
    """Return why the certificate is not the client's, empty when it is; `keys` are the registered ones."""
    if certificate is None:
        return "no certificate was shown"
    shown = certificate.shown
    if any(_is_certificate(key, shown) or _is_key(key, shown) for key in keys):
        return ""
    return "the key of the certificate is not registered"


def _is_certificate(key: Jwk, shown: Certificate) -> bool:
    chain = key.get("x5c")
    return isinstance(chain, list) and chain[:1] == [b64encode(shown.der).decode("ascii")]


def _is_key(key: Jwk, shown: Certificate) -> bool:
    try:
        return shown.jwk is not None and thumbprint(key) == thumbprint(shown.jwk)
    except JoseError:
        return False
