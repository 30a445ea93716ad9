"""Front-channel logout (OpenID Connect Front-Channel Logout 1.0): pages of applications, in frames of ours.

It depends on cookies of the application in a frame, which browsers give up one after the other; back-channel logout
does not (LF-2). Whoever registers both is told both ways.
"""

from collections.abc import Iterable

from app.protocol import redirect_uri
from app.protocol.features import Feature, FeatureSet

MOST_FRAMES = 50
"""Frames on one page: each has its origin in the header of the page, and proxies refuse headers that are too long."""

_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_offered(features: FeatureSet) -> bool:
    """Tell whether frames are opened here."""
    return Feature.FRONTCHANNEL_LOGOUT in features


def problem_with(uri: str, redirect_uris: Iterable[str]) -> str | None:
    """Return what is wrong with a `frontchannel_logout_uri`, for whoever registers it; None when nothing is.

    Scheme, host and port are those of a registered redirect URI (LF-1): nobody else's page is opened in our name.
    """
    if "#" in uri:
        return "must not have a fragment"
    origin = web_origin(uri)
    if origin is None or origin not in {web_origin(registered) for registered in redirect_uris}:
        return "must have the scheme, host and port of one of the redirect_uris"
    return None


def frame_url(uri: str, issuer: str, sid: str) -> str:
    """LF-1: the address of the frame, its own query kept. `iss` and `sid` are always there, both: whoever demands them
    (`frontchannel_logout_session_required`) has them, and the others ignore them."""
    return redirect_uri.with_query(uri, {"iss": issuer, "sid": sid})


def web_origin(uri: str) -> str | None:
    """Return the origin of a web address as browsers write it (RFC 6454 §6.2); None for what is none, such as the URI
    of an app."""
    parts = redirect_uri.parse(uri)
    scheme = parts.scheme.lower() if parts is not None else ""
    if parts is None or scheme not in _DEFAULT_PORTS or not parts.host:
        return None
    port = int(parts.port) if parts.port is not None else _DEFAULT_PORTS[scheme]
    return f"{scheme}://{parts.host.lower()}" + (f":{port}" if port != _DEFAULT_PORTS[scheme] else "")
