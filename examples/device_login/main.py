"""A command-line program that signs its person in on another device (RFC 8628), with nothing but the standard library.

Run it with `python -m examples.device_login.main`; the README says what it needs.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
SLOWER_BY = 5
"""Seconds that `slow_down` adds to the interval, for this and all later requests (RFC 8628 §3.5)."""


class Refused(Exception):
    """The server did not give a token; `str()` says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answered: JSON, with its status."""

    status: int
    content: dict[str, Any] = field(repr=False)


def main(arguments: list[str] | None = None) -> int:
    """Log in, show who it is, and return the exit status."""
    parser = argparse.ArgumentParser(description="Sign in on another device.")
    parser.add_argument("--issuer", default="http://localhost:8000", help="the server (%(default)s)")
    parser.add_argument("--client-id", default="device-login", help="this program's client id there (%(default)s)")
    parser.add_argument("--scope", default="project:read", help="what to ask for (%(default)s)")
    options = parser.parse_args(arguments)
    try:
        token = log_in(options.issuer, options.client_id, options.scope)
    except (Refused, OSError) as failed:
        print(f"Not signed in: {failed}", file=sys.stderr)
        return 1
    me = call(f"{options.issuer}/api/v1/me", token=token["access_token"])
    print(f"Signed in as {me.content['username']}; the token carries: {token.get('scope', 'nothing')}")
    return 0


def log_in(
    issuer: str,
    client_id: str,
    scope: str,
    *,
    say: Callable[[str], None] = print,
    wait: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Return the token response, once the person has allowed it; raises Refused."""
    endpoints = call(f"{issuer}/.well-known/oauth-authorization-server").content
    begun = call(endpoints["device_authorization_endpoint"], client_id=client_id, scope=scope)
    if begun.status != 200:
        raise Refused(begun.content.get("error_description", "the server did not begin"))
    say(f"Open {begun.content['verification_uri']} in a browser and enter the code {begun.content['user_code']}")
    say(f"(or open {begun.content['verification_uri_complete']})")
    interval = begun.content.get("interval", 5)
    while True:
        wait(interval)
        polled = call(
            endpoints["token_endpoint"],
            grant_type=GRANT_TYPE,
            device_code=begun.content["device_code"],
            client_id=client_id,
        )
        if polled.status == 200:
            return polled.content
        match polled.content.get("error"):
            case "authorization_pending":
                continue
            case "slow_down":
                interval += SLOWER_BY
            case "access_denied":
                raise Refused("you did not allow it")
            case "expired_token":
                raise Refused("nobody entered the code in time")
            case _:
                raise Refused(polled.content.get("error_description", "the server refused"))


def call(url: str, *, token: str = "", **form: str) -> Answer:
    """Send a form, or get what is there when there is none, and return the JSON that comes back."""
    body = urlencode(form).encode("ascii") if form else None
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urlopen(Request(url, data=body, headers=headers), timeout=10) as answer:  # noqa: S310 -- whoever runs it names the server
            return Answer(answer.status, json.load(answer))
    except HTTPError as refused:
        with refused:
            return Answer(refused.code, json.load(refused))


if __name__ == "__main__":
    sys.exit(main())
