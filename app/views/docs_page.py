"""`/docs`: Swagger UI from our own files, and the page that its Authorize button comes back to.

Neither page has an inline script; both run under a content policy that allows scripts from here alone. What the
explorer must know travels in data attributes, which `static/swagger/init.js` reads.

`swagger-ui-bundle.js` and `swagger-ui.css` are those of swagger-ui-dist 5.35.0 (Apache-2.0), unchanged; a test compares
their digests. `init.js`, `oauth2-redirect.js` and `docs.css` are ours.
"""

from dataclasses import dataclass
from typing import ClassVar

from app.views.pages.identity import Page, Policy

DOCS_CLIENT_ID = "assent-docs"
DOCS_REDIRECT_PATH = "/docs/oauth2-redirect"


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One kind of problem that the API answers with: `anchor` is what its `type` ends with."""

    anchor: str
    name: str
    status: int
    title: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DocsPage(Page):
    """The API explorer, and what its problems mean. Its Authorize button runs the code flow with PKCE as the public
    client `client_id`, whose one redirect URI is the issuer's origin + `/docs/oauth2-redirect`. `scopes` are ticked
    beforehand."""

    template: ClassVar[str] = "docs.html"
    policy: ClassVar[Policy] = Policy.API_EXPLORER

    openapi_url: str = "/openapi.json"
    client_id: str = DOCS_CLIENT_ID
    redirect_path: str = DOCS_REDIRECT_PATH
    scopes: tuple[str, ...] = ()
    problems: tuple[ProblemKind, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DocsRedirectPage(Page):
    """Hands the authorization answer in its address to the explorer that opened it, and closes."""

    template: ClassVar[str] = "docs_redirect.html"
    policy: ClassVar[Policy] = Policy.EXPLORER_RETURN
