"""Connecting a device that has no browser: its code, what it asks for, and how that ended."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from app.views.pages.consent import AskingElsewhere
from app.views.pages.error import ErrorPage, Link, Reference
from app.views.pages.identity import Account, Application, Page
from app.views.pages.sign_in import SignInSlowedDown

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
class DeviceConsent(AskingElsewhere):
    """Asks for a decision about a device. POSTs to `/device/confirm`.

    Sends `csrf`, `device` (which device, for which person), `decision` = `approve` | `deny`, `holds` = `yes` when the
    person has confirmed that his device shows the code, and each ticked optional line as `scope`. `not_confirmed` is
    the second try without it, `confirmed` the one with it.
    """

    template: ClassVar[str] = "device_consent.html"

    device: str
    user_code: str
    not_confirmed: bool = False
    confirmed: bool = False

    @property
    def status(self) -> int:
        return 422 if self.not_confirmed or self.nothing_ticked else 200


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
