"""The settings of tokens that are bound to a key: DPoP proofs and client certificates."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from app.protocol.dpop import DpopRules
from app.protocol.mtls import MutualTls
from app.settings import values
from app.settings.fields import Section, number, span


class DpopSettings(Section):
    """Proofs of possession (RFC 9449). Times are in seconds."""

    oldest: int = span(300, 10, 540, "How old a proof may be, by its `iat`.")
    ahead: int = span(10, 0, 60, "How far the clock of a client may be ahead.")
    require_nonce: bool = Field(
        False, description="Whether a proof must carry a nonce of the server, which costs new clients a second request."
    )

    def rules(self) -> DpopRules:
        """Return the rules that proofs are judged by."""
        return DpopRules(timedelta(seconds=self.oldest), timedelta(seconds=self.ahead), self.require_nonce)


class MtlsSettings(Section):
    """Certificates of clients (RFC 8705), with the feature `mutual_tls`."""

    client_ca_file: Annotated[Path, AfterValidator(values.check_ca_file)] | None = Field(
        None, description="PEM file of the certificate authorities that vouch for clients, for `tls_client_auth`."
    )
    port: int | None = number(
        None,
        1,
        65_535,
        "A further port of a server with `--tls-cert`, where clients are asked for a certificate of `client_ca_file`. "
        "Browsers stay on the other one and are never asked.",
    )
    proxy_header: bool = Field(
        False,
        description="Whether `trusted_proxies` forward certificates as `Client-Cert` (RFC 9440). They must remove that "
        "header and `Client-Cert-Chain` from what clients send, on every host name.",
    )
    url: Annotated[str, AfterValidator(values.check_issuer)] | None = Field(
        None,
        description="The server’s address for clients with a certificate, published as `mtls_endpoint_aliases`. "
        "Without it: the issuer’s host at `port`, or the issuer itself.",
    )

    def rules(self, issuer: str) -> MutualTls:
        """Return how the server meets certificates."""
        authorities = b"" if self.client_ca_file is None else self.client_ca_file.read_bytes()
        return MutualTls(authorities, self.proxy_header, self.url or self._beside(issuer))

    def _beside(self, issuer: str) -> str | None:
        if self.port is None:
            return None
        parts = urlsplit(issuer)
        host = parts.netloc.removesuffix(f":{parts.port}")
        return f"{parts.scheme}://{host}:{self.port}{parts.path}"
