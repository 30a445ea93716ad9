"""One sentence per event: what was done, in the words of the pages. Who did it stands beside it.

Names come from outside and are cleaned here; a sentence is plain text, to be escaped like any other.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.protocol.events import Event
from app.views import words
from app.views.names import display_name


@dataclass(frozen=True, slots=True)
class Deed:
    """What a sentence is made of: an event, its data, and names for whom its row names by ids (empty: unknown).

    `subject` is the `subject_id` of the row; `person`, `application` and `organization` are names.
    """

    event: str
    data: Mapping[str, Any]
    subject: str = ""
    person: str = ""
    application: str = ""
    organization: str = ""


def sentence(deed: Deed) -> str:
    """Return what was done: "Disconnected Deploy Diary". An event of another version is told by its name."""
    said = _SENTENCES.get(deed.event)
    if said is None:
        return f"Something this version has no words for: {display_name(deed.event, fallback='nothing')}"
    return said(deed) if callable(said) else said.format_map(_parts(deed))


def _parts(deed: Deed) -> dict[str, str]:
    return {
        "application": _name(deed.application or deed.subject, "an application"),
        "person": _name(deed.person, "somebody"),
        "organization": _name(_told(deed, "name") or deed.organization, "the organization"),
        "key": _labelled(deed, "API key"),
        "token": _labelled(deed, "personal token"),
        "secret": _ending(deed, "secret"),
        "role": _name(_told(deed, "role"), "member"),
    }


def _untold(deed: Deed) -> str:
    if deed.data.get("whom") == "client":
        return "Could not tell {application} that its request was decided".format_map(_parts(deed))
    return "Could not send word that {application} asks for approval".format_map(_parts(deed))


def _session_ended(deed: Deed) -> str:
    match deed.data.get("reason"):
        case "replaced":
            return "Signed in again, which ended the session before"
        case "signed out elsewhere":
            return "Signed out another browser"
        case "signed out by an operator":
            return "Signed {person} out of a browser".format_map(_parts(deed))
    return "Signed out"


def _granted(deed: Deed) -> str:
    application = _parts(deed)["application"]
    before, after = _strings(deed, "before"), _strings(deed, "after")
    given = [pair for pair in after if pair not in before]
    if deed.data.get("version") == 1 and not before:
        return f"Connected {application} with {words.count(len(given), 'permission', 'permissions')}"
    if any(pair not in after for pair in before):  # Grant Management: what was there before has lost its place
        return f"Replaced what {application} may do with {words.count(len(after), 'permission', 'permissions')}"
    if given:
        return f"Allowed {application} {words.count(len(given), 'more permission', 'more permissions')}"
    if deed.data.get("on_page") == "yes" and deed.data.get("details"):
        return f"Approved what {application} asked for"
    if deed.data.get("on_page") == "yes":
        return f"Confirmed what {application} may do"
    return f"Signed in to {application} with what it had"


def _narrowed(deed: Deed) -> str:
    taken = [pair for pair in _strings(deed, "before") if pair not in _strings(deed, "after")]
    return f"Took {words.count(len(taken), 'permission', 'permissions')} from {_parts(deed)['application']}"


def _family_revoked(deed: Deed) -> str:
    application = _parts(deed)["application"]
    match deed.data.get("reason"):
        case "refresh_token_reused":
            return f"Ended a sign-in of {application} because a used token came back"
        case "revoked_by_client":
            return f"Ended its own sign-in: {application}"
    return f"Ended a sign-in of {application}"


def _member_changed(deed: Deed) -> str:
    before, after = _within(deed, "before", "role"), _within(deed, "after", "role")
    person = _parts(deed)["person"]
    if before and after:
        return f"Changed the role of {person} from {_name(before, '')} to {_name(after, '')}"
    return f"Changed the membership of {person}"


def _renamed(what: str) -> Callable[[Deed], str]:
    """Return the sentence of a change that tells the two names where the name is what was changed."""

    def told(deed: Deed) -> str:
        before, after = _within(deed, "before", "name"), _within(deed, "after", "name")
        if before and after and before != after:
            return f"Renamed {what} “{_name(before, '')}” to “{_name(after, '')}”"
        return f"Changed {what} {_parts(deed).get(what, '')}".rstrip()

    return told


def _revoked(deed: Deed) -> str:
    if deed.data.get("reason") == "not_used_for_long":
        return "Ended what {application} may do because nobody had used it for long".format_map(_parts(deed))
    return "Disconnected {application}".format_map(_parts(deed))


def _deletion_asked(deed: Deed) -> str:
    if deed.data.get("reason") == "by_itself":
        return "Deleted its own registration: {application}".format_map(_parts(deed))
    return "Deleted {application}, which can be undone for a while".format_map(_parts(deed))


def _reaped(deed: Deed) -> str:
    """Its row is gone, and its name with it: the trail has kept that."""
    name = _within(deed, "before", "client_name") or deed.application or deed.subject
    return f"Removed {_name(name, 'an application')}, which nobody used"


def _initial_token(done: str) -> Callable[[Deed], str]:
    return lambda deed: f"{done} {_labelled(deed, 'registration token')}"


def _resource(done: str) -> Callable[[Deed], str]:
    return lambda deed: f"{done} the resource {_name(deed.subject, 'of a name that is gone')}"


_SENTENCES: Mapping[str, str | Callable[[Deed], str]] = {
    Event.LOGIN_SUCCEEDED: "Signed in",
    Event.LOGIN_FAILED: "Failed to sign in",
    Event.SESSION_CHOSEN: "Chose this account for {application}",
    Event.SESSION_ENDED: _session_ended,
    Event.SESSION_NOTICE_FAILED: "Could not tell {application} that a session is over",
    Event.USER_CREATED: "Made the account of {person}",
    Event.USER_CHANGED: "Changed the account of {person}",
    Event.USER_PASSWORD_SET: "Set a new password for {person}",
    Event.USER_DISABLED: "Disabled the account of {person}",
    Event.USER_ENABLED: "Enabled the account of {person} again",
    Event.USER_TOKENS_REVOKED: "Ended every session and token of {person}",
    Event.AUTHORIZATION_GRANTED: _granted,
    Event.AUTHORIZATION_DENIED: "Refused {application} what it asked for",
    Event.AUTHORIZATION_NARROWED: _narrowed,
    Event.AUTHORIZATION_REVOKED: _revoked,
    Event.AUTHORIZATION_IMPORTED: "Took over what {application} may do from the former system",
    Event.CODE_EXCHANGED: "Got tokens for a code: {application}",
    Event.DEVICE_CODE_EXCHANGED: "Got tokens for a device: {application}",
    Event.BACKCHANNEL_REQUEST_MADE: "Asked for approval: {application}",
    Event.BACKCHANNEL_REQUEST_EXCHANGED: "Got tokens after approval: {application}",
    Event.BACKCHANNEL_REQUEST_UNTOLD: _untold,
    Event.CODE_REPLAYED: "Ended a sign-in of {application} because a one-time code was used twice",
    Event.TOKEN_ISSUED: "Got a token: {application}",
    Event.TOKEN_REFRESHED: "Renewed its token: {application}",
    Event.TOKEN_REVOKED: "Ended a token of {application}",
    Event.FAMILY_REVOKED: _family_revoked,
    Event.APPLICATION_CREATED: "Registered {application}",
    Event.APPLICATION_REGISTERED: "Registered itself: {application}",
    Event.APPLICATION_INTRODUCED: "Became known by its document: {application}",
    Event.APPLICATION_DOCUMENT_CHANGED: "Changed what its document says: {application}",
    Event.APPLICATION_CHANGED: "Changed {application}",
    Event.APPLICATION_SECRET_ADDED: "Added {secret} to {application}",
    Event.APPLICATION_SECRET_ROTATED: "Replaced the secret of {application}",
    Event.APPLICATION_SECRET_REMOVED: "Removed {secret} from {application}",
    Event.APPLICATION_DISABLED: "Switched {application} off",
    Event.APPLICATION_ENABLED: "Switched {application} on again",
    Event.APPLICATION_DELETION_ASKED: _deletion_asked,
    Event.APPLICATION_RESTORED: "Restored {application}",
    Event.APPLICATION_DELETED: "Deleted {application} for good",
    Event.APPLICATION_CHECKED: "Marked {application} as checked",
    Event.APPLICATION_UNCHECKED: "Marked {application} as not checked any more",
    Event.APPLICATION_HANDED_OVER: "Gave {application} another owner",
    Event.APPLICATION_REAPED: _reaped,
    Event.PERSONAL_TOKEN_CREATED: "Made {token}",
    Event.PERSONAL_TOKEN_RENAMED: _renamed("personal token"),
    Event.PERSONAL_TOKEN_REVOKED: "Ended {token}",
    Event.ORGANIZATION_CREATED: "Founded {organization}",
    Event.ORGANIZATION_CHANGED: _renamed("organization"),
    Event.ORGANIZATION_DELETED: "Closed {organization}",
    Event.MEMBER_ADDED: "Became a member with the role {role}: {person}",
    Event.MEMBER_CHANGED: _member_changed,
    Event.MEMBER_REMOVED: "Ended the membership of {person}",
    Event.INVITATION_CREATED: "Invited somebody with the role {role}",
    Event.INVITATION_ACCEPTED: "Accepted an invitation with the role {role}",
    Event.INVITATION_REVOKED: "Took back an invitation with the role {role}",
    Event.API_KEY_CREATED: "Made {key}",
    Event.API_KEY_CHANGED: "Changed {key}",
    Event.API_KEY_ROTATED: "Gave {key} a new secret; the old one works until it is retired",
    Event.API_KEY_RETIRED: "Retired the old secret of {key}",
    Event.API_KEY_REMOVED: "Removed {key}",
    Event.SYSTEM_KEY_USED: "Used the system key",
    Event.SIGNING_KEY_CREATED: "Made a signing key of the server",
    Event.SIGNING_KEY_RETIRED: "Retired a signing key of the server at once",
    Event.SIGNING_KEY_REMOVED: "Removed a signing key that nothing needs any more",
    Event.RESOURCE_DECLARED: _resource("Declared"),
    Event.RESOURCE_CHANGED: _resource("Changed"),
    Event.RESOURCE_REMOVED: _resource("Removed"),
    Event.INITIAL_TOKEN_CREATED: _initial_token("Made"),
    Event.INITIAL_TOKEN_REVOKED: _initial_token("Revoked"),
    Event.LEGACY_IMPORTED: "Took data over from the former system",
}

GROUPS: Mapping[str, str] = {
    "login.": "Sign-ins",
    "session.": "Sessions",
    "user.": "Accounts",
    "authorization.": "Connected applications",
    "code.": "Codes",
    "device_code.": "Device codes",
    "backchannel_request.": "Requests to people",
    "token.": "Tokens",
    "family.": "Sign-ins of applications",
    "application.": "Applications",
    "personal_token.": "Personal tokens",
    "organization.": "Organizations",
    "member.": "Members",
    "invitation.": "Invitations",
    "api_key.": "API keys",
    "system_key.": "System key",
    "signing_key.": "Signing keys",
    "resource.": "Resources",
    "initial_token.": "Registration tokens",
    "legacy.": "Imports",
}
"""What a filter calls the events whose names begin so."""


def _told(deed: Deed, name: str) -> str:
    """Return a text out of the data: as it became, as it was, or as it stands beside both."""
    value = _within(deed, "after", name) or _within(deed, "before", name) or deed.data.get(name)
    return value if isinstance(value, str) else ""


def _within(deed: Deed, part: str, name: str) -> str:
    inner = deed.data.get(part)
    value = inner.get(name) if isinstance(inner, Mapping) else None
    return value if isinstance(value, str) else ""


def _strings(deed: Deed, name: str) -> list[str]:
    value = deed.data.get(name)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _labelled(deed: Deed, kind: str) -> str:
    """Return "API key “Nightly export” …4f2a" as far as the data tells it."""
    label = _told(deed, "label") or _told(deed, "name")
    return _ending(deed, f"{kind} “{_name(label, '')}”" if label else f"the {kind}")


def _ending(deed: Deed, what: str) -> str:
    last_four = _told(deed, "last_four")
    return f"{what} …{_name(last_four, '')}" if last_four else what


def _name(text: str, fallback: str) -> str:
    return display_name(text, fallback=fallback)
