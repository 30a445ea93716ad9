"""The errors of a protocol endpoint, as its entry in the OpenAPI document tells them."""

from typing import Any


def error_answers(**codes: str) -> dict[str, Any]:
    """Return the responses of an operation that are errors, by `status_400` and so on: which there may be."""
    schema = {"schema": {"$ref": "#/components/schemas/Error"}}
    return {
        status.removeprefix("status_"): {"description": told, "content": {"application/json": schema}}
        for status, told in codes.items()
    }
