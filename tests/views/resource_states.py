"""The pages about resources in every state."""

from collections.abc import Iterator
from datetime import timedelta

from app.protocol import own_api, resource_metadata
from app.protocol.features import Feature, FeatureSet
from app.protocol.resources import Resource
from app.protocol.scopes import BUILTIN, DEFAULT, ScopeRegistry
from app.views.pages.identity import Page
from app.views.pages.resources import AdminResource, AdminResources, ResourceLine
from tests.views.admin_states import OPERATOR

ISSUER = "https://id.lumenfold.example"
DIARY = Resource("https://mcp.deploydiary.example/mcp", "Diary tools", frozenset({"project:read", "project:write"}))
OWN = own_api.resource(ISSUER)
BESIDE = Resource(f"{ISSUER}/" + "long-" * 60, "N" * 100)
NOWHERE = Resource("urn:example:billing", "Billing")


def page_of(resource: Resource, line: ResourceLine) -> AdminResource:
    """Return the page of a resource."""
    features, scopes = FeatureSet(Feature), ScopeRegistry((*DEFAULT, *BUILTIN))
    address = resource_metadata.address_of(resource.identifier)
    return AdminResource(
        account=OPERATOR,
        resource=line,
        issuer=ISSUER,
        document=resource_metadata.document(resource, ISSUER, features, scopes),
        published_at=address,
        header=resource_metadata.challenge(resource) if address else "",
        here=address.startswith(f"{ISSUER}/"),
    )


def resource_pages() -> Iterator[tuple[str, Page]]:
    """Yield each state of each page."""
    diary = ResourceLine(
        DIARY.identifier,
        DIARY.name,
        scopes=("project:write", "project:read"),
        lifetime=timedelta(minutes=10),
        introspection_clients=("diary-server", "c" * 200),
    )
    own = ResourceLine(OWN.identifier, OWN.name, "server")
    signed = ResourceLine(BESIDE.identifier, BESIDE.name, "settings", "jwt", "ES256", scopes=())
    unnamed = ResourceLine("https://api.example.com", token_format="jwt")
    nowhere = ResourceLine(NOWHERE.identifier, NOWHERE.name)
    yield "admin-resources", AdminResources(account=OPERATOR, resources=(own, diary, signed, unnamed, nowhere))
    for name, resource, line in (
        ("declared", DIARY, diary),
        ("own", OWN, own),
        ("beside", BESIDE, signed),
        ("nowhere", NOWHERE, nowhere),
    ):
        yield f"admin-resource-{name}", page_of(resource, line)
