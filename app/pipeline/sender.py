"""The key that a request proves: a DPoP proof in its header, a certificate of its connection."""

from app.pipeline.certificate import certificate_of
from app.pipeline.http import NONCE, Request
from app.pipeline.server import Server
from app.protocol import dpop, dpop_nonce, uri
from app.protocol.dpop import Expected
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.sender import Sender


async def sender_of(server: Server, request: Request, access_token: str | None = None) -> Sender:
    """Return what a request to one of our endpoints proves of its sender; raises what `dpop.judge` raises.

    `access_token` is the token that came along, for which the proof has to be made. The proof is right; that it is new
    has to be noted by whoever lets the request in (DP-6), so that what is refused before burns nothing (DP-11).
    """
    certificate = await certificate_of(server, request)
    x5t = None if certificate is None else certificate.shown.x5t
    header = request.header(b"dpop")
    if header is None or not dpop.is_offered(server.features):
        return Sender(x5t=x5t)
    now, key = server.clock(), dpop_nonce.key_of(server.keys)
    fresh = dpop_nonce.current(key, now)
    expected = Expected(request.method, addresses_of(server, request.path), access_token)
    try:
        judged = dpop.judge(header, expected, server.dpop, key, now)
    except OAuthError as refused:
        if refused.code is ErrorCode.USE_DPOP_NONCE:
            request.state[NONCE] = fresh
        raise
    if judged.nonce is not None and judged.nonce != fresh:
        request.state[NONCE] = fresh
    return Sender(jkt=judged.jkt, x5t=x5t, proof=judged.proof, weak=judged.weak)


def addresses_of(server: Server, path: str) -> tuple[str, ...]:
    """Return the addresses by which clients know a path of ours: below the issuer, and where certificates are shown.

    A proxy in front of an issuer with a path may have stripped that, or not; the first one is for those who have not.
    """
    below = dict.fromkeys((uri.below(path, server.issuer), path))
    origins = [origin for origin in (server.issuer, server.mtls.url) if origin is not None]
    return tuple(origin + rest for rest in below for origin in origins)
