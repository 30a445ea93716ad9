"""Request objects that were fetched: kept as long as is allowed, and not without end."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from app.outbound import request_documents
from app.outbound.client import Failed
from app.outbound.request_documents import RequestDocuments
from tests.support.facts import NOW
from tests.support.far_server import HOST, FarServer, Trust, answer, far_server, trust, way_out

KEPT = "Cache-Control: max-age=60"


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return trust(tmp_path_factory.mktemp("far"), HOST)


@pytest.fixture
async def far(trusted: Trust) -> AsyncIterator[FarServer]:
    async with far_server(trusted.context) as running:
        running.says = answer(b"a.b.c", KEPT, content_type="application/jwt")
        yield running


@pytest.fixture
def documents(far: FarServer, trusted: Trust) -> RequestDocuments:
    moments = iter(NOW + timedelta(seconds=n) for n in range(1000))
    return RequestDocuments(way_out(far.place, ca_file=trusted.ca_file), lambda: next(moments))


@pytest.mark.spec("standards", "RO-9")
async def test_what_was_used_last_is_kept_longest(
    documents: RequestDocuments, far: FarServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_documents, "MAX_DOCUMENTS", 2)
    one, two, three = (f"https://{far.place}/{name}" for name in ("one", "two", "three"))
    for place in (one, two, one, three, one):
        assert await documents.get(place, place) == b"a.b.c"
    assert len(far.requests) == 3
    await documents.get(two, two)
    assert len(far.requests) == 4


@pytest.mark.spec("standards", "RO-9")
async def test_what_could_not_be_had_is_asked_for_again(documents: RequestDocuments, far: FarServer) -> None:
    place = f"https://{far.place}/one"
    says, far.says = far.says, answer(b"", status="404 Not Found")
    with pytest.raises(Failed, match="status 404"):
        await documents.get(place, place)
    far.says = says
    assert await documents.get(place, place) == b"a.b.c"
