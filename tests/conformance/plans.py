"""The certification plans of the OpenID Foundation for a server: which modules each has, and in which variants.

The names are those of its conformance suite, whose plans and modules are public. A module runs once for every variant
of a plan; here it is a test function of its name, called with each of them (`conftest`), which has the same intent in
our words: it sends what the module sends, and asserts what the module asserts.

These are the plans of OpenID Connect; `catalogue` has all, and `python -m tests.conformance.page` writes
`docs/reference/openid-conformance.md` from them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.conformance.plan import Plan

BASIC_AUTH, POST_AUTH = "client_secret_basic", "client_secret_post"
FORM_POST = "form_post"

CODE = "code"
CODE_ID_TOKEN, CODE_TOKEN, CODE_ID_TOKEN_TOKEN = "code id_token", "code token", "code id_token token"
HYBRID = (CODE_ID_TOKEN, CODE_TOKEN, CODE_ID_TOKEN_TOKEN)


@dataclass(frozen=True, slots=True)
class Variant:
    """How a module is run. An empty response mode is the default one of the response type."""

    response_type: str = CODE
    response_mode: str = ""
    client_auth: str = BASIC_AUTH

    @property
    def words(self) -> frozenset[str]:
        """What the answer of the authorization endpoint holds when all goes well."""
        return frozenset(self.response_type.split())

    @property
    def mode(self) -> str:
        """The response mode in force (OAuth 2.0 Multiple Response Types §2.1, §5)."""
        return self.response_mode or ("query" if self.response_type == CODE else "fragment")

    @property
    def label(self) -> str:
        """The response type, where it is not the usual one."""
        return "" if self.response_type == CODE else self.response_type

    @property
    def client_id(self) -> str:
        """The application that is registered for it."""
        return f"{self.response_type.replace(' ', '-')}.{self.client_auth}"


Table = tuple[tuple[str, Variant | None], ...]


INTENTS = {
    "oidcc-server": "a whole sign-in, with everything that the answers must hold",
    "oidcc-response-type-missing": "a request without response_type is an error",
    "oidcc-idtoken-signature": "the ID token verifies with a published key that its header names",
    "oidcc-idtoken-unsigned": "an unsigned ID token is given only to who registered for it; here nobody can",
    "oidcc-userinfo-get": "userinfo by GET",
    "oidcc-userinfo-post-header": "userinfo by POST, the token in the header",
    "oidcc-userinfo-post-body": "userinfo by POST, the token in the body",
    "oidcc-ensure-request-without-nonce-succeeds-for-code-flow": "an ID token that comes for a code needs no nonce",
    "oidcc-ensure-request-without-nonce-fails": "a nonce is needed when the ID token comes through the browser",
    "oidcc-scope-profile": "the scope profile gives its claims",
    "oidcc-scope-email": "the scope email gives its claims",
    "oidcc-scope-address": "the scope address gives its claim",
    "oidcc-scope-phone": "the scope phone gives its claims",
    "oidcc-scope-all": "all four scopes at once",
    "oidcc-ensure-other-scope-order-succeeds": "openid need not be the first scope",
    "oidcc-display-page": "display=page is no error",
    "oidcc-display-popup": "display=popup is no error",
    "oidcc-prompt-login": "prompt=login asks for the password again, and auth_time moves",
    "oidcc-prompt-none-not-logged-in": "prompt=none without a session is login_required",
    "oidcc-prompt-none-logged-in": "prompt=none with a session shows nothing and says the same person",
    "oidcc-max-age-1": "max_age=1 after two seconds asks for the password again, and auth_time says so",
    "oidcc-max-age-10000": "max_age=10000 soon after signing in asks nothing, and auth_time is there",
    "oidcc-ensure-request-with-unknown-parameter-succeeds": "unknown parameters are passed over",
    "oidcc-id-token-hint": "an ID token as a hint, with prompt=none, says the same person",
    "oidcc-login-hint": "login_hint is no error",
    "oidcc-ui-locales": "ui_locales is no error",
    "oidcc-claims-locales": "claims_locales is no error",
    "oidcc-ensure-request-with-acr-values-succeeds": "acr_values is no error, and the ID token has an acr",
    "oidcc-codereuse": "a code works once",
    "oidcc-codereuse-30seconds": "a code used again half a minute later takes its tokens with it",
    "oidcc-ensure-registered-redirect-uri": "nobody is sent to an address that is not registered",
    "oidcc-ensure-post-request-succeeds": "the authorization endpoint takes POST",
    "oidcc-server-client-secret-post": "a whole sign-in, the secret in the body",
    "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported": "request_uri is obeyed, or refused",
    "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported": "request is obeyed, or refused",
    "oidcc-claims-essential": "an essential claim for userinfo comes there, and there alone",
    "oidcc-ensure-request-object-with-redirect-uri": "a redirect URI in a request object is not passed over in silence",
    "oidcc-refresh-token": "a refresh keeps the identity, and no refresh token serves another application",
    "oidcc-ensure-request-with-valid-pkce-succeeds": "PKCE",
    "oidcc-discovery-endpoint-verification": "the metadata says what discovery requires",
    "oidcc-rp-initiated-logout-discovery-endpoint-verification": "the metadata has end_session_endpoint",
    "oidcc-rp-initiated-logout": "a sign-out ends the session and comes back with the state",
    "oidcc-rp-initiated-logout-bad-post-logout-redirect-uri": "no way back to an address that is not registered",
    "oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri": "nor to a registered one with a query added",
    "oidcc-rp-initiated-logout-modified-id-token-hint": "no way back for a hint whose signature was taken off",
    "oidcc-rp-initiated-logout-bad-id-token-hint": "nor for a hint that somebody else signed",
    "oidcc-rp-initiated-logout-no-id-token-hint": "without a hint the person is asked, and not sent back",
    "oidcc-rp-initiated-logout-no-params": "without any parameter the person is asked",
    "oidcc-rp-initiated-logout-no-post-logout-redirect-uri": "without an address the sign-out ends at the server",
    "oidcc-rp-initiated-logout-no-state": "without state there is none on the way back",
    "oidcc-rp-initiated-logout-only-state": "state alone leads nowhere",
    "oidcc-backchannel-logout-discovery-endpoint-verification": "the metadata offers back-channel logout, with sid",
    "oidcc-backchannel-rp-initiated-logout": "a sign-out sends a logout token that holds what it must",
    "oidcc-frontchannel-logout-discovery-endpoint-verification": "the metadata offers front-channel logout, with sid",
    "oidcc-frontchannel-rp-initiated-logout": "a sign-out loads the application's address with iss and sid",
    "oidcc-session-management-discovery-endpoint-verification": "the metadata has check_session_iframe",
    "oidcc-session-management-rp-initiated-logout": "session_state is unchanged before a sign-out and changed after it",
}
"""What each module is about, in half a sentence."""

_TABLE = (
    "oidcc-server",
    "oidcc-response-type-missing",
    "oidcc-idtoken-signature",
    "oidcc-idtoken-unsigned",
    "oidcc-userinfo-get",
    "oidcc-userinfo-post-header",
    "oidcc-userinfo-post-body",
    "oidcc-ensure-request-without-nonce-succeeds-for-code-flow",
    "oidcc-ensure-request-without-nonce-fails",
    "oidcc-scope-profile",
    "oidcc-scope-email",
    "oidcc-scope-address",
    "oidcc-scope-phone",
    "oidcc-scope-all",
    "oidcc-ensure-other-scope-order-succeeds",
    "oidcc-display-page",
    "oidcc-display-popup",
    "oidcc-prompt-login",
    "oidcc-prompt-none-not-logged-in",
    "oidcc-prompt-none-logged-in",
    "oidcc-max-age-1",
    "oidcc-max-age-10000",
    "oidcc-ensure-request-with-unknown-parameter-succeeds",
    "oidcc-id-token-hint",
    "oidcc-login-hint",
    "oidcc-ui-locales",
    "oidcc-claims-locales",
    "oidcc-ensure-request-with-acr-values-succeeds",
    "oidcc-codereuse",
    "oidcc-codereuse-30seconds",
    "oidcc-ensure-registered-redirect-uri",
    "oidcc-ensure-post-request-succeeds",
    "oidcc-server-client-secret-post",
    "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported",
    "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported",
    "oidcc-claims-essential",
    "oidcc-ensure-request-object-with-redirect-uri",
    "oidcc-refresh-token",
    "oidcc-ensure-request-with-valid-pkce-succeeds",
)
"""The modules of a sign-in, in the order of every plan."""

_NONCE_FAILS = "oidcc-ensure-request-without-nonce-fails"
_NONCE_NOT_NEEDED = "oidcc-ensure-request-without-nonce-succeeds-for-code-flow"
_BASIC_ONLY = {"oidcc-idtoken-unsigned", "oidcc-ensure-post-request-succeeds"}
_FIRST_RUN_ONLY = {
    "oidcc-response-type-missing",
    "oidcc-ensure-other-scope-order-succeeds",
    "oidcc-ensure-request-with-valid-pkce-succeeds",
}
"""What the hybrid plan does not repeat for its second and third response type."""


def _runs(response_type: str, response_mode: str, leave_out: set[str]) -> Iterator[tuple[str, Variant]]:
    for module in _TABLE:
        if module not in leave_out:
            by_post = module == "oidcc-server-client-secret-post"
            yield module, Variant(response_type, response_mode, POST_AUTH if by_post else BASIC_AUTH)


def _basic(response_mode: str = "") -> tuple[tuple[str, Variant], ...]:
    return tuple(_runs(CODE, response_mode, {_NONCE_FAILS}))


def _hybrid(response_mode: str = "") -> tuple[tuple[str, Variant], ...]:
    runs: list[tuple[str, Variant]] = []
    for response_type in HYBRID:
        leave_out = {_NONCE_FAILS if response_type == CODE_TOKEN else _NONCE_NOT_NEEDED, *_BASIC_ONLY}
        if response_type != CODE_ID_TOKEN:
            leave_out |= _FIRST_RUN_ONLY
        runs += _runs(response_type, response_mode, leave_out)
    return tuple(runs)


def _logout(*modules: str) -> Table:
    """The metadata, and then the rest in one variant."""
    return ((modules[0], None), *((module, Variant()) for module in modules[1:]))


def _plan(name: str, profile: str, table: Table) -> Plan:
    """Return a plan that says its response types and response modes."""
    types = dict.fromkeys(f"`{variant.response_type}`" for _, variant in table if variant is not None)
    modes = dict.fromkeys(variant.response_mode or "default" for _, variant in table if variant is not None)
    how = f"with {', '.join(types)} (response mode: {', '.join(modes)})" if types else ""
    return Plan(name, profile, table, how)


PLANS: tuple[Plan, ...] = (
    _plan("oidcc-basic-certification-test-plan", "Basic OP", _basic()),
    _plan("oidcc-config-certification-test-plan", "Config OP", (("oidcc-discovery-endpoint-verification", None),)),
    _plan("oidcc-hybrid-certification-test-plan", "Hybrid OP", _hybrid()),
    _plan("oidcc-formpost-basic-certification-test-plan", "Form Post Basic OP", _basic(FORM_POST)),
    _plan("oidcc-formpost-hybrid-certification-test-plan", "Form Post Hybrid OP", _hybrid(FORM_POST)),
    _plan(
        "oidcc-rp-initiated-logout-certification-test-plan",
        "RP-Initiated Logout OP",
        _logout(
            "oidcc-rp-initiated-logout-discovery-endpoint-verification",
            "oidcc-rp-initiated-logout",
            "oidcc-rp-initiated-logout-bad-post-logout-redirect-uri",
            "oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri",
            "oidcc-rp-initiated-logout-modified-id-token-hint",
            "oidcc-rp-initiated-logout-bad-id-token-hint",
            "oidcc-rp-initiated-logout-no-id-token-hint",
            "oidcc-rp-initiated-logout-no-params",
            "oidcc-rp-initiated-logout-no-post-logout-redirect-uri",
            "oidcc-rp-initiated-logout-no-state",
            "oidcc-rp-initiated-logout-only-state",
        ),
    ),
    _plan(
        "oidcc-backchannel-rp-initiated-logout-certification-test-plan",
        "Back-Channel OP",
        _logout("oidcc-backchannel-logout-discovery-endpoint-verification", "oidcc-backchannel-rp-initiated-logout"),
    ),
    _plan(
        "oidcc-frontchannel-rp-initiated-logout-certification-test-plan",
        "Front-Channel OP",
        _logout("oidcc-frontchannel-logout-discovery-endpoint-verification", "oidcc-frontchannel-rp-initiated-logout"),
    ),
    _plan(
        "oidcc-session-management-certification-test-plan",
        "Session Management OP",
        _logout(
            "oidcc-session-management-discovery-endpoint-verification",
            "oidcc-session-management-rp-initiated-logout",
        ),
    ),
)
