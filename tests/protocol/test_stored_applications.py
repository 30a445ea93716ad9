"""What applications are kept as."""

from typing import Any

import pytest

from app.protocol.client_metadata import ClientMetadata
from app.protocol.stored_applications import kind_of

WEB, LOOPBACK, PRIVATE = "https://a.example/cb", "http://127.0.0.1/cb", "com.example.app:/cb"


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        ("machine", {"grant_types": ["client_credentials"]}),
        ("web", {"redirect_uris": [WEB]}),
        ("browser", {"redirect_uris": [WEB], "token_endpoint_auth_method": "none"}),
        ("native", {"redirect_uris": [LOOPBACK], "token_endpoint_auth_method": "none"}),
        ("browser", {"redirect_uris": [LOOPBACK], "token_endpoint_auth_method": "none", "application_type": "web"}),
        ("native", {"redirect_uris": [WEB], "application_type": "native"}),
        ("native", {"redirect_uris": [PRIVATE], "token_endpoint_auth_method": "none"}),
    ],
)
def test_the_kind_follows_from_how_it_proves_itself_and_where_its_answers_go(
    kind: str, members: dict[str, Any]
) -> None:
    assert kind_of(ClientMetadata.model_validate(members)) == kind
