"""Connecting a device that has no browser: its code, what it asks for, and how that ended."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from app.views.pages.consent import Asking, Fact, Lifetime
from app.views.pages.error import ErrorPage, Link, Reference
from app.views.pages.identity import Account, Application, Page
from app.views.pages.sign_in import SignInSlowedDown
from app.views.words import ago

DeviceOutcome = Literal["connected", "refused", "elsewhere"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCode(Page):
    """Asks for the code that a device shows. POSTs `csrf` and `user_code` to `/device`.

    `user_code` is what was typed, or came with the link that the device shows; `wrong` says that no device waits for
    it.
    """

    template: ClassVar[str] = "device.html"

    account: Account
    csrf: str
    user_code: str = ""
    wrong: bool = False

    @property
    def status(self) -> int:
        return 422 if self.wrong else 200


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSlowedDown(SignInSlowedDown):
    """Too many wrong codes. Answer with `Retry-After: {retry_after}`."""

    template: ClassVar[str] = "device_slowed_down.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceConsent(Asking):
    """Asks for a decision about a device. POSTs to `/device/confirm`.

    Sends `csrf`, `device` (which device, for which person), `decision` = `approve` | `deny`, `holds` = `yes` when the
    person has confirmed that his device shows the code, and each ticked optional line as `scope`. `not_confirmed` is
    the second try without it, `confirmed` the one with it. `asked_at` and `now` are aware, and the device asked from
    `address`.
    """

    template: ClassVar[str] = "device_consent.html"

    account: Account
    csrf: str
    device: str
    user_code: str
    application: Application
    lifetime: Lifetime
    address: str
    asked_at: datetime
    now: datetime
    details: tuple[Fact, ...] = ()
    not_confirmed: bool = False
    confirmed: bool = False

    @property
    def status(self) -> int:
        return 422 if self.not_confirmed or self.nothing_ticked else 200

    @property
    def asked_ago(self) -> str:
        """How long ago the device asked, in words."""
        return ago(self.asked_at, self.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceDone(Page):
    """Says how it ended: connected, refused, or decided by somebody else (`elsewhere`).

    `record_url` leads to what the application may do now.
    """

    template: ClassVar[str] = "device_done.html"

    account: Account
    application: Application
    outcome: DeviceOutcome
    record_url: str = ""


def another_accounts(
    reference: Reference, application: Application, account: Account, *, switch_account_url: str
) -> ErrorPage:
    """Return the page for a device that asks to change what this person has not allowed, or allows no longer: it does
    not tell which."""
    return ErrorPage(
        code=404,
        title="Not for this account",
        headline=f"Nothing here belongs to {account.address}",
        happened="The device asks to change a connection that this account does not have. Its code still waits.",
        todo="If another account of yours connected the device, switch to it. Otherwise begin on the device once more.",
        link=Link("Switch account", switch_account_url),
        reference=reference,
        application=application,
        account=account,
    )
