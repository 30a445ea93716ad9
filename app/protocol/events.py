"""The events of the audit trail: the closed catalogue of what is written down. A name is never given a new meaning."""

from enum import StrEnum


class About(StrEnum):
    """What kind of thing an event is about: the one that `subject_id` of its row names."""

    SESSION = "session"
    USER = "user"
    AUTHORIZATION = "authorization"
    CODE = "code"
    DEVICE_CODE = "device_code"
    BACKCHANNEL_REQUEST = "backchannel_request"
    TOKEN = "token"
    FAMILY = "family"
    APPLICATION = "application"
    PERSONAL_TOKEN = "personal_token"
    ORGANIZATION = "organization"
    MEMBER = "member"
    INVITATION = "invitation"
    API_KEY = "api_key"
    SYSTEM_KEY = "system_key"
    RESOURCE = "resource"
    SIGNING_KEY = "signing_key"
    INITIAL_TOKEN = "initial_token"
    IMPORT = "legacy"


class Event(StrEnum):
    """One kind of deed; the value is its name in the table, in filters and in exports.

    The part before the dot says what it is about.
    """

    LOGIN_SUCCEEDED = "login.succeeded"
    LOGIN_FAILED = "login.failed"
    SESSION_CHOSEN = "session.chosen"
    SESSION_ENDED = "session.ended"
    SESSION_NOTICE_FAILED = "session.notice_failed"

    USER_CREATED = "user.created"
    USER_CHANGED = "user.changed"
    USER_PASSWORD_SET = "user.password_set"
    USER_DISABLED = "user.disabled"
    USER_ENABLED = "user.enabled"
    USER_TOKENS_REVOKED = "user.tokens_revoked"

    AUTHORIZATION_GRANTED = "authorization.granted"
    AUTHORIZATION_DENIED = "authorization.denied"
    AUTHORIZATION_NARROWED = "authorization.narrowed"
    AUTHORIZATION_REVOKED = "authorization.revoked"
    AUTHORIZATION_IMPORTED = "authorization.imported"

    CODE_EXCHANGED = "code.exchanged"
    CODE_REPLAYED = "code.replayed"
    DEVICE_CODE_EXCHANGED = "device_code.exchanged"
    BACKCHANNEL_REQUEST_MADE = "backchannel_request.made"
    BACKCHANNEL_REQUEST_EXCHANGED = "backchannel_request.exchanged"
    BACKCHANNEL_REQUEST_UNTOLD = "backchannel_request.untold"
    TOKEN_ISSUED = "token.issued"
    TOKEN_REFRESHED = "token.refreshed"
    TOKEN_REVOKED = "token.revoked"
    FAMILY_REVOKED = "family.revoked"

    APPLICATION_CREATED = "application.created"
    APPLICATION_CHANGED = "application.changed"
    APPLICATION_SECRET_ADDED = "application.secret_added"
    APPLICATION_SECRET_ROTATED = "application.secret_rotated"
    APPLICATION_SECRET_REMOVED = "application.secret_removed"
    APPLICATION_DISABLED = "application.disabled"
    APPLICATION_ENABLED = "application.enabled"
    APPLICATION_DELETION_ASKED = "application.deletion_asked"
    APPLICATION_RESTORED = "application.restored"
    APPLICATION_DELETED = "application.deleted"
    APPLICATION_CHECKED = "application.checked"
    APPLICATION_UNCHECKED = "application.unchecked"
    APPLICATION_HANDED_OVER = "application.handed_over"
    APPLICATION_REGISTERED = "application.registered"
    APPLICATION_INTRODUCED = "application.introduced"
    APPLICATION_DOCUMENT_CHANGED = "application.document_changed"
    APPLICATION_REAPED = "application.reaped"

    PERSONAL_TOKEN_CREATED = "personal_token.created"
    PERSONAL_TOKEN_RENAMED = "personal_token.renamed"
    PERSONAL_TOKEN_REVOKED = "personal_token.revoked"

    ORGANIZATION_CREATED = "organization.created"
    ORGANIZATION_CHANGED = "organization.changed"
    ORGANIZATION_DELETED = "organization.deleted"
    MEMBER_ADDED = "member.added"
    MEMBER_CHANGED = "member.changed"
    MEMBER_REMOVED = "member.removed"
    INVITATION_CREATED = "invitation.created"
    INVITATION_ACCEPTED = "invitation.accepted"
    INVITATION_REVOKED = "invitation.revoked"

    API_KEY_CREATED = "api_key.created"
    API_KEY_CHANGED = "api_key.changed"
    API_KEY_ROTATED = "api_key.rotated"
    API_KEY_RETIRED = "api_key.retired"
    API_KEY_REMOVED = "api_key.removed"
    SYSTEM_KEY_USED = "system_key.used"

    SIGNING_KEY_CREATED = "signing_key.created"
    SIGNING_KEY_RETIRED = "signing_key.retired"
    SIGNING_KEY_REMOVED = "signing_key.removed"

    RESOURCE_DECLARED = "resource.declared"
    RESOURCE_CHANGED = "resource.changed"
    RESOURCE_REMOVED = "resource.removed"

    INITIAL_TOKEN_CREATED = "initial_token.created"
    INITIAL_TOKEN_REVOKED = "initial_token.revoked"

    LEGACY_IMPORTED = "legacy.imported"

    @property
    def about(self) -> About:
        """What kind of thing the event is about."""
        kind = self.value.partition(".")[0]
        return About.SESSION if kind == "login" else About(kind)


def known(name: str) -> Event | None:
    """Return the event with this name; None when there is none."""
    return Event(name) if name in Event.__members__.values() else None


def named(text: str) -> frozenset[Event]:
    """Return the events that a filter asks for: the one of this name, or all whose name begins so if it ends in a dot.

    Nothing when there is none such: an unknown name finds no row (original behaviour §4.3).
    """
    return frozenset(event for event in Event if event == text or (text.endswith(".") and event.startswith(text)))
