"""What an application may register for asking people elsewhere, and what must fit together (CIBA §4; CB-10)."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from app.crypto import jose
from app.protocol import client_requests
from app.protocol.ciba import MODES
from app.protocol.grant_types import ciba

Members = Mapping[str, Any]

MODE = "backchannel_token_delivery_mode"
ENDPOINT = "backchannel_client_notification_endpoint"
ALGORITHM = "backchannel_authentication_request_signing_alg"
USER_CODE = "backchannel_user_code_parameter"


def problem_with(members: Members, *, confidential: bool) -> str:
    """Return the first thing that is wrong: a sentence that begins with the member; empty when nothing is.

    `members` is the metadata by name, with everything that was not given at its default.
    """
    return next(_problems(members, confidential), "")


def _problems(members: Members, confidential: bool) -> Iterator[str]:
    asks, mode, listed = ciba.NAME in members["grant_types"], members[MODE], " or ".join(MODES)
    if asks and not confidential:
        yield f"grant_types has {ciba.NAME}, so token_endpoint_auth_method must not be none"
    if mode is not None and mode not in MODES:
        yield f"{MODE} must be {listed}: this server sends no tokens to applications that have not asked for them"
    if asks and mode is None:
        yield f"{MODE} is missing, which {ciba.NAME} needs; register {listed}"
    yield from _endpoint(members)
    if members[USER_CODE]:
        yield f"{USER_CODE} must be false: people have no user codes here"
    yield from _algorithm(members)


def _endpoint(members: Members) -> Iterator[str]:
    """CB-8: where the ping goes."""
    endpoint = members[ENDPOINT]
    if endpoint is None and members[MODE] == "ping":
        yield f"{MODE} ping needs {ENDPOINT}"
    if endpoint is not None and urlsplit(endpoint).fragment:
        yield f"{ENDPOINT} must not have a fragment"


def _algorithm(members: Members) -> Iterator[str]:
    """CB-4: what tells everybody who has asked is signed with a key of the application's own."""
    alg = members[ALGORITHM]
    if alg is None:
        return
    if alg not in jose.SIGNATURES:
        yield f"{ALGORITHM} is {alg}, and requests are signed with keys; use one of {', '.join(jose.SIGNATURES)}"
    yield from client_requests.key_problems(members, ALGORITHM, alg)
