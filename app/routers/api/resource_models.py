"""What `/api/v1/admin/resources` takes and tells."""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field

from app.protocol.resources import LONGEST, DeclaredBy, Resource, TokenFormat
from app.routers.api.shapes import shown_as, taken_as
from app.services.resources import members_of
from app.views.addresses import segment_of

_DAY = 86_400
_MEMBERS: dict[str, Any] = {
    "name": "Diary tools",
    "scopes": ["project:read", "project:write"],
    "token_format": "opaque",
    "access_token": 600,
    "signing_alg": "",
    "introspection_clients": ["diary-server"],
}
_NEW: dict[str, Any] = {"identifier": "https://mcp.example.com/mcp", **_MEMBERS}
_RESOURCE: dict[str, Any] = {
    "id": segment_of(_NEW["identifier"]),
    **_NEW,
    "declared_by": "data",
    "metadata_url": "https://mcp.example.com/.well-known/oauth-protected-resource/mcp",
    "metadata": {
        "resource": _NEW["identifier"],
        "authorization_servers": ["https://id.example"],
        "scopes_supported": ["project:write", "project:read"],
        "bearer_methods_supported": ["header"],
        "resource_name": "Diary tools",
    },
}

Name = Annotated[str, Field(max_length=100, description="What people call it.")]
Scopes = Annotated[
    list[Annotated[str, Field(max_length=200)]] | None,
    Field(max_length=200, description="The scopes that it understands; null: every one."),
]
Format = Annotated[
    TokenFormat,
    Field(description="`opaque`: it asks this server about tokens. `jwt`: it checks them itself (RFC 9068)."),
]
Seconds = Annotated[
    int | None,
    Field(ge=1, le=_DAY, description="An access token for it, in seconds, if shorter than elsewhere."),
]
Algorithm = Annotated[
    str, Field(max_length=20, description="Algorithm of its JWTs; empty: the first that the server signs with.")
]
Introspecting = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=2000)]],
    Field(
        max_length=100, description="Client IDs of the applications that may introspect its tokens: its own servers."
    ),
]


class ResourceChanges(BaseModel):
    """The members to change; those that are left out stay."""

    model_config = taken_as({"scopes": ["project:read"], "access_token": None})

    name: Name = ""
    scopes: Scopes = None
    token_format: Format = "opaque"
    access_token: Seconds = None
    signing_alg: Algorithm = ""
    introspection_clients: Introspecting = []

    def applied_to(self, resource: Resource) -> Resource:
        """Return the resource with these changes."""
        members = self.model_dump(exclude_unset=True)
        if members.get("scopes") is not None:
            members["scopes"] = frozenset(members["scopes"])
        if members.get("access_token") is not None:
            members["access_token"] = timedelta(seconds=members["access_token"])
        if "introspection_clients" in members:
            members["introspection_clients"] = frozenset(members["introspection_clients"])
        return replace(resource, **members)


class NewResource(ResourceChanges):
    """A new resource."""

    model_config = taken_as(_NEW)

    identifier: str = Field(max_length=LONGEST, description="Its URI (RFC 8707), as clients name it.")

    def resource(self) -> Resource:
        """Return what it describes."""
        return self.applied_to(Resource(self.identifier))


class ResourceAnswer(BaseModel):
    """A resource, and what its API is to publish."""

    model_config = shown_as(_RESOURCE)

    id: str = Field(description="Its identifier as one part of a path.")
    identifier: str
    name: str
    scopes: list[str] | None
    token_format: TokenFormat
    access_token: int | None
    signing_alg: str
    introspection_clients: list[str]
    declared_by: DeclaredBy = Field(
        description="`server`: it is this server itself. `settings`: in its settings, where alone it can be changed. "
        "`data`: by a data file or here."
    )
    metadata_url: str | None = Field(description="Where its metadata has to stand (RFC 9728); null: it is no place.")
    metadata: dict[str, Any] = Field(description="What is to stand there.")

    @classmethod
    def of(cls, resource: Resource, declared_by: str, metadata_url: str, metadata: dict[str, Any]) -> Self:
        """Return what is told of a resource."""
        return cls.model_validate(
            {
                "id": segment_of(resource.identifier),
                "identifier": resource.identifier,
                **members_of(resource),
                "declared_by": declared_by,
                "metadata_url": metadata_url or None,
                "metadata": metadata,
            }
        )


class ResourceList(BaseModel):
    """All resources, by identifier."""

    model_config = shown_as({"items": [_RESOURCE]})

    items: list[ResourceAnswer]
