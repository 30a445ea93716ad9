"""The pages about resources: the APIs that the server has tokens for, and what each of them is to publish."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

from app.protocol.resources import DeclaredBy
from app.views import words
from app.views.addresses import segment_of
from app.views.pages.account import DeskPage, DeskPlace

RESOURCES = "/admin/resources"

_DECLARED: Mapping[DeclaredBy, str] = {"server": "This server", "settings": "Settings", "data": "Data"}


@dataclass(frozen=True, slots=True)
class ResourceLine:
    """A resource as operators see it. `scopes` is None when it understands every one; `lifetime` None: as elsewhere."""

    identifier: str
    name: str = ""
    declared_by: DeclaredBy = "data"
    token_format: str = "opaque"
    signing_alg: str = ""
    scopes: tuple[str, ...] | None = None
    lifetime: timedelta | None = None
    introspection_clients: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Where its page is."""
        return f"{RESOURCES}/{segment_of(self.identifier)}"

    @property
    def declared(self) -> str:
        """Where it is declared, in a word or two."""
        return _DECLARED[self.declared_by]

    @property
    def tokens(self) -> str:
        """Which tokens it gets, in words."""
        if self.token_format != "jwt":
            return "Opaque"
        return f"JWT, {self.signing_alg}" if self.signing_alg else "JWT"

    @property
    def scopes_words(self) -> str:
        """How many scopes it understands."""
        return "All" if self.scopes is None else str(len(self.scopes))

    @property
    def lifetime_words(self) -> str:
        """How long its tokens live, in words."""
        return "As elsewhere" if self.lifetime is None else words.duration(int(self.lifetime.total_seconds()))


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminResources(DeskPage):
    """`/admin/resources`: all of them, by identifier."""

    template: ClassVar[str] = "admin_resources.html"
    place: ClassVar[DeskPlace] = "admin-resources"

    resources: tuple[ResourceLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminResource(DeskPage):
    """`/admin/resources/{segment}`: one of them, with what its API is to publish (RFC 9728).

    `published_at` is where that has to stand, empty for a resource that is no place on the web; `here` says that this
    server publishes it already. `header` is the line that sends clients there.
    """

    template: ClassVar[str] = "admin_resource.html"
    place: ClassVar[DeskPlace] = "admin-resources"

    resource: ResourceLine
    issuer: str
    document: Mapping[str, Any] = field(default_factory=dict)
    published_at: str = ""
    header: str = ""
    here: bool = False

    @property
    def document_text(self) -> str:
        """The document as it may be copied."""
        return json.dumps(self.document, indent=2)

    @property
    def route(self) -> str:
        """A route of a Python web framework that publishes it."""
        body = f"    return {self.document_text}".replace("\n", "\n    ")
        return f'@app.get("{urlsplit(self.published_at).path}")\nasync def metadata():\n{body}'

    @property
    def mcp_server(self) -> str:
        """The same for a server with the MCP SDK for Python, which makes the document and the header by itself."""
        required = json.dumps(list(self.document.get("scopes_supported", [])))
        return (
            "auth = AuthSettings.model_validate({\n"
            f'    "issuer_url": "{self.issuer}",\n'
            f'    "resource_server_url": "{self.resource.identifier}",\n'
            f'    "required_scopes": {required},\n'
            '    "validate_token_resource": True,\n'
            "})"
        )
