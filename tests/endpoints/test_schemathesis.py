"""The JSON API keeps to its own document, whatever is sent to it: generated requests to a real server.

Each operation is tried as a person in a browser and as a script with a token, with requests that fit the document and
with requests that do not.
"""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.generation.case import Case
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.protocol.scopes import ABOUT_PEOPLE
from tests.support.server import Server, directory_for_server, running_server
from tests.support.service import fields_of

EXAMPLES = 5
"""Requests per operation, credential and kind of data."""

USERNAME, PASSWORD = "ada", "violet anchor plum taxi"
PREFIX = "/api/v1"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
HERE = {"Sec-Fetch-Site": "same-origin"}

Operation = APIOperation[Any, Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends the requests: his headers, and an organization in which he may do everything."""

    headers: Mapping[str, str] = field(repr=False)
    slug: str


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server with an operator."""
    with directory_for_server() as directory, running_server(directory) as running:
        file = directory / "password"
        file.write_text(PASSWORD)
        made = running.assent_here("user", "create", USERNAME, "--operator", "--password-file", str(file))
        assert made.exit_code == 0, made.output
        yield running


@pytest.fixture
def person(server: Server) -> Caller:
    """The operator in a browser, with an organization in which there is one of everything."""
    slug = f"northquay-{secrets.token_hex(3)}"
    with server.client(headers=HERE) as browser:
        form = fields_of(browser.get("/login"))
        assert browser.post("/login", data=form | {"username": USERNAME, "password": PASSWORD}).status_code == 303
        browser.headers["X-CSRF-Token"] = browser.get(f"{PREFIX}/session").json()["csrf"]
        organization = f"{PREFIX}/organizations/{slug}"
        for path, body in (
            (f"{PREFIX}/organizations", {"name": "Northquay", "slug": slug}),
            (f"{PREFIX}/applications", {}),
            (f"{organization}/api-keys", {}),
            (f"{organization}/invitations", {"role": "member"}),
        ):
            made = browser.post(path, json=body)
            assert made.status_code == 201, made.text
        cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        return Caller({**HERE, "X-CSRF-Token": browser.headers["X-CSRF-Token"], "Cookie": cookies}, slug)


@pytest.fixture
def script(server: Server, person: Caller) -> Caller:
    """A script with a token of the operator's that holds every scope."""
    with server.client(headers=dict(person.headers)) as browser:
        known = browser.get("/.well-known/oauth-authorization-server").json()["scopes_supported"]
        scopes = [scope for scope in known if scope not in ABOUT_PEOPLE]
        made = browser.post(f"{PREFIX}/tokens", json={"name": "script", "scopes": scopes})
    assert made.status_code == 201, made.text
    return Caller({"Authorization": f"Bearer {made.json()['token']}"}, person.slug)


@pytest.mark.parametrize(
    ("who", "mode"),
    [
        pytest.param("person", GenerationMode.POSITIVE, id="person-fitting"),
        pytest.param("person", GenerationMode.NEGATIVE, id="person-unfitting", marks=pytest.mark.slow),
        pytest.param("script", GenerationMode.POSITIVE, id="script-fitting", marks=pytest.mark.slow),
        pytest.param("script", GenerationMode.NEGATIVE, id="script-unfitting", marks=pytest.mark.slow),
    ],
)
def test_every_operation_answers_as_its_document_says(
    server: Server, who: str, mode: GenerationMode, request: pytest.FixtureRequest
) -> None:
    caller: Caller = request.getfixturevalue(who)
    schema = schemathesis.openapi.from_url(f"{server.issuer}/openapi.json")
    failures: dict[str, str] = {}
    worked: set[str] = set()
    operations = _operations(schema)
    with requests.Session() as session:
        for operation in operations:
            try:
                worked |= {operation.label} if _try(operation, caller, session, mode) else set()
            except Unsatisfiable:
                assert mode is GenerationMode.NEGATIVE  # what takes nothing can be sent nothing wrong
            except FailureGroup as group:
                failures[operation.label] = "\n".join(str(failure) for failure in group.exceptions)
    assert not failures, "\n\n".join(f"{label}\n{failure}" for label, failure in failures.items())
    if who == "person" and mode is GenerationMode.POSITIVE:  # refusals alone would prove little
        assert len(worked) > len(operations) / 2, sorted({operation.label for operation in operations} - worked)


def _operations(schema: BaseSchema) -> list[Operation]:
    """Return the operations of the JSON API; those that remove something come last."""
    found = list(schema.get_all_operations())
    operations = [result.ok() for result in found if isinstance(result, Ok)]
    assert len(operations) == len(found)
    own = [operation for operation in operations if operation.path.startswith(PREFIX)]
    return sorted(own, key=lambda operation: operation.method == "delete")


def _try(operation: Operation, caller: Caller, session: requests.Session, mode: GenerationMode) -> bool:
    """Send requests to an operation; return whether one of them worked."""
    worked = False
    known = _known(operation, caller, session) if mode is GenerationMode.POSITIVE else {}

    @given(case=operation.as_strategy(generation_mode=mode, path_parameters=known))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def run(case: Case[Any]) -> None:
        nonlocal worked
        answer = case.call(session=session, headers=dict(caller.headers), timeout=60)
        worked = worked or answer.status_code < 300
        case.validate_response(answer, checks=CHECKS)

    run()
    return worked


def _known(operation: Operation, caller: Caller, session: requests.Session) -> dict[str, str]:
    """Return parameters of a path that lead to something: the organization, and the first item of each list."""
    known: dict[str, str] = {}
    way = str(operation.schema.get_base_url())
    for segment in operation.path.strip("/").split("/"):
        if segment.startswith("{"):
            name = segment.strip("{}")
            found = caller.slug if name == "slug" else _first(way, name, caller, session)
            if found is None:
                break
            known[name] = segment = found
        way = f"{way.rstrip('/')}/{segment}"
    return known


def _first(path: str, name: str, caller: Caller, session: requests.Session) -> str | None:
    answer = session.get(path, headers=dict(caller.headers), timeout=60)
    items = answer.json().get("items") if answer.status_code == 200 else None
    return str(items[0].get(name, items[0].get("id"))) if items else None
