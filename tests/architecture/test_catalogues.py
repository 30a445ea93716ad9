"""Catalogues are whole and no longer than what is used: an entry that nothing names is a promise that nothing keeps."""

import ast
from functools import cache

import pytest

from app.protocol.errors import ErrorCode
from app.protocol.events import Event
from tests.architecture.repository import Module, modules

DESCRIBED_IN = ("app.protocol.errors", "app.routers.openapi")
"""Where error codes are listed without being raised."""

FEATURES_ASKED_IN = (
    "app.protocol.features",
    "app.protocol.authorize.pushed",
    "app.protocol.authorize.request",
    "app.protocol.authorize.request_object",
    "app.protocol.ciba_calls",
    "app.protocol.client_auth",
    "app.protocol.client_documents",
    "app.protocol.details",
    "app.protocol.dpop",
    "app.protocol.frontchannel",
    "app.protocol.grant_management",
    "app.protocol.grant_types",
    "app.protocol.introspection_jwt",
    "app.protocol.logout",
    "app.protocol.logout_delivery",
    "app.protocol.mtls",
    "app.protocol.metadata",
    "app.protocol.openid_metadata",
    "app.protocol.openid_tokens",
    "app.protocol.profiles",
    "app.protocol.registration",
    "app.protocol.request_metadata",
    "app.protocol.resource_metadata",
    "app.protocol.resources",
    "app.protocol.response_types",
    "app.protocol.session_state",
    "app.routers.endpoints",
    "app.routers.openapi",
    "app.settings",
)
"""The registry, rules that are one feature, mounting, the computed documents, and the policy that settings turn
switches into."""


EVENTS_TOLD_IN = (
    "app.protocol.events",
    "app.views",
    "app.routers.account.desk",
    "app.routers.api.history_models",
)
"""Where events are listed, put into words and shown, without being written down."""


def members_named(module: Module, enum: str) -> set[str]:
    """Return the members of an enum that the module names."""
    return {
        node.attr
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == enum
    }


@cache
def codes_raised() -> frozenset[str]:
    """Return the error codes that some module names which does more than describe them."""
    raising = [module for module in modules("app") if not module.is_in(*DESCRIBED_IN)]
    return frozenset().union(*(members_named(module, "ErrorCode") for module in raising))


@pytest.mark.parametrize("code", ErrorCode)
def test_every_error_code_is_raised_somewhere(code: ErrorCode) -> None:
    assert code.name in codes_raised()


def test_features_are_asked_only_where_things_are_mounted_registered_and_published() -> None:
    asking = [module for module in modules("app") if members_named(module, "Feature")]
    assert not [module.path for module in asking if not module.is_in(*FEATURES_ASKED_IN)]


@cache
def events_written() -> frozenset[str]:
    """Return the events that some module names which does more than tell of them."""
    writing = [module for module in modules("app") if not module.is_in(*EVENTS_TOLD_IN)]
    return frozenset().union(*(members_named(module, "Event") for module in writing))


@pytest.mark.parametrize("event", Event)
def test_every_event_is_written_down_somewhere(event: Event) -> None:
    assert event.name in events_written()


def test_no_event_is_spelled_outside_the_catalogue() -> None:
    """A name in quotes could be mistyped, and nobody would find its rows."""
    names = {event.value for event in Event}
    spelled = [
        (module.path, node.value)
        for module in modules("app")
        if not module.is_in("app.protocol.events")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and node.value in names
    ]
    assert spelled == []


def test_a_member_is_found_by_its_enum() -> None:
    module = Module("app.example", "example.py", ast.parse("raise OAuthError(ErrorCode.INVALID_GRANT, Other.THING)"))
    assert members_named(module, "ErrorCode") == {"INVALID_GRANT"}
