"""From a page to HTML: autoescape on, and a name that a template uses without being given it is an error."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.protocol.names import MAX_NAME_LENGTH
from app.views import headers, words
from app.views.pages import Link, Page
from app.views.static import static_url


@dataclass(frozen=True, slots=True)
class _Service:
    """What the templates know about the server itself."""

    name: str
    issuer: str
    origin: str
    host: str
    asks_elsewhere: bool
    footer_links: tuple[Link, ...]


class Views:
    """The pages of one server, in its name.

    `issuer` is the configured issuer URL; its host is shown at the foot of each decision page, so that people can
    compare it with the address bar. `footer_links` are the operator's (help, privacy, terms); `asks_elsewhere` says
    that people are asked for approvals while they are elsewhere (CIBA).
    """

    def __init__(
        self, service_name: str, issuer: str, *, footer_links: tuple[Link, ...] = (), asks_elsewhere: bool = False
    ) -> None:
        parts = urlsplit(issuer)
        self._service = _Service(
            name=service_name,
            issuer=issuer,
            origin=f"{parts.scheme}://{parts.netloc}",
            host=parts.netloc,
            asks_elsewhere=asks_elsewhere,
            footer_links=footer_links,
        )
        self._environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(
            static=static_url, words=words, service=self._service, longest_name=MAX_NAME_LENGTH
        )

    @property
    def service_name(self) -> str:
        """The name that the pages go by."""
        return self._service.name

    def render(self, page: Page) -> str:
        """Return the page as HTML. Raises jinja2.UndefinedError when a template asks for what the page lacks."""
        return self._environment.get_template(page.template).render(page=page)

    def security_headers(self, page: Page, *, https: bool) -> dict[str, str]:
        """Return all headers of the HTML answer but its type and `Retry-After`."""
        return headers.security_headers(page, https=https)
