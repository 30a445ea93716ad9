"""Protected resource metadata (RFC 9728): how a client learns from an API which server has tokens for it.

The server publishes the documents of its own APIs, and those of resources that stand on its own origin, where a proxy
may have no other place for them. For every other one it can say what that API is to publish itself.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from app.protocol import dpop, own_api, userinfo
from app.protocol.features import Feature, FeatureSet
from app.protocol.origins import origin_of
from app.protocol.resources import Resource
from app.protocol.scopes import OFFLINE_ACCESS, ScopeRegistry

PATH = "/.well-known/oauth-protected-resource"

Document = dict[str, str | bool | list[str]]


@dataclass(frozen=True, slots=True)
class OwnDocuments:
    """Where the documents of the server's own APIs stand; empty while there are none.

    Their challenges name these addresses (PR-3): those of `api` for the JSON API, and of `userinfo`.
    """

    api: str = ""
    userinfo: str = ""


NO_DOCUMENTS = OwnDocuments()


def own_documents(issuer: str, features: FeatureSet) -> OwnDocuments:
    """Return where the documents of a server with these features stand."""
    if Feature.PROTECTED_RESOURCE_METADATA not in features:
        return NO_DOCUMENTS
    there = Feature.OPENID in features
    return OwnDocuments(address_of(issuer + own_api.PATH), address_of(issuer + userinfo.PATH) if there else "")


def own_resources(issuer: str, features: FeatureSet) -> tuple[str, ...]:
    """PR-4, RFC 9728 §4: return the resources that the metadata of the server names, each with a document here."""
    if not {Feature.PROTECTED_RESOURCE_METADATA, Feature.RESOURCE_INDICATORS} <= features:
        return ()
    return (issuer + own_api.PATH, *((issuer + userinfo.PATH,) if Feature.OPENID in features else ()))


def own_identifiers(issuer: str) -> frozenset[str]:
    """Return what the server's own APIs are called."""
    return frozenset({issuer + own_api.PATH, issuer + userinfo.PATH})


def address_of(identifier: str) -> str:
    """Return where the document of a resource stands (PR-1, RFC 9728 §3.1): the well-known part is inserted between
    host and path, and a path that is a slash alone falls away. Empty for a resource that is no place on the web."""
    parts = urlsplit(identifier)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return ""
    path = "" if parts.path == "/" else parts.path
    return f"{parts.scheme}://{parts.netloc}{PATH}{path}{f'?{parts.query}' if parts.query else ''}"


def identifiers_at(issuer: str, path: str, query: str = "") -> tuple[str, ...]:
    """Return the resources whose document would stand at a path of this server: there can be one, or a bare origin in
    each of its two spellings.

    Below the path of an issuer, the rest of the path is read as below the issuer.
    """
    prefix = urlsplit(issuer).path.rstrip("/")
    if prefix and path.startswith(prefix + PATH):
        above, path = issuer.rstrip("/"), path.removeprefix(prefix)
    else:
        above = origin_of(issuer)
    rest = path.removeprefix(PATH) + (f"?{query}" if query else "")
    return (above, f"{above}/") if rest in ("", "/") else (above + rest,)


def document(resource: Resource, issuer: str, features: FeatureSet, scopes: ScopeRegistry) -> Document:
    """Return the metadata of a resource (PR-2, RFC 9728 §2), with nothing in it that this server cannot know.

    Of an API of our own that is how it takes tokens. `offline_access` is between the client and this server, and no API
    lists it (MC-9). An API that understands every scope lists none: clients then ask for what a challenge names.
    """
    api = resource.identifier == issuer + own_api.PATH
    understood = own_api.SCOPES if api and resource.scopes is None else resource.scopes or frozenset()
    named = [definition.name for definition in scopes if definition.name in understood - {OFFLINE_ACCESS}]
    members: Document = {
        "resource": resource.identifier,
        "authorization_servers": [issuer],
        "scopes_supported": named,
        "bearer_methods_supported": ["header"],
        "resource_name": resource.name,
    }
    if resource.identifier in own_identifiers(issuer):
        members["resource_documentation"] = f"{issuer}/docs"
        if Feature.DPOP in features:
            members["dpop_signing_alg_values_supported"] = list(dpop.ALGORITHMS)
        if Feature.MUTUAL_TLS in features:
            members["tls_client_certificate_bound_access_tokens"] = True
    return {name: value for name, value in members.items() if value not in ("", [])}


def challenge(resource: Resource) -> str:
    """Return the header line with which an API sends clients to its document (PR-3, RFC 9728 §5.1)."""
    return f'WWW-Authenticate: Bearer resource_metadata="{address_of(resource.identifier)}"'
