"""The headers that every HTML page travels with."""

from app.views.pages.answer import SCRIPT_SOURCE
from app.views.pages.identity import Page, Policy

_EVERYWHERE = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"

# SE-10: no page may be framed. Pages whose POST may end at a client have no form-action: browsers apply it to
# every redirect after the POST, so 'self' would stop the way back to the client.
_CONTENT_POLICIES = {
    Policy.OWN_FORMS: f"{_EVERYWHERE}; form-action 'self'",
    Policy.MAY_END_AT_CLIENT: _EVERYWHERE,
    # Clients too answer a POST with redirects, to whatever host they have besides.
    Policy.POSTS_ANSWER: f"{_EVERYWHERE}; script-src {SCRIPT_SOURCE}",
    # Swagger UI carries its icons as data: URLs; it needs no inline style or script.
    Policy.API_EXPLORER: (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
    ),
    Policy.EXPLORER_RETURN: (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        "frame-ancestors 'none'; form-action 'none'"
    ),
}

_ONE_YEAR_OF_HTTPS = "max-age=31536000"


def security_headers(page: Page, *, https: bool) -> dict[str, str]:
    """A1-5, HD-4: the headers of an HTML answer; HSTS only over https, where alone it counts (RFC 6797 §7.2).

    `Referrer-Policy: same-origin` lets nothing leak outwards, and unlike `no-referrer` it leaves the `Origin` of our
    own forms in place, which the origin check needs.
    """
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": _CONTENT_POLICIES[page.policy] + _frames(page),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    if https:
        headers["Strict-Transport-Security"] = _ONE_YEAR_OF_HTTPS
    return headers


def _frames(page: Page) -> str:
    """LF-2: what may be framed by a page that frames anything."""
    return f"; frame-src {' '.join(page.frame_origins)}" if page.frame_origins else ""
