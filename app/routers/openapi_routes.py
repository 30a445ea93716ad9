"""The FastAPI routes of the JSON API in the OpenAPI document: generated from their models, put into our form."""

from collections.abc import Iterator, Sequence
from typing import Any

from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel
from starlette.routing import BaseRoute

_PREFIX = "/api/"
_GENERATED = "HTTPValidationError", "ValidationError"
"""Schemas of the framework's own errors, which never leave this server."""

_MODELS = "app.routers.api."


def with_routes(document: dict[str, Any], routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """Return the document with the API routes of an application added."""
    own = [context for context in iter_route_contexts(routes) if (context.path or "").startswith(_PREFIX)]
    generated = get_openapi(title="", version="", routes=own)
    for operation in (operation for path in generated["paths"].values() for operation in path.values()):
        operation["responses"].pop("422", None)
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                response["content"] = {"application/problem+json": response["content"]["application/json"]}
    components, added = document["components"], generated["components"]
    schemas = {name: schema for name, schema in added["schemas"].items() if name not in _GENERATED}
    _restore_examples(schemas)
    return document | {
        "paths": document["paths"] | generated["paths"],
        "components": {
            "schemas": components["schemas"] | schemas,
            "securitySchemes": added["securitySchemes"] | components["securitySchemes"],
        },
    }


def _restore_examples(schemas: dict[str, dict[str, Any]]) -> None:
    """Put the examples of our models back: the generator leaves out every member that is null."""
    for model in _descendants(BaseModel):
        extra = model.model_config.get("json_schema_extra")
        if model.__module__.startswith(_MODELS) and model.__name__ in schemas and isinstance(extra, dict):
            schemas[model.__name__].update(extra)


def _descendants(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for child in model.__subclasses__():
        yield child
        yield from _descendants(child)
