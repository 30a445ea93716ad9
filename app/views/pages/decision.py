"""The decision trace as operators read it: outcome and cause, the checks in their order, the failed one explained."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from markupsafe import Markup, escape

from app.views.difference import marked_difference
from app.views.pages.account import DeskPage, DeskPlace

CheckState = Literal["passed", "failed", "asked", "skipped"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A check in words: what it makes sure of, the rule, and how a request that fails is mended."""

    title: str
    rule: str = ""
    remedy: str = ""


EXPLANATIONS: Mapping[str, Explanation] = {
    "return path": Explanation(
        "Application and redirect URI are known",
        "client_id names an active application; redirect_uri is one of its own, sent once.",
        "Send the client ID of an application that is registered and on, and one of its addresses.",
    ),
    "redirect URI": Explanation(
        "Redirect URI is registered",
        "Simple string comparison; only the port of a loopback address may differ.",
        "Send a registered address, or register this one.",
    ),
    "parameters once": Explanation(
        "No parameter comes twice", "A parameter may come once.", "Send each parameter once."
    ),
    "pushed request": Explanation(
        "The request was sent ahead where it has to be",
        "A reference counts once, for a short time and for its application. Some applications come with nothing else.",
        "Push the request, and send the browser with the request_uri of the answer.",
    ),
    "request object": Explanation(
        "The request is signed where it has to be",
        "A request object counts when its application has signed it for this server and this moment; who has "
        "registered so, or is held to a profile that demands it, sends nothing else.",
        "Sign the parameters with a registered key, and send them as request.",
    ),
    "request": Explanation(
        "The request is one that can be judged",
        "It says whose it is, and a request object in it is good. It names a person and a grant that there may be.",
    ),
    "confidential": Explanation(
        "The application proves who it is",
        "Whoever asks for people by name has to authenticate (CIBA).",
        "Register a way to authenticate for the application.",
    ),
    "delivery mode": Explanation(
        "The application polls or is pinged",
        "Tokens are never pushed to applications that have not asked for them.",
        "Register poll or ping as backchannel_token_delivery_mode.",
    ),
    "openid": Explanation(
        "It asks to sign somebody in",
        "A request to a person elsewhere is one of OpenID Connect.",
        "Add openid to scope.",
    ),
    "hint": Explanation(
        "One hint says who is meant",
        "Exactly one of login_hint, id_token_hint and login_hint_token.",
        "Send one of them.",
    ),
    "binding message": Explanation(
        "The binding message can be compared",
        "Short, on one line, of visible characters; some profiles demand one.",
        "Send a few characters that the person sees on both devices.",
    ),
    "notification token": Explanation(
        "The ping can be told from others",
        "An application that is pinged sends a token that nobody can guess.",
        "Send client_notification_token, made of 128 random bits or more.",
    ),
    "requested_expiry": Explanation(
        "How long it waits makes sense", "A positive whole number of seconds.", "Send a whole number, or nothing."
    ),
    "lengths": Explanation("Parameters are short enough", "", "Send shorter values; keep what is long on your side."),
    "response type": Explanation(
        "Response type is registered",
        "The application’s registration lists the response types it may ask for.",
        "Ask for code, or change the registration.",
    ),
    "ID token": Explanation(
        "An ID token through the browser is bound to its request",
        "A response type with id_token needs the scope openid and a nonce.",
        "Ask for openid and send a fresh nonce, or ask for code.",
    ),
    "code challenge": Explanation(
        "Code challenge is sound",
        "PKCE with S256: the challenge is the base64url SHA-256 of the verifier.",
        "Send code_challenge and code_challenge_method=S256.",
    ),
    "scope": Explanation(
        "Permissions can be asked for",
        "Each scope is one of this server’s, and one that the application may ask for.",
        "Ask for other scopes, or add them to the application or to the server’s settings.",
    ),
    "resource": Explanation(
        "Resource is known",
        "Each resource is one of this server’s, and understands what is asked for.",
        "Name registered resources, or leave resource out.",
    ),
    "authorization_details": Explanation(
        "Details can be asked for",
        "A JSON array of objects of types that this server has and the application may ask for, each as its type says.",
        "Send objects of authorization_details_types_supported, or ask for scopes instead.",
    ),
    "grant management": Explanation(
        "It says which grant it is for",
        "create begins one, merge and replace name one by its grant_id; for applications that prove who they are.",
        "Send grant_management_action, with grant_id where it is about a grant that is there.",
    ),
    "grant": Explanation(
        "The grant is there",
        "A grant_id names a grant of this person for this application that has not ended. There can be only so many.",
        "Begin a new grant with grant_management_action=create, or end one that is there.",
    ),
    "dpop_jkt": Explanation(
        "The key that the code is bound to is named",
        "A SHA-256 thumbprint: 43 characters of base64url.",
        "Send the thumbprint of the key of the proofs, or leave dpop_jkt out.",
    ),
    "grant type": Explanation(
        "Grant type is registered",
        "The application’s registration lists the grant types that it may use.",
        "Add the grant type to the registration.",
    ),
    "prompt": Explanation(
        "Prompt is sound", "none stands alone; login and consent go together.", "Send another prompt."
    ),
    "max_age": Explanation("max_age is a number", "Seconds, 0 or more.", "Send a number of seconds."),
    "registration": Explanation(
        "The request registers nothing", "", "Register the application before it asks; leave registration out."
    ),
    "claims": Explanation(
        "Single claims are sound",
        "claims is a JSON object with id_token, userinfo or both (OpenID Connect Core §5.5).",
        "Send claims in that form, or ask for scopes instead.",
    ),
    "acr": Explanation(
        "The sign-in that is demanded exists",
        "What claims makes essential, acr_values demands, or a scope needs is a level of this server; one sign-in can "
        "meet all of it.",
        "Ask for one of acr_values_supported, or for scopes that need less.",
    ),
    "id_token_hint": Explanation(
        "The ID token in the request is ours",
        "Signed by this server for this application; it may have expired.",
        "Send an ID token that this application got here, or leave id_token_hint out.",
    ),
    "acr_values": Explanation("Was the preferred kind of sign-in met?"),
    "ask the person": Explanation("Is anybody to be asked?"),
    "ask for create": Explanation("Is anybody to be asked?"),
    "ask for select_account": Explanation("Is anybody to be asked?"),
    "ask for login": Explanation("Is anybody to be asked?"),
    "ask for consent": Explanation("Is anybody to be asked?"),
    "answer": Explanation(
        "The answer can be made",
        "An ID token is signed, and encrypted, as the application registered it, before anything is written.",
        "Compare the application’s algorithms and keys with those of the server.",
    ),
    "the person's choice": Explanation("The person’s choice"),
}

