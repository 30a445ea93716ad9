"""The pages of an organization's API keys: the list, a new one, one key with its secrets, and what is asked first."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal
from urllib.parse import quote

from app.views.names import display_name
from app.views.pages.account import DeskPage, DeskPlace, OrganizationTab
from app.views.pages.forms import Trouble, problem_of

KeyDone = Literal["", "saved", "retired"]
"""What has just been done to a key: said once, at the top of its page."""

KeyTrouble = Literal["", "seen", "retiring", "beyond", "one-secret"]
"""Why there is no new secret: the form was sent again, two are good already, the key can do more than who asks; or
there is none to retire."""


@dataclass(frozen=True, slots=True)
class OfferedScope:
    """One permission to tick. A `kept` one the key has, and nobody here could give it."""

    scope: str
    title: str = ""
    detail: str = ""
    ticked: bool = False
    kept: bool = False

    @property
    def note(self) -> str:
        """What should be known before it is ticked or not."""
        return "Your role does not hold it. Once taken away, you can’t give it back." if self.kept else self.detail


@dataclass(frozen=True, slots=True)
class KeyForm:
    """What can be said about a key, as it was typed; origins one per line."""

    label: str
    permissions: tuple[OfferedScope, ...]
    allowed_origins: str = ""
    active: bool = True
    problems: tuple[Trouble, ...] = ()

    def problem(self, name: str) -> str:
        """Return what is wrong with a field; empty when nothing is."""
        return problem_of(self.problems, name)


@dataclass(frozen=True, slots=True)
class ApiKeyEntry:
    """One key. `retiring` are the last characters of the secret before, empty when there is none. Times are aware.

    `last_used` and `retiring_last_used` are of the two secrets, None until they were used.
    """

    id: str
    label: str
    last_four: str
    scopes: tuple[str, ...]
    created: datetime
    allowed_origins: tuple[str, ...] = ()
    retiring: str = ""
    active: bool = True
    last_used: datetime | None = None
    retiring_last_used: datetime | None = None

    @property
    def used(self) -> datetime | None:
        """When the key was last used, with whichever secret."""
        return max(filter(None, (self.last_used, self.retiring_last_used)), default=None)

    @property
    def shown(self) -> str:
        """The label as it may stand in a sentence."""
        return display_name(self.label)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPage(DeskPage):
    """A page about the keys of an organization, which is always given."""

    place: ClassVar[DeskPlace] = "api-keys"

    of: OrganizationTab

    @property
    def list_url(self) -> str:
        """Where the list is."""
        return f"{self.of.url}/api-keys"

    def url_of(self, key: ApiKeyEntry) -> str:
        """Where the page of a key is."""
        return f"{self.list_url}/{quote(key.id, safe='')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeys(KeyPage):
    """`/organizations/{slug}/api-keys`, by label. `removed` is the label of a key that has just been removed."""

    template: ClassVar[str] = "api_keys.html"

    keys: tuple[ApiKeyEntry, ...]
    now: datetime
    removed: str = ""

    @property
    def removed_shown(self) -> str:
        """The label of the removed key as it may stand in a sentence."""
        return display_name(self.removed)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApiKey(KeyPage):
    """Asks what a key shall be. POSTs `csrf`, `once`, `label`, `scope` (repeated) and `allowed_origins` to itself.

    `full`: the organization has as many keys as it may have.
    """

    template: ClassVar[str] = "api_key_new.html"

    form: KeyForm
    csrf: str
    once: str
    full: int = 0

    @property
    def status(self) -> int:
        return 422 if self.form.problems else 409 if self.full else 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyPage(KeyPage):
    """One key: what is said about it, its secrets, and its end.

    POSTs `csrf`, `version`, `label`, `scope`, `allowed_origins` and `status` to itself; `csrf` and `once` to
    `{url}/rotate`. `secret` is the new one, on the answer that made it and never again.
    """

    template: ClassVar[str] = "api_key.html"

    entry: ApiKeyEntry
    form: KeyForm
    version: int
    csrf: str
    once: str
    now: datetime
    secret: str = field(default="", repr=False)
    done: KeyDone = ""
    trouble: KeyTrouble = ""
    stale: bool = False

    @property
    def status(self) -> int:
        if self.form.problems:
            return 422
        return 409 if self.trouble or self.stale else 200

    @property
    def step(self) -> int:
        """Which of the three steps to another secret comes next, from 1."""
        return 2 if self.entry.retiring else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RetireApiKeySecret(KeyPage):
    """Asks before the secret before ends. POSTs `csrf` to itself."""

    template: ClassVar[str] = "api_key_retire.html"

    entry: ApiKeyEntry
    csrf: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveApiKey(KeyPage):
    """Asks before a key ends. POSTs `csrf` to itself."""

    template: ClassVar[str] = "api_key_remove.html"

    entry: ApiKeyEntry
    csrf: str
    now: datetime
