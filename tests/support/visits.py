"""Which pages there are, and what to open as whom to see each of them in the states that it has.

Words in braces are those of `tests.support.lived_in`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.support.isolation import every_route
from tests.support.service import authorize_url

NOT_FOR_READING = {
    *("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"),
    *("/.well-known", "/.well-known/**"),
    *("/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/**"),
    "/health/live",
    "/health/ready",
    "/logos/{sealed}",
    "/oauth/check-session",
    *("/oauth/grants", "/oauth/grants/*", "/oauth/jwks", "/oauth/userinfo"),
    "/openapi.json",
    "/static/{name:path}",
}
"""What answers GET with something else than a page."""

NOTHING = "There is nothing here"


@dataclass(frozen=True, slots=True)
class Visit:
    """An address to open, as whom (empty: nobody who is signed in), and the headline and status of the page there."""

    address: str
    person: str
    headline: str
    status: int = 200


def _asked(client_id: str, **changes: str | None) -> str:
    return authorize_url(client_id.replace("{notes}", "NOTES"), **changes).replace("NOTES", "{notes}")


def _implicit(client_id: str) -> str:
    return _asked(client_id, response_type="token", code_challenge=None, code_challenge_method=None)


VISITS: Mapping[str, tuple[Visit, ...]] = {
    "/": (Visit("/", "", "Assent"), Visit("/", "robin", "Assent")),
    "/login": (
        Visit("/login", "", "Sign in"),
        Visit(_asked("deploy-diary"), "", "Sign in"),
        Visit(_asked("{notes}"), "", "Sign in"),
        Visit(_asked("deploy-diary", prompt="login"), "robin", "Confirm that it is you"),
    ),
    "/select-account": (
        Visit("/select-account", "kim", "Choose an account"),
        Visit(_asked("deploy-diary", prompt="select_account"), "robin", "Choose an account"),
        Visit("/select-account", "", "Sign in"),
    ),
    "/sign-up": (Visit("/sign-up", "", "Create an account"), Visit("/sign-up", "sam", "Create an account")),
    "/logout": (Visit("/logout", "", "You are signed out"), Visit("/logout", "kim", "Sign out of Assent?")),
    "/oauth/logout": (
        Visit("/oauth/logout", "", "You are signed out"),
        Visit("/oauth/logout?client_id=deploy-diary", "kim", "Sign out of Assent?"),
        Visit("/oauth/logout?client_id=nobody", "robin", "We stopped", 400),
        Visit("/oauth/logout?id_token_hint=nothing", "", "We stopped", 400),
    ),
    "/oauth/logout/resume": (Visit("/oauth/logout/resume?request=nothing", "kim", "This page is", 400),),
    "/setup/{token}": (
        Visit("/setup/{setup link}", "", "Set up Assent"),
        Visit("/setup/asot_nobody", "", "This link", 404),
    ),
    "/docs": (Visit("/docs", "", "Assent"),),
    "/docs/oauth2-redirect": (Visit("/docs/oauth2-redirect", "", "Back to the documentation"),),
    "/oauth/authorize": (
        Visit("/oauth/authorize?client_id=nobody", "", "We don’t know the application", 400),
        Visit(_asked("deploy-diary", redirect_uri="https://elsewhere.example/"), "robin", "We stopped", 400),
    ),
    "/oauth/authorize/resume": (
        Visit("/oauth/authorize/resume?interaction=asin_nobody", "robin", "This page is", 400),
    ),
    "/consent": (
        Visit("/consent?interaction=asin_nobody", "robin", "This page is", 400),
        Visit(_asked("deploy-diary", scope="project:read project:admin member:read"), "sam", "Allow Deploy Diary"),
        Visit(_asked("deploy-diary", scope="project:read event:admin member:read"), "robin", "asks for"),
        Visit(_asked("deploy-diary", prompt="consent"), "robin", "asks you to confirm"),
        Visit(_asked("long-name", scope="org:admin team:write event:read"), "sam", "Wonderfully long"),
        Visit(_asked("{notes}"), "sam", "calls itself “Notes Agent”"),
        Visit(_asked("{notes}", scope="event:read", prompt="consent"), "robin", "Notes Agent"),
        Visit(_implicit("old-widget"), "sam", "Allow Old Widget"),
    ),
    "/device": (
        Visit("/device", "robin", "Connect a device"),
        Visit("/device?user_code={user code}", "sam", "Connect a device"),
        Visit("/device", "", "Sign in"),
    ),
    "/device/confirm": (
        Visit("/device/confirm?device={device}", "sam", "Connect Living Room on another device?"),
        Visit("/device/confirm?device={unchecked device}", "sam", "calls itself “Radio”"),
        Visit("/device/confirm?device={device}", "robin", "This page is", 400),
    ),
    "/device/done": (
        Visit("/device/done?device={connected device}", "sam", "Living Room is connected"),
        Visit("/device/done?device={refused device}", "sam", "Living Room was not connected"),
        Visit("/device/done?device={device}", "sam", "This page is", 400),
    ),
    "/approvals": (Visit("/approvals", "sam", "Approvals"), Visit("/approvals", "robin", "Approvals")),
    "/approvals/{approval_id}": (
        Visit("/approvals/{approval}", "sam", "Allow Till to use your Assent account?"),
        Visit("/approvals/{unchecked approval}", "sam", "calls itself “Kiosk”"),
        Visit("/approvals/{allowed approval}", "sam", "Till is allowed"),
        Visit("/approvals/{refused approval}", "sam", "Till was not allowed"),
        Visit("/approvals/{approval}", "robin", "Nothing waits here for robin@example.org", 404),
    ),
    "/account": (Visit("/account", "robin", "Robin"), Visit("/account", "kim", "Kim")),
    "/account/applications": (
        Visit("/account/applications", "robin", "Connected applications"),
        Visit("/account/applications", "kim", "Connected applications"),
    ),
    "/account/applications/{record_id}": (
        Visit("/account/applications/{record}", "robin", "Deploy Diary"),
        Visit("/account/applications/{long record}", "robin", "Wonderfully long"),
        Visit("/account/applications/{unchecked record}", "robin", "Notes Agent"),
        Visit("/account/applications/{ended}", "robin", "Sheet Export"),
        Visit("/account/applications/{record}", "kim", NOTHING, 404),
    ),
    "/account/applications/{record_id}/history": (
        Visit("/account/applications/{record}/history", "robin", "Deploy Diary"),
        Visit("/account/applications/{ended}/history", "robin", "Sheet Export"),
    ),
    "/account/applications/{record_id}/disconnect": (
        Visit("/account/applications/{record}/disconnect", "robin", "Disconnect Deploy Diary?"),
    ),
    "/account/tokens": (
        Visit("/account/tokens", "robin", "Personal tokens"),
        Visit("/account/tokens", "sam", "Personal tokens"),
        Visit("/account/tokens", "kim", "Personal tokens"),
    ),
    "/account/tokens/new": (Visit("/account/tokens/new", "sam", "Personal tokens"),),
    "/account/tokens/{token_id}": (
        Visit("/account/tokens/{token}", "robin", "Nightly export"),
        Visit("/account/tokens/{ended token}", "robin", "Last winter’s report"),
        Visit("/account/tokens/{endless}", "robin", "A very"),
    ),
    "/account/tokens/{token_id}/delete": (Visit("/account/tokens/{token}/delete", "robin", "Delete"),),
    "/account/sessions": (
        Visit("/account/sessions", "robin", "Sessions"),
        Visit("/account/sessions", "sam", "Sessions"),
    ),
    "/account/activity": (
        Visit("/account/activity", "robin", "Activity"),
        Visit("/account/activity", "kim", "Activity"),
    ),
    "/apps": (
        Visit("/apps", "robin", "Your applications"),
        Visit("/apps", "kim", "Your applications"),
        Visit("/apps", "sam", "Your applications"),
    ),
    "/apps/new": (Visit("/apps/new", "robin", "New application"), Visit("/apps/new", "kim", "New application")),
    "/apps/{segment}": (
        Visit("/apps/{active}", "robin", "Pager Bridge"),
        Visit("/apps/{off}", "robin", "Release Radar"),
        Visit("/apps/{off by operator}", "robin", "Crash Collector"),
        Visit("/apps/{deleted}", "robin", "Old Dashboard"),
        Visit("/apps/{public}", "robin", "Long names"),
        Visit("/apps/{shared}", "robin", "Harbour Watch"),
        Visit("/apps/{notes}", "kim", "Notes Agent"),
        Visit("/apps/{active}", "kim", NOTHING, 404),
    ),
    "/apps/{segment}/off": (Visit("/apps/{active}/off", "robin", "Turn"),),
    "/apps/{segment}/hand-over": (
        Visit("/apps/{active}/hand-over", "robin", "Hand"),
        Visit("/apps/{shared}/hand-over", "robin", "Hand"),
        Visit("/apps/{notes}/hand-over", "kim", "Hand"),
    ),
    "/apps/{segment}/delete": (Visit("/apps/{active}/delete", "robin", "Delete"),),
    "/apps/{segment}/secrets/{secret_id}/remove": (
        Visit("/apps/{active}/secrets/{secret}/remove", "robin", "Remove the secret"),
    ),
    "/organizations": (
        Visit("/organizations", "robin", "Organizations"),
        Visit("/organizations", "kim", "Organizations"),
    ),
    "/organizations/{slug}": (
        Visit("/organizations/{slug}", "robin", "Northquay"),
        Visit("/organizations/{slug}", "sam", "Northquay"),
        Visit("/organizations/{slug}", "kim", NOTHING, 404),
    ),
    "/organizations/{slug}/leave": (
        Visit("/organizations/{slug}/leave", "sam", "Leave"),
        Visit("/organizations/{slug}/leave", "robin", "Leave"),
    ),
    "/organizations/{slug}/delete": (
        Visit("/organizations/{slug}/delete", "robin", "Delete"),
        Visit("/organizations/{slug}/delete", "sam", "You can’t see this page", 403),
    ),
    "/organizations/{slug}/members": (
        Visit("/organizations/{slug}/members", "robin", "Members"),
        Visit("/organizations/{slug}/members", "sam", "Members"),
        Visit("/organizations/{other slug}/members", "robin", "Members"),
    ),
    "/organizations/{slug}/members/{person_id}/remove": (
        Visit("/organizations/{slug}/members/{noa}/remove", "robin", "Remove Noa Ashdown from Northquay"),
    ),
    "/organizations/{slug}/api-keys": (
        Visit("/organizations/{slug}/api-keys", "robin", "API keys"),
        Visit("/organizations/{other slug}/api-keys", "robin", "API keys"),
        Visit("/organizations/{slug}/api-keys", "sam", "You can’t see this page", 403),
    ),
    "/organizations/{slug}/api-keys/new": (Visit("/organizations/{slug}/api-keys/new", "robin", "New API key"),),
    "/organizations/{slug}/api-keys/{key_id}": (
        Visit("/organizations/{slug}/api-keys/{key}", "robin", "Nightly build"),
        Visit("/organizations/{slug}/api-keys/{key off}", "robin", "Before the move"),
        Visit("/organizations/{slug}/api-keys/{rotating}", "robin", "Status page of the harbour"),
    ),
    "/organizations/{slug}/api-keys/{key_id}/retire": (
        Visit("/organizations/{slug}/api-keys/{rotating}/retire", "robin", "secret"),
    ),
    "/organizations/{slug}/api-keys/{key_id}/remove": (
        Visit("/organizations/{slug}/api-keys/{key off}/remove", "robin", "Remove"),
    ),
    "/organizations/{slug}/applications": (
        Visit("/organizations/{slug}/applications", "robin", "Applications"),
        Visit("/organizations/{other slug}/applications", "robin", "Applications"),
    ),
    "/organizations/{slug}/audit": (
        Visit("/organizations/{slug}/audit", "robin", "Audit log"),
        Visit("/organizations/{other slug}/audit", "robin", "Audit log"),
        Visit("/organizations/{slug}/audit?event=api_key.", "robin", "Audit log"),
    ),
    "/invitations/{link}": (
        Visit("/invitations/{link}", "kim", "Join Northquay"),
        Visit("/invitations/{link}", "robin", "You are a member of"),
        Visit("/invitations/asiv_nobody", "kim", "This invitation no longer works", 404),
    ),
    "/admin": (Visit("/admin", "ada", "Users"), Visit("/admin", "robin", NOTHING, 404)),
    "/admin/users": (Visit("/admin/users", "ada", "Users"), Visit("/admin/users?q=nobody", "ada", "Users")),
    "/admin/users/{user_id}": (
        Visit("/admin/users/{robin}", "ada", "Robin Ashdown"),
        Visit("/admin/users/{noa}", "ada", "Noa Ashdown"),
        Visit("/admin/users/{ada}", "ada", "Ada Ashdown"),
        Visit("/admin/users/{nobody}", "ada", NOTHING, 404),
    ),
    "/admin/users/{user_id}/disable": (
        Visit("/admin/users/{lee}/disable", "ada", "Disable Lee Ashdown?"),
        Visit("/admin/users/{ada}/disable", "ada", "You can’t disable yourself", 409),
    ),
    "/admin/applications": (
        Visit("/admin/applications", "ada", "All applications"),
        Visit("/admin/applications?show=unchecked", "ada", "All applications"),
        Visit("/admin/applications?show=self-registered", "ada", "All applications"),
        Visit("/admin/applications?q=nobody", "ada", "All applications"),
    ),
    "/admin/applications/{segment}": (
        Visit("/admin/applications/{notes}", "ada", "Notes Agent"),
        Visit("/admin/applications/deploy-diary", "ada", "Deploy Diary"),
        Visit("/admin/applications/{off by operator}", "ada", "Crash Collector"),
        Visit("/admin/applications/{deleted}", "ada", "Old Dashboard"),
    ),
    "/admin/applications/{segment}/disable": (Visit("/admin/applications/{notes}/disable", "ada", "Disable"),),
    "/admin/registration-tokens": (
        Visit("/admin/registration-tokens", "ada", "Registration tokens"),
        Visit("/admin/registration-tokens", "robin", NOTHING, 404),
    ),
    "/admin/registration-tokens/new": (Visit("/admin/registration-tokens/new", "ada", "Registration tokens"),),
    "/admin/registration-tokens/{token_id}/revoke": (
        Visit("/admin/registration-tokens/{registration token}/revoke", "ada", "Revoke “Partner portal”?"),
        Visit("/admin/registration-tokens/{nobody}/revoke", "ada", NOTHING, 404),
    ),
    "/admin/resources": (Visit("/admin/resources", "ada", "Resources"),),
    "/admin/resources/{segment}": (
        Visit("/admin/resources/{resource}", "ada", "Diary tools"),
        Visit("/admin/resources/{own api}", "ada", "The API of this server"),
        Visit("/admin/resources/nothing", "ada", NOTHING, 404),
    ),
    "/admin/requests": (Visit("/admin/requests", "ada", "Requests"),),
    "/admin/requests/{request_id}": (
        Visit("/admin/requests/{request}", "ada", "Refused"),
        Visit("/admin/requests/req_nobody", "ada", "Nothing is recorded under this ID", 404),
    ),
    "/admin/audit": (
        Visit("/admin/audit", "ada", "Audit log"),
        Visit("/admin/audit?q=nobody", "ada", "Audit log"),
    ),
}


def page_routes() -> list[str]:
    """Return the path of every page that the application serves."""
    read = {route.path for route in every_route() if route.method == "GET" and not route.is_api}
    return sorted(read - NOT_FOR_READING)


def form_routes() -> list[str]:
    """Return the path of everything that takes the form of a page."""
    taken = {route.path for route in every_route() if route.is_form}
    return sorted(path for path in taken if not path.startswith("/oauth/"))