_ASKED_TO = {"create": "sign up", "select_account": "choose an account", "login": "sign in"}


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `received` is what a failed one looked at, `closest` what would have been right."""

    name: str
    state: CheckState
    detail: str = ""
    section: str = ""
    received: str = ""
    closest: str = ""

    @property
    def title(self) -> str:
        """What it makes sure of, in words."""
        return self._explanation.title

    @property
    def rule(self) -> str:
        """What it goes by."""
        return self._explanation.rule

    @property
    def remedy(self) -> str:
        """How a request that fails here is mended."""
        return self._explanation.remedy

    @property
    def _explanation(self) -> Explanation:
        name = "redirect URI" if self.name == "return path" and self.received else self.name
        return EXPLANATIONS.get(name, Explanation(name))

    @property
    def received_marked(self) -> Markup:
        """What was looked at, with the part that differs marked."""
        return marked_difference(self.received, self.closest) if self.closest else escape(self.received)


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision about a request; `at` is aware. `application_url` is empty when nobody knows the application.

    `not_reached` are the names of checks that would have come.
    """

    at: datetime
    client_id: str
    outcome: str
    checks: tuple[Check, ...]
    application: str = ""
    application_url: str = ""
    not_reached: tuple[str, ...] = ()

    @property
    def failed(self) -> Check | None:
        """The check that ended it."""
        return next((check for check in self.checks if check.state == "failed"), None)

    @property
    def asked(self) -> Check | None:
        """The check that sent the person to a page."""
        return next((check for check in self.checks if check.state == "asked"), None)

    @property
    def headline(self) -> str:
        """Outcome and cause in one line."""
        if self.failed is not None:
            return f"Refused: {self.failed.detail or self.failed.title}"
        if self.asked is not None:
            return f"Asked to {_ASKED_TO.get(self.outcome.rpartition(' ')[2], 'agree')}: {self.asked.detail}"
        if self.outcome == "denied":
            return "Denied by the person"
        if self.outcome == "device code":
            return "Begun on a device"
        if self.outcome == "backchannel request":
            return "Asked a person elsewhere"
        if self.outcome == "pushed":
            return "Sent ahead"
        return "Granted" if self.outcome == "granted" else self.outcome

    @property
    def answer(self) -> str:
        """What the application got, in words."""
        if self.outcome == "page":
            return "A page for the person. Nothing was sent to the application."
        if self.outcome.startswith("refused: "):
            return f"The error {self.outcome.removeprefix('refused: ')}, sent to the application."
        if self.outcome == "denied":
            return "The error access_denied, sent to the application."
        if self.outcome == "granted":
            return "What its response type names, as a rule a code."
        if self.outcome == "device code":
            return "A device code, and a code that its person types elsewhere."
        if self.outcome == "backchannel request":
            return "An id, with which the application asks for its tokens."
        if self.outcome == "pushed":
            return "A reference, with which the application sends a browser."
        return "A page for the person."

    @property
    def not_reached_words(self) -> str:
        """What was not looked at any more."""
        return ", ".join(EXPLANATIONS.get(name, Explanation(name)).title for name in self.not_reached)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminRequests(DeskPage):
    """`/admin/requests`: enter a request id. `missing` tells that nothing is recorded under `q`."""

    template: ClassVar[str] = "admin_requests.html"
    place: ClassVar[DeskPlace] = "admin-requests"

    q: str = ""
    missing: bool = False

    @property
    def status(self) -> int:
        return 404 if self.missing else 200


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminRequest(DeskPage):
    """`/admin/requests/{id}`: what was decided about one request, the latest first."""

    template: ClassVar[str] = "admin_request.html"
    place: ClassVar[DeskPlace] = "admin-requests"

    request_id: str
    decisions: tuple[Decision, ...]
