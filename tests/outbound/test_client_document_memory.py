"""How much memory metadata documents take, whatever is in them (CI-9)."""

import bisect
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from app.outbound import client_documents
from app.protocol.client_documents import MAX_BYTES
from app.protocol.client_documents import read as read_document
from tests.support.documents import CLIENT_ID, written
from tests.support.facts import REGISTRY

SHAPES: dict[str, Callable[[int], dict[str, Any]]] = {
    "a plain one": lambda _: {},
    "members of a key": lambda n: {"jwks": {"keys": [{"kty": "EC"} | {f"_{i:x}": 0 for i in range(n)}]}},
    "objects in a key": lambda n: {"jwks": {"keys": [{"kty": "EC", "": [{"": 0} for _ in range(n)]}]}},
    "keys": lambda n: {"jwks": {"keys": [{"kty": "EC", "x5c": ["ab"] * 5} for _ in range(min(n, 50))]}},
    "languages": lambda n: {f"client_name#{chr(97 + i % 26)}-{i}": "" for i in range(min(n, 100))},
    "addresses": lambda n: {"redirect_uris": [f"a.{i}:/" for i in range(min(n, 100))]},
    "a long text": lambda n: {"tos_uri": "https://a/" + "a" * min(n, 1900)},
}


def largest(shape: str, client_id: str) -> bytes:
    """Return the largest document of a shape that is read."""

    def body(size: int) -> bytes:
        return written(client_id=client_id, **SHAPES[shape](size))

    return body(bisect.bisect(range(MAX_BYTES), MAX_BYTES, key=lambda size: len(body(size))) - 1)


@pytest.mark.spec("standards", "CI-9")
@pytest.mark.parametrize("shape", SHAPES)
def test_a_document_takes_no_more_memory_than_it_is_counted_for(shape: str) -> None:
    body = largest(shape, CLIENT_ID)
    assert len(body) <= MAX_BYTES
    read_document(CLIENT_ID, body, REGISTRY)  # what is loaded once is not counted
    tracemalloc.start()
    try:
        kept = [read_document(CLIENT_ID, body, REGISTRY) for _ in range(20)]
        taken = tracemalloc.get_traced_memory()[0] / len(kept)
    finally:
        tracemalloc.stop()
    assert taken <= client_documents.weight_of(body), (taken, len(body))
