"""The certificate of a request's client, from its own connection or from a trusted proxy (MT-5)."""

from app.crypto import certificates
from app.crypto.certificates import CertificateError
from app.pipeline.http import Request
from app.pipeline.server import Server
from app.protocol import mtls
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.mtls import BY_PROXY, SHOWN, ClientCertificate

_JUDGED = "judged_certificate"
"""Under this name a request's state holds the certificate that its proxy forwarded, when somebody has asked for it."""


async def certificate_of(server: Server, request: Request) -> ClientCertificate | None:
    """Return the certificate whose key the client has proved to hold, None without one; raises `invalid_request`.

    Behind a trusted proxy the connection is the proxy's, and so would its certificate be.
    """
    if not mtls.is_offered(server.features):
        return None
    try:
        if request.state.get(BY_PROXY):
            return _forwarded(server, request)
        shown = request.state.get(SHOWN)
        return None if shown is None else ClientCertificate(certificates.read(shown), trusted=True)
    except CertificateError as refused:
        raise OAuthError(ErrorCode.INVALID_REQUEST, f"the client certificate cannot be used: {refused}") from None


def _forwarded(server: Server, request: Request) -> ClientCertificate | None:
    """Proxies may forward certificates that they have not judged, so each is judged here, once for a request."""
    header = request.header(b"client-cert")
    if not server.mtls.proxy_header or header is None:
        return None
    judged: ClientCertificate | None = request.state.get(_JUDGED)
    if judged is None:
        shown = certificates.read(mtls.forwarded(header))
        chain = mtls.forwarded_chain(request.header(b"client-cert-chain"))
        judged = ClientCertificate(shown, trusted=_vouched_for(server, shown.der, chain))
        request.state[_JUDGED] = judged
    return judged


def _vouched_for(server: Server, der: bytes, chain: tuple[bytes, ...]) -> bool:
    if not server.mtls.authorities:
        return False
    return certificates.authorities(server.mtls.authorities).vouch_for(der, chain, server.clock())
