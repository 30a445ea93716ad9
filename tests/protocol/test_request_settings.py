"""What an application registered about demanding requests, as its column keeps it."""

import orjson
import pytest

from app.protocol import request_settings
from app.protocol.request_settings import PLAIN, RequestSettings

FULL = RequestSettings(
    object_alg="ES256",
    push_required=True,
    request_uris=("https://app.example/request.jwt",),
    answer_encryption=("ECDH-ES", "A256GCM"),
    ciba_mode="ping",
    ciba_endpoint="https://app.example/ping",
)


@pytest.mark.parametrize("settings", [PLAIN, FULL], ids=["plain", "full"])
def test_what_was_stored_is_read_again(settings: RequestSettings) -> None:
    assert request_settings.read(orjson.loads(orjson.dumps(settings.stored))) == settings


def test_what_is_as_always_takes_no_room_and_what_a_newer_server_wrote_is_passed_over() -> None:
    assert PLAIN.stored == {}
    assert request_settings.read({"ciba_mode": "poll", "hologram": True}) == RequestSettings(ciba_mode="poll")
