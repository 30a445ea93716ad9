"""Every page of ours, asked for with what no id, no name and no moment is: never a fault of the server."""

from collections.abc import Iterator

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from app.main import pages_of
from app.settings import Settings
from tests.support.service import ISSUER, Service, sign_in

WRONG = ("x", "%00", "a%00b", "%ff", "%ed%a0%80", "-1", "9" * 400, "=", "=AA", "%F0%9F%98%80", "%27%20or%201=1--")
PARAMETERS = (
    *("q", "after", "before", "cursor", "event", "actor", "target", "since", "until", "format", "newer", "page"),
    *("done", "removed", "disconnected", "interaction", "to", "again", "owner", "state", "show", "invited"),
)
"""What some page or other looks at."""


def pages() -> Iterator[tuple[str, str]]:
    """Yield method and path template of every page."""
    for context in iter_route_contexts(pages_of(Settings(issuer=ISSUER).configuration()).routes):
        if context.path and not context.path.startswith(("/api/", "/static")):
            for method in sorted(context.methods or ()):
                yield method, context.path


@pytest.fixture(scope="module")
async def operator(site: Service) -> str:
    """An operator, who may open every page."""
    await site.user("ada", operator=True)
    return "ada"


@pytest.fixture
async def ada(browser: httpx.AsyncClient, operator: str) -> httpx.AsyncClient:
    """Her browser."""
    assert (await sign_in(browser, operator)).status_code == 303
    return browser


@pytest.mark.spec("original", "BUG 18")
@pytest.mark.parametrize(("method", "path"), [page for page in pages() if "{" in page[1]])
async def test_no_id_in_the_path_of_a_page_is_a_fault(ada: httpx.AsyncClient, method: str, path: str) -> None:
    for wrong in WRONG:
        filled = "/".join(wrong if part.startswith("{") else part for part in path.split("/"))
        answer = await ada.request(method, filled, headers={"Sec-Fetch-Site": "same-origin"})
        assert answer.status_code < 500, (filled, answer.text)


@pytest.mark.parametrize(
    "path", [path for method, path in pages() if method == "GET" and "{" not in path], ids=lambda path: path
)
@pytest.mark.parametrize(
    "queries",
    [
        pytest.param(["&".join(f"{name}={wrong}" for name in PARAMETERS) for wrong in WRONG], id="together"),
        pytest.param([f"{name}=a%00b" for name in PARAMETERS], id="alone", marks=pytest.mark.slow),
    ],
)
async def test_no_parameter_of_a_page_is_a_fault(ada: httpx.AsyncClient, path: str, queries: list[str]) -> None:
    for query in queries:
        answer = await ada.get(f"{path}?{query}")
        assert answer.status_code < 500, (query, answer.text)
