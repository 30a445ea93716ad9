"""A whole FAPI 2.0 flow with Message Signing: pushed, signed, bound to a key, and every answer verified.

Run it with `python -m examples.fapi.main`; the README says what it needs.
"""

import argparse
import json
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from examples.fapi.callback import Callback
from examples.fapi.jwts import Signer, digest, verified
from examples.fapi.register import FOLDER, KEY

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_PATIENCE = 300
"""Seconds that a person has to sign in and decide."""


class Refused(Exception):
    """The flow ended before its end; `str()` says why."""


@dataclass(frozen=True, slots=True)
class Bank:
    """The server as its metadata describe it, and this program as the server knows it."""

    http: httpx.Client
    metadata: dict[str, Any]
    keys: KeySet
    signer: Signer

    @property
    def issuer(self) -> str:
        """Who signs, and whom everything is signed for."""
        return str(self.metadata["issuer"])

    def post(self, endpoint: str, **form: str) -> dict[str, Any]:
        """Send a form to an endpoint of the metadata, with proof of who sends it and of the key; raises Refused."""
        answer = self._proved("POST", self.metadata[endpoint], form=form)
        content: dict[str, Any] = answer.json()
        if answer.is_error:
            raise Refused(f"{content['error']}: {content.get('error_description', 'no reason given')}")
        return content

    def get(self, url: str, token: str) -> dict[str, Any]:
        """Call an API with a token that is worth nothing without the key."""
        content: dict[str, Any] = self._proved("GET", url, token=token).raise_for_status().json()
        return content

    def _proved(self, method: str, url: str, *, token: str = "", form: dict[str, str] | None = None) -> httpx.Response:
        nonce = ""
        while True:
            headers = {"DPoP": self.signer.proof(method, url, token=token, nonce=nonce)}
            if token:
                headers["Authorization"] = f"DPoP {token}"
            data = form and {
                **form,
                "client_assertion_type": _ASSERTION,
                "client_assertion": self.signer.assertion(self.issuer),  # each counts once
            }
            answer = self.http.request(method, url, headers=headers, data=data)
            if nonce or not (nonce := _asked_nonce(answer)):
                return answer


def main(arguments: list[str] | None = None) -> int:
    """Go through the flow, say what comes of each step, and return the exit status."""
    parser = argparse.ArgumentParser(description="A whole FAPI 2.0 flow with Message Signing.")
    parser.add_argument("--issuer", default="http://localhost:8000", help="the server (%(default)s)")
    parser.add_argument("--client-id", default="ledger", help="this program's client id there (%(default)s)")
    parser.add_argument("--scope", default="openid profile project:read", help="what to ask for (%(default)s)")
    parser.add_argument("--details", metavar="JSON", type=_json, help="authorization_details to ask for, a list")
    parser.add_argument("--key", type=Path, default=FOLDER / KEY, help="its private key (%(default)s)")
    options = parser.parse_args(arguments)
    if "openid" not in options.scope.split():
        parser.error("--scope needs openid: the program wants to know who signed in")
    asked = {"scope": options.scope} | ({"authorization_details": options.details} if options.details else {})
    try:
        with httpx.Client(timeout=10) as http:
            flow(discover(http, options.issuer, Signer.of(options.client_id, options.key)), asked)
    except (Refused, JoseError, httpx.HTTPError, OSError, ValueError) as failed:
        print(f"It ended here: {failed}", file=sys.stderr)
        return 1
    return 0


def discover(http: httpx.Client, issuer: str, signer: Signer) -> Bank:
    """Return what the server says of itself; raises Refused when it is another one."""
    metadata = http.get(f"{issuer}/.well-known/openid-configuration").raise_for_status().json()
    if metadata["issuer"] != issuer:
        raise Refused(f"the server calls itself {metadata['issuer']}")
    keys = KeySet.import_key_set(http.get(metadata["jwks_uri"]).raise_for_status().json())
    return Bank(http, metadata, keys, signer)


def flow(bank: Bank, asked: dict[str, Any], *, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Ask for what is in `asked`, and return the token response of a refresh at the end; raises Refused."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    with Callback() as callback:
        request = bank.signer.request_object(
            bank.issuer,
            {
                "response_type": "code",
                "response_mode": "jwt",
                "redirect_uri": callback.url,
                "state": state,
                "nonce": nonce,
                "code_challenge": digest(verifier),
                "code_challenge_method": "S256",
                "dpop_jkt": bank.signer.thumbprint,
                **asked,
            },
        )
        pushed = bank.post("pushed_authorization_request_endpoint", request=request)
        say(f"1. Pushed a signed request; it waits for {pushed['expires_in']} seconds.")

        query = urlencode({"client_id": bank.signer.client_id, "request_uri": pushed["request_uri"]})
        say(f"2. Open this in a browser, sign in and allow it:\n{bank.metadata['authorization_endpoint']}?{query}")
        answer = verified(
            callback.response(within=_PATIENCE), bank.keys, issuer=bank.issuer, audience=bank.signer.client_id
        )

    if not secrets.compare_digest(answer.get("state", ""), state):
        raise Refused("the answer belongs to another request")
    if "error" in answer:
        raise Refused(f"{answer['error']}: {answer.get('error_description', 'no reason given')}")
    say("3. Verified the signed answer; it has a code.")

    token = bank.post(
        "token_endpoint",
        grant_type="authorization_code",
        code=answer["code"],
        redirect_uri=callback.url,
        code_verifier=verifier,
    )
    if token["token_type"] != "DPoP":
        raise Refused(f"the token is not bound to the key: its type is {token['token_type']}")
    identity = verified(token["id_token"], bank.keys, issuer=bank.issuer, audience=bank.signer.client_id)
    if identity.get("nonce") != nonce:
        raise Refused("the ID token belongs to another sign-in")
    say(f"4. Redeemed it for a token that is bound to the key; it carries: {token['scope']}")
    if details := token.get("authorization_details"):
        say(f"   and: {json.dumps(details)}")

    person = bank.get(bank.metadata["userinfo_endpoint"], token["access_token"])
    if person["sub"] != identity["sub"]:
        raise Refused("userinfo is about somebody else")
    say(f"5. Asked with it who it is: {person.get('name', person['sub'])}")

    renewed = bank.post("token_endpoint", grant_type="refresh_token", refresh_token=token["refresh_token"])
    say("6. Refreshed; the refresh token stays the same.")
    return renewed


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as wrong:
        raise argparse.ArgumentTypeError(f"this is no JSON: {wrong}") from None


def _asked_nonce(answer: httpx.Response) -> str:
    """Return the nonce that the server wants to see in a new proof, if that is what it wants (RFC 9449 §8)."""
    wants = answer.is_error and "use_dpop_nonce" in answer.text + answer.headers.get("WWW-Authenticate", "")
    return answer.headers.get("DPoP-Nonce", "") if wants else ""


if __name__ == "__main__":
    sys.exit(main())
