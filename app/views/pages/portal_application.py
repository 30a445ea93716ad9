"""The developer pages of one application: everything its owner can see and change, and the questions before a loss."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal
from urllib.parse import quote

from app.protocol.scopes import ScopeKind
from app.views.names import display_name
from app.views.pages.account import DeskPlace
from app.views.pages.error import Link
from app.views.pages.forms import FormPage
from app.views.pages.portal import Choice, OwnApplication
from app.views.pages.portal_authentication import METHOD_WORDS, Authentication
from app.views.pages.portal_requests import Requests
from app.views.pages.portal_signing_in import SigningIn

SecretStep = Literal["add", "place", "remove"]

DONE = {
    "uri-added": "Redirect URI added",
    "uri-removed": "Redirect URI removed. Nobody is sent there any more.",
    "origin-added": "Origin added",
    "origin-removed": "Origin removed. Scripts there can’t use its tokens any more.",
    "permissions": "Permissions saved",
    "details": "Saved. People see it from now on.",
    "authentication": "Saved. It proves who it is like this from now on.",
    "signing-in": "Saved. People sign in and out like this from now on.",
    "requests": "Saved. It asks and is answered like this from now on.",
    "secret-removed": "Secret removed. It stopped working at once.",
    "off": "Turned off. All its tokens stopped at once.",
    "on": "Turned on. People can sign in to it again.",
    "handed-over": "Handed over",
    "restored": "Restored. People sign in to it anew.",
}
"""What a page says after a change."""

PROFILE_WORDS = {
    "oauth2.1": "",
    "fapi2": "FAPI 2.0 Security Profile",
    "fapi2-message-signing": "FAPI 2.0 Security Profile and Message Signing",
}
"""What profiles are called."""

MAX_SECRETS = 2
"""How many are valid at a time."""


@dataclass(frozen=True, slots=True)
class OwnSecret:
    """A valid secret: its last characters (empty when they were never kept), and who made it when (aware)."""

    id: str
    last_four: str
    created: datetime
    created_by: str = ""
    last_used: datetime | None = None

    @property
    def maker(self) -> str:
        """Who made it, as it may stand in a sentence; empty when unknown."""
        return display_name(self.created_by, fallback="")

    @property
    def words(self) -> str:
        """How to tell it from another one when it is read out."""
        return f"ending in {self.last_four}" if self.last_four else "made before last characters were kept"


@dataclass(frozen=True, slots=True)
class AskableScope:
    """A permission that the application may ask for when it is ticked."""

    name: str
    title: str
    kind: ScopeKind
    ticked: bool


@dataclass(frozen=True, slots=True)
class AskableSet:
    """The permissions of one display set."""

    title: str
    scopes: tuple[AskableScope, ...]


@dataclass(frozen=True, slots=True)
class Details:
    """What an application says about itself, as typed."""

    name: str = ""
    home_page: str = ""
    privacy: str = ""
    terms: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnApplicationPage(FormPage):
    """One application of the person or of an organization of his.

    Every form POSTs `csrf` and `version`, so that nobody overwrites what he has not seen. `secrets` are the newest
    first. `everything`: it may ask for every scope of the registry; `unknown_scopes` are those that have left it.
    `unmet` names metadata that this server can't honour yet, so that it refuses the application. `unfinished`: it is to
    sign people in, and has no redirect URI yet. `can_hand_over`: there is somebody else to own it. After a mistake,
    `problems` tell what is wrong, and `typed_uri`, `typed_origin`, `details`, `authentication`, `signing_in` and
    `requests` hold what was typed; without `signing_in`, nobody signs in to it, and without `requests` it sends nobody
    here. `profile` names the set of rules that the operator holds it to, empty: the usual ones.
    `stale`: somebody else changed it meanwhile, so nothing was done. `done` is the sentence about what was.
    """

    template: ClassVar[str] = "portal_application.html"
    place: ClassVar[DeskPlace] = "apps"

    entry: OwnApplication
    version: int
    csrf: str
    once: str
    now: datetime
    issuer: str
    discovery: Link
    authentication: Authentication
    details: Details
    secrets: tuple[OwnSecret, ...] = ()
    redirect_uris: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    everything: bool = False
    scope_sets: tuple[AskableSet, ...] = ()
    unknown_scopes: tuple[str, ...] = ()
    unmet: tuple[str, ...] = ()
    unfinished: bool = False
    can_hand_over: bool = False
    typed_uri: str = ""
    typed_origin: str = ""
    signing_in: SigningIn | None = None
    requests: Requests | None = None
    profile: str = ""
    stale: bool = False
    done: str = ""

    @property
    def status(self) -> int:
        if self.stale:
            return 409
        return 422 if self.problems else 200

    @property
    def method_words(self) -> str:
        """How it proves at the token endpoint who it is; empty when there are no words for its way."""
        return METHOD_WORDS.get(self.authentication.method, "")

    @property
    def profile_words(self) -> str:
        """What the profile is called; empty for the usual one."""
        return PROFILE_WORDS.get(self.profile, self.profile)

    @property
    def room(self) -> bool:
        """Whether one more secret may be valid."""
        return len(self.secrets) < MAX_SECRETS

    @property
    def step(self) -> SecretStep:
        """Where the owner is in changing the secret without an outage."""
        if len(self.secrets) < MAX_SECRETS:
            return "add"
        return "remove" if self.secrets[0].last_used is not None else "place"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question(FormPage):
    """A page that asks before a loss. POSTs `csrf` and `version` to where it stands."""

    place: ClassVar[DeskPlace] = "apps"

    entry: OwnApplication
    version: int
    csrf: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveSecret(_Question):
    """Asks before a secret stops working: the other one stays."""

    template: ClassVar[str] = "portal_remove_secret.html"

    secret: OwnSecret
    now: datetime

    @property
    def url(self) -> str:
        """Where the question stands."""
        return f"{self.entry.url}/secrets/{quote(self.secret.id, safe='')}/remove"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnOff(_Question):
    """Asks before sign-in and all tokens stop."""

    template: ClassVar[str] = "portal_off.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver(_Question):
    """Asks who shall own it from now on. POSTs `owner`, too."""

    template: ClassVar[str] = "portal_hand_over.html"

    owners: tuple[Choice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteApplication(_Question):
    """Asks for the name before everything goes. `grace_seconds` is how long it can come back."""

    template: ClassVar[str] = "portal_delete.html"

    grace_seconds: int
    secrets: int = 0
    typed: str = ""
