"""The return path: the only point after which an authorization error may travel to the client.

RFC 6749 §4.1.2.1, RFC 9700 §4.11.2.
"""

from dataclasses import dataclass

from app.protocol import redirect_uri, response_types
from app.protocol.authorize.answer import ClientAnswer, Released
from app.protocol.authorize.request import MAX_LENGTH
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact
from app.protocol.params import Parameters
from app.protocol.policy import ServerPolicy


@dataclass(frozen=True, slots=True)
class ReturnPath:
    """Where the answer goes. `as_sent` is what the code remembers: None when the request named no redirect URI.

    `travels` says whether an error may go there at once: yes for an operator's application; for a self-registered
    one only after login and through a page with a link (A1.2 step 8, BC-16).
    """

    uri: str
    as_sent: str | None
    state: str | None
    issuer: str | None
    travels: bool
    mode: str = response_types.QUERY

    @property
    def host(self) -> str:
        """What a person reads as the destination."""
        return redirect_uri.display_host(self.uri)

    def success(self, released: Released) -> ClientAnswer:
        """SR-1, SR-2: what the response type gives out, with state and iss; for `none` these alone (RT-2)."""
        return self._answer(released.members)

    def failure(self, error: OAuthError) -> ClientAnswer:
        """A1.2 step 5, A1.10, RT-3: the error, its description, state and iss, in the mode that success would have."""
        return self._answer({"error": error.code.wire, "error_description": error.description})

    def _answer(self, members: dict[str, str]) -> ClientAnswer:
        if self.state is not None:
            members["state"] = self.state
        if self.issuer is not None:
            members["iss"] = self.issuer  # MC-5, MB-9: letter by letter as in the metadata, beside errors too
        return ClientAnswer(self.mode, self.uri, members)


class NoReturnPath(OAuthError):
    """The request must not be answered to its sender: a page says why. `case` names the page."""

    def __init__(
        self, case: str, description: str, *, detail: str = "", code: ErrorCode = ErrorCode.INVALID_REQUEST
    ) -> None:
        super().__init__(code, description, detail=detail)
        self.case = case


def require_client(client: ClientFact | None, params: Parameters) -> ClientFact:
    """Return the application that asks, when it is known and can be served; else raise `NoReturnPath` (A1.2 step 1).

    A request always names it (A1.3 client_id).
    """
    if "client_id" in params.duplicated or params.get("client_id") is None:
        raise NoReturnPath("client_unknown", "client_id is missing or was sent more than once")
    if client is None:
        raise NoReturnPath("client_unknown", "client_id names no active application")
    if client.unmet:
        raise NoReturnPath(
            "client_unmet", f"the application demands what this server does not have: {', '.join(client.unmet)}"
        )
    return client


def establish(client: ClientFact, params: Parameters, policy: ServerPolicy) -> ReturnPath:
    """Find where the answer may go, or raise `NoReturnPath`.

    Order: redirect URI, response mode (A1.2 steps 3, 4). The answer names the issuer unless that is switched off, and
    to an application that is held to FAPI 2.0 always (F-20).
    """
    sent, uri = _redirect_uri(client, params)
    return ReturnPath(
        uri=uri,
        as_sent=sent,
        state=_state(params),
        issuer=policy.issuer if policy.issuer_in_answers or client.policy.fapi else None,
        travels=not client.self_registered,
        mode=_mode(client, params, policy, uri),
    )


def _mode(client: ClientFact, params: Parameters, policy: ServerPolicy, uri: str) -> str:
    """A1.2 step 4: the mode asked for, or that of the response type; only websites can be posted to."""
    response_type = params.get("response_type")
    possible = response_types.possible_modes(response_type, policy, client)
    if not uri.startswith(("https://", "http://")):
        possible = tuple(mode for mode in possible if response_types.carrier(mode) != response_types.FORM_POST)
    if "response_mode" in params.duplicated:
        raise NoReturnPath("response_mode", "response_mode was sent more than once; send it once")
    mode = params.get("response_mode") or response_types.default_mode(response_type, policy)
    if mode not in possible:
        fitting = f"send one of: {', '.join(possible)}" if possible else "no mode fits both request and registration"
        raise NoReturnPath("response_mode", f"response_mode does not fit this request; {fitting}")
    return response_types.spelt_out(mode, response_type, policy)


def _state(params: Parameters) -> str | None:
    """A1.3 state: what the answer repeats; nothing of what is too long to be accepted, which no header could carry."""
    state = params.get("state")
    return None if state is None or len(state) > MAX_LENGTH else state


def _redirect_uri(client: ClientFact, params: Parameters) -> tuple[str | None, str]:
    """Return (as sent, where to answer): the registered string, exact or by the loopback rule (B6). None need be sent
    where there is one alone (RU-8)."""
    if "redirect_uri" in params.duplicated:
        raise NoReturnPath("redirect_uri", "redirect_uri was sent more than once; send it once")
    sent = params.get("redirect_uri")
    if sent is None:
        if len(client.redirect_uris) != 1:
            raise NoReturnPath(
                "redirect_uri", "redirect_uri is missing, and the application has not registered exactly one"
            )
        sole = redirect_uri.match(client.redirect_uris, client.redirect_uris[0])
        if sole is None:
            raise NoReturnPath("redirect_uri", "the registered redirect_uri is not one that this server redirects to")
        return None, sole
    found = redirect_uri.match(client.redirect_uris, sent)
    if found is None:
        raise NoReturnPath("redirect_uri", "redirect_uri is not registered for this application", detail=sent[:300])
    return sent, found
