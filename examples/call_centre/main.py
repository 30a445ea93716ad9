"""A call centre that asks the customer's phone who is calling (CIBA, poll mode), with nothing but the standard library.

Run it with `python -m examples.call_centre.main CUSTOMER`; the README says what it needs.
"""

import argparse
import base64
import json
import os
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

GRANT_TYPE = "urn:openid:params:grant-type:ciba"
SLOWER_BY = 5
"""Seconds that `slow_down` adds to the interval, for this and all later requests (CIBA §11)."""

SECRET_VARIABLE = "CALL_CENTRE_SECRET"
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_CODE_LENGTH = 4


class Refused(Exception):
    """The customer was not recognised; `str()` says why."""


@dataclass(frozen=True, slots=True)
class Centre:
    """The call centre as the server knows it."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)

    @property
    def credentials(self) -> str:
        """What the Authorization header says (RFC 6749 §2.3.1)."""
        pair = f"{quote(self.client_id, safe='')}:{quote(self.client_secret, safe='')}"
        return f"Basic {base64.b64encode(pair.encode('ascii')).decode('ascii')}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answered: JSON, with its status."""

    status: int
    content: dict[str, Any] = field(repr=False)


def main(arguments: list[str] | None = None) -> int:
    """Ask who is calling, say who it is, and return the exit status."""
    parser = argparse.ArgumentParser(description="Ask a customer's phone whether it is him who calls.")
    parser.add_argument("customer", help="the user name or email address that the caller gives")
    parser.add_argument("--issuer", default="http://localhost:8000", help="the server (%(default)s)")
    parser.add_argument("--client-id", default="call-centre", help="this program's client id there (%(default)s)")
    parser.add_argument("--scope", default="openid profile", help="what to ask for (%(default)s)")
    options = parser.parse_args(arguments)
    centre = Centre(options.issuer, options.client_id, os.environ.get(SECRET_VARIABLE, ""))
    try:
        token = recognise(centre, options.customer, options.scope)
        who = call(f"{options.issuer}/oauth/userinfo", f"Bearer {token['access_token']}").content
    except (Refused, OSError) as failed:
        print(f"Not recognised: {failed}", file=sys.stderr)
        return 1
    print(f"It is {who.get('name', options.customer)} who calls.")
    return 0


def recognise(
    centre: Centre,
    customer: str,
    scope: str,
    *,
    say: Callable[[str], None] = print,
    wait: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Return the token response, once the customer has allowed it on his phone; raises Refused."""
    endpoints = call(f"{centre.issuer}/.well-known/openid-configuration").content
    message = "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH))
    asked = call(
        endpoints["backchannel_authentication_endpoint"],
        centre.credentials,
        scope=scope,
        login_hint=customer,
        binding_message=message,
    )
    if asked.status != 200:
        raise Refused(asked.content.get("error_description", "the server did not ask"))
    say(f"Say to the caller: look at your phone, and allow it only if it shows {message}.")
    interval = asked.content.get("interval", SLOWER_BY)
    while True:
        wait(interval)
        polled = call(
            endpoints["token_endpoint"],
            centre.credentials,
            grant_type=GRANT_TYPE,
            auth_req_id=asked.content["auth_req_id"],
        )
        if polled.status == 200:
            return polled.content
        match polled.content.get("error"):
            case "authorization_pending":
                continue
            case "slow_down":
                interval += SLOWER_BY
            case "access_denied":
                raise Refused("the customer says that he does not call")
            case "expired_token":
                raise Refused("nobody answered on the phone")
            case _:
                raise Refused(polled.content.get("error_description", "the server refused"))


def call(url: str, credentials: str = "", **form: str) -> Answer:
    """Send a form, or get what is there when there is none, and return the JSON that comes back."""
    body = urlencode(form).encode("ascii") if form else None
    headers = {"Authorization": credentials} if credentials else {}
    try:
        with urlopen(Request(url, data=body, headers=headers), timeout=10) as answer:  # noqa: S310 -- whoever runs it names the server
            return Answer(answer.status, json.load(answer))
    except HTTPError as refused:
        with refused:
            return Answer(refused.code, json.load(refused))


if __name__ == "__main__":
    sys.exit(main())
