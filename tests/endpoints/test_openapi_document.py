"""The OpenAPI document: valid, whole, and with an example of everything that goes in or out."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis

from tests.support.service import Service

PREFIX = "/api/v1"
METHODS = ("get", "post", "put", "patch", "delete")
JSON_TYPES = ("application/json", "application/problem+json")
SCHEMES = {"session", "oauth", "bearer", "key"}


@pytest.fixture(scope="module")
async def document(site: Service) -> dict[str, Any]:
    """The document as it is served."""
    async with site.browser() as browser:
        described: dict[str, Any] = (await browser.get("/openapi.json")).json()
    return described


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the operations of the JSON API with their names."""
    for path, item in document["paths"].items():
        if path.startswith(PREFIX):
            for method in METHODS:
                if method in item:
                    yield f"{method.upper()} {path}", item[method]


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema behind a reference."""
    reference = schema.get("$ref")
    return document["components"]["schemas"][reference.rpartition("/")[2]] if reference else schema


def has_example(document: dict[str, Any], content: dict[str, Any]) -> bool:
    """Tell whether a body is shown by an example, its own or its schema's."""
    if content.get("example") or content.get("examples"):
        return True
    schemas = content["schema"].get("anyOf", [content["schema"]])
    return any(resolved(document, schema).get("examples") for schema in schemas)


async def test_the_document_is_valid(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(document).validate()


async def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = set(document["components"]["schemas"])
    used = set(re.findall(r"'\$ref': '#/components/schemas/([^']+)'", str(document)))
    assert used
    assert used <= schemas


async def test_every_operation_has_its_own_name_and_says_what_it_does(document: dict[str, Any]) -> None:
    names = [item[method]["operationId"] for item in document["paths"].values() for method in METHODS if method in item]
    assert len(names) == len(set(names))
    for label, operation in operations(document):
        assert operation["summary"], label
        assert operation.get("description"), label
        assert operation["tags"], label


async def test_every_operation_says_which_credentials_open_it(document: dict[str, Any]) -> None:
    assert set(document["components"]["securitySchemes"]) >= SCHEMES
    for label, operation in operations(document):
        schemes = {name for requirement in operation["security"] for name in requirement}
        assert schemes, label
        assert schemes <= SCHEMES, label


async def test_every_json_body_has_an_example(document: dict[str, Any]) -> None:
    for label, operation in operations(document):
        bodies = [("request", operation.get("requestBody", {}))]
        bodies += [(status, response) for status, response in operation["responses"].items()]
        for place, body in bodies:
            for media_type, content in body.get("content", {}).items():
                if media_type in JSON_TYPES:
                    assert has_example(document, content), f"{label}: {place}"


async def test_what_was_made_says_where_it_is_and_lists_say_where_they_go_on(document: dict[str, Any]) -> None:
    for label, operation in operations(document):
        made, read = operation["responses"].get("201"), operation["responses"].get("200")
        if made:
            assert "Location" in made["headers"], label
        if read and any(parameter["name"] == "cursor" for parameter in operation.get("parameters", ())):
            assert "Link" in read["headers"], label


async def test_every_parameter_is_explained(document: dict[str, Any]) -> None:
    for label, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            assert parameter.get("description") or parameter["in"] == "path", f"{label}: {parameter['name']}"


NEVER_CHANGE = (
    "/secrets/{id}",
    "/families/{family}",
    "/invitations/{id}",
    "/registration-tokens/{id}",
    "/sessions",
    "/sessions/{id}",
    "/{session_id}",
)
"""What is made and ended, and never anything else: it has no version."""


def parameters(operation: dict[str, Any]) -> set[str]:
    """Return the names of everything that an operation takes beside its body."""
    return {parameter["name"].lower() for parameter in operation.get("parameters", ())}


async def test_whatever_makes_something_can_be_sent_again(document: dict[str, Any]) -> None:
    made = {label: operation for label, operation in operations(document) if "201" in operation["responses"]}
    assert made
    for label, operation in made.items():
        assert "idempotency-key" in parameters(operation), label


async def test_whatever_changes_or_ends_something_can_name_the_version_that_it_was_meant_for(
    document: dict[str, Any],
) -> None:
    for label, operation in operations(document):
        if label.startswith("PATCH "):
            assert "ETag" in operation["responses"]["200"]["headers"], label
        if label.startswith(("PATCH ", "PUT ", "DELETE ")) and not label.endswith(NEVER_CHANGE):
            assert "if-match" in parameters(operation), label
            assert "412" in operation["responses"], label


async def test_every_list_that_can_grow_comes_in_pages(document: dict[str, Any]) -> None:
    lists = {
        label: operation
        for label, operation in operations(document)
        if label.startswith("GET ") and operation["summary"].startswith("List ")
    }
    assert lists
    whole = {
        "GET /api/v1/applications/{client_id}/secrets": "two at most",
        "GET /api/v1/admin/resources": "every worker holds them all",
    }
    assert {label for label, operation in lists.items() if "cursor" not in parameters(operation)} == whole.keys()
