"""The FastAPI routes of the JSON API in the OpenAPI document: generated from their models, put into our form."""

from collections.abc import Iterator, Sequence
from typing import Any

from fastapi.openapi.constants import REF_TEMPLATE
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.routing import BaseRoute

from app.routers.api.problems import ProblemDetails

_PREFIX = "/api/"
_GENERATED = "HTTPValidationError", "ValidationError"
"""Schemas of the framework's own errors, which never leave this server."""

_MODELS = "app.routers.api."


def with_routes(document: dict[str, Any], routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """Return the document with the API routes of an application added."""
    own = [context for context in iter_route_contexts(routes) if (context.path or "").startswith(_PREFIX)]
    generated = get_openapi(title="", version="", routes=own)
    for operation in (operation for path in generated["paths"].values() for operation in path.values()):
        if "application/json" in operation["responses"].get("422", {}).get("content", ()):
            del operation["responses"]["422"]  # the framework's; ours are problems
    components, added = document["components"], generated["components"]
    schemas = {name: schema for name, schema in added["schemas"].items() if name not in _GENERATED}
    schemas |= _problem_schemas()
    _restore_examples(schemas)
    known = components["securitySchemes"]  # OAuth stands first there, and first in the explorer’s window
    further = {name: scheme for name, scheme in added["securitySchemes"].items() if name not in known}
    if twice := components["schemas"].keys() & schemas.keys():
        raise ValueError(f"two schemas of the API document have the name {min(twice)}")
    return document | {
        "paths": document["paths"] | generated["paths"],
        "components": {
            "schemas": components["schemas"] | schemas,
            "securitySchemes": known | further,
        },
    }


def _problem_schemas() -> dict[str, dict[str, Any]]:
    """Return the schema that every problem of the routes names, and what it names itself."""
    _, described = models_json_schema([(ProblemDetails, "serialization")], ref_template=REF_TEMPLATE)
    schemas: dict[str, dict[str, Any]] = described["$defs"]
    return schemas


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
