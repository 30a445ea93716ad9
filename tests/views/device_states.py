"""The pages on which a device is connected, in every state."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from app.views.pages import Account, Application, Fact, Lifetime, Page, PermissionGroup
from app.views.pages.device import DeviceCode, DeviceConsent, DeviceDone, DeviceSlowedDown, another_accounts
from app.views.pages.error import Reference

CODE = "WDJB-MJHT"


def device_pages(
    person: Account,
    now: datetime,
    applications: tuple[Application, Application, Application],
    groups: tuple[PermissionGroup, PermissionGroup, PermissionGroup],
) -> Iterator[tuple[str, Page]]:
    """Yield them; the applications are a checked one, an unchecked one, and one with a long name. Of the groups one is
    asked for, one has optional permissions alone, and one was granted before."""
    checked, unchecked, long = applications
    asked, optional, granted = groups
    code = DeviceCode(account=person, csrf="csrf-value")
    yield "device", code
    yield "device-filled-in", replace(code, user_code=CODE)
    yield "device-wrong", replace(code, user_code=CODE, wrong=True)
    yield "device-wrong-and-empty", replace(code, wrong=True)
    yield "device-slowed-down", DeviceSlowedDown(account=person, retry_after=600, now=now, again_url="/device")
    consent = DeviceConsent(
        account=person,
        csrf="csrf-value",
        device="device-value",
        user_code=CODE,
        application=checked,
        groups=(asked, optional),
        lifetime=Lifetime(offline=True, access_seconds=3600, idle_seconds=2_592_000),
        address="198.51.100.24",
        asked_at=now - timedelta(minutes=2),
        now=now,
        details=(Fact("Client ID", "living-room"), Fact("Scope", "project:read event:read")),
    )
    yield "device-consent", consent
    yield "device-consent-unchecked", replace(consent, application=unchecked, address="")
    yield "device-consent-made-by-somebody", replace(consent, application=replace(unchecked, owner="Saltbarn"))
    yield "device-consent-not-confirmed", replace(consent, not_confirmed=True, ticked=frozenset({"member:read"}))
    yield "device-consent-nothing-ticked", replace(consent, groups=(optional,), nothing_ticked=True, confirmed=True)
    yield "device-consent-more", replace(consent, groups=(granted, asked))
    yield "device-consent-again", replace(consent, groups=(granted,))
    yield "device-consent-nothing-asked", replace(consent, groups=(replace(asked, permissions=()),))
    yield (
        "device-consent-long-name",
        replace(consent, application=long, address="2001:0db8:85a3:0000:0000:8a2e:0370:7334"),
    )
    done = DeviceDone(account=person, application=checked, outcome="connected", record_url="/account/applications/1")
    yield "device-done", done
    yield "device-done-unchecked", replace(done, application=unchecked, record_url="")
    yield "device-done-long-name", replace(done, application=long)
    yield "device-refused", replace(done, outcome="refused")
    seen = Reference("req_01k3q7x2ae5t", now)
    yield "device-of-another-account", another_accounts(seen, long, person, switch_account_url="/select-account")
    yield "device-decided-elsewhere", replace(done, outcome="elsewhere")
