"""What an application demands that a server does not have, this one and those of the schema before."""

from typing import Any

import pytest

from app.protocol import unmet


@pytest.mark.parametrize(
    ("registration", "noted"),
    [
        ({}, ()),
        ({"profile": "oauth2.1", "require_pushed_authorization_requests": False}, ()),
        (
            {"require_signed_request_object": True, "require_pushed_authorization_requests": True},
            ("require_pushed_authorization_requests", "require_signed_request_object"),
        ),
        ({"profile": "fapi2"}, ("profile fapi2",)),
        (
            {"profile": "fapi2-message-signing", "require_pushed_authorization_requests": True},
            ("require_pushed_authorization_requests", "profile fapi2-message-signing"),
        ),
        ({"profile": "fapi3"}, ()),
    ],
    ids=["nothing", "the_usual", "requests", "fapi", "message_signing", "unknown_to_all"],
)
def test_what_servers_of_the_schema_before_cannot_do_is_noted_for_them_and_no_obstacle_here(
    registration: dict[str, Any], noted: tuple[str, ...]
) -> None:
    assert unmet.beyond_earlier(registration) == noted
    assert unmet.unmet_here(noted) == ()


def test_what_no_server_knows_stays_an_obstacle() -> None:
    assert unmet.unmet_here(("profile", "profile fapi2", "subject_type")) == ("profile", "subject_type")
