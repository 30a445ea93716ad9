"""Types of authorization details as operators define them, requests that ask for some, and the way to their tokens."""

import json
from typing import Any

import httpx

from tests.support.service import SECRET, authorize_url, follow, obtain_code, redeem, sign_in

PAYMENT: dict[str, Any] = {
    "description": "Make a payment",
    "remember": False,
    "schema": {
        "type": "object",
        "required": ["instructedAmount", "creditorName"],
        "properties": {
            "locations": {"type": "array"},
            "creditorName": {"type": "string", "maxLength": 70},
            "instructedAmount": {
                "type": "object",
                "required": ["currency", "amount"],
                "additionalProperties": False,
                "properties": {
                    "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
                    "amount": {"type": "string", "pattern": "^[0-9]+(\\.[0-9]{2})?$"},
                },
            },
        },
    },
    "compare": {"instructedAmount.amount": "at_most"},
    "shows": {"creditorName": "To", "instructedAmount.amount": "Amount", "instructedAmount.currency": "Currency"},
}
ACCOUNTS: dict[str, Any] = {"description": "See your bank accounts", "kind": "see"}
TYPES: dict[str, Any] = {"payment": PAYMENT, "accounts": ACCOUNTS}
"""What the settings have below `authorization_details`."""


def payment(amount: str = "20.00", to: str = "Ada Bakery", **changes: Any) -> dict[str, Any]:
    """Return a payment: of a type that is asked for each time."""
    money = {"currency": "EUR", "amount": amount}
    return {"type": "payment", "instructedAmount": money, "creditorName": to, **changes}


def accounts(*actions: str, **changes: Any) -> dict[str, Any]:
    """Return access to accounts: of a type that is remembered."""
    return {"type": "accounts", "actions": list(actions or ("read",)), **changes}


def asking(*objects: dict[str, Any]) -> str:
    """Return the value of `authorization_details`."""
    return json.dumps(objects)


def url(*objects: dict[str, Any], client_id: str = "web", **changes: Any) -> str:
    """Return the address of a request for details alone."""
    return authorize_url(client_id, **{"scope": None, "authorization_details": asking(*objects), **changes})


async def bought(
    browser: httpx.AsyncClient, *objects: dict[str, Any], client_id: str = "web", taken: Any = None, **changes: Any
) -> dict[str, Any]:
    """Walk to the tokens of a request for details; the code is redeemed for `taken`."""
    changes = {"scope": None, "authorization_details": asking(*objects), **changes}
    code = await obtain_code(browser, client_id, "robin", **changes)
    answer = await redeem(browser, client_id, code, authorization_details=taken)
    assert answer.status_code == 200, answer.text
    got: dict[str, Any] = answer.json()
    return got


async def seen(browser: httpx.AsyncClient, token: str, caller: str = "web") -> dict[str, Any]:
    answer = await browser.post("/oauth/introspect", data={"token": token}, auth=(caller, SECRET))
    told: dict[str, Any] = answer.json()
    return told


async def page_of(browser: httpx.AsyncClient, *objects: dict[str, Any], **changes: Any) -> httpx.Response:
    """Sign in and walk to the page that asks."""
    await sign_in(browser, "robin")
    page = await follow(browser, await browser.get(url(*objects, **changes)))
    assert 'id="consent-approve"' in page.text, page.text
    return page


async def record_of(browser: httpx.AsyncClient, client_id: str) -> dict[str, Any]:
    """Return what the API lists of an application."""
    listed = (await browser.get("/api/v1/authorizations", headers={"Sec-Fetch-Site": "same-origin"})).json()["items"]
    found: dict[str, Any] = next(one for one in listed if one["application"]["client_id"] == client_id)
    return found
