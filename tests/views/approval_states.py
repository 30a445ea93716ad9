"""The pages on which a person decides about what applications ask him elsewhere, in every state."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from app.views.pages import Account, Application, Fact, Lifetime, Page, PermissionGroup, Reference
from app.views.pages.approvals import ApprovalConsent, ApprovalDone, Approvals, WaitingApproval, nothing_waits


def approval_pages(
    person: Account,
    now: datetime,
    applications: tuple[Application, Application, Application],
    groups: tuple[PermissionGroup, PermissionGroup, PermissionGroup],
) -> Iterator[tuple[str, Page]]:
    """Yield them; applications and groups as for `device_pages`."""
    checked, unchecked, long = applications
    asked, optional, granted = groups
    asked_at, ends_at = now - timedelta(minutes=2), now + timedelta(minutes=3)
    waiting = WaitingApproval("0198c1f0", checked, asked_at, ends_at, "Till 4, 12.50 EUR")
    entries = (waiting, replace(waiting, application=unchecked, binding_message=""), replace(waiting, application=long))
    listed = Approvals(account=person, approvals=entries, now=now, waiting=len(entries))
    yield "approvals", listed
    yield "approvals-empty", replace(listed, approvals=(), waiting=0)
    consent = ApprovalConsent(
        account=person,
        csrf="csrf-value",
        id="0198c1f0",
        application=checked,
        groups=(asked, optional),
        lifetime=Lifetime(offline=True, access_seconds=3600, idle_seconds=2_592_000),
        binding_message="Till 4, 12.50 EUR",
        address="198.51.100.24",
        asked_at=asked_at,
        ends_at=ends_at,
        now=now,
        details=(Fact("Client ID", "till"), Fact("Scope", "openid project:read")),
        switch_account_url="/select-account",
    )
    yield "approval-consent", consent
    yield "approval-consent-no-message", replace(consent, binding_message="", address="")
    yield "approval-consent-unchecked", replace(consent, application=replace(unchecked, owner="Saltbarn"))
    yield "approval-consent-made-by-somebody", replace(consent, application=replace(unchecked, self_registered=False))
    yield "approval-consent-more", replace(consent, groups=(granted, asked))
    yield (
        "approval-consent-long",
        replace(consent, application=long, binding_message="W" * 64, address="2001:0db8:85a3:0000:0000:8a2e:0370:7334"),
    )
    done = ApprovalDone(account=person, application=checked, outcome="approved", record_url="/account/applications/1")
    yield "approval-done", done
    yield "approval-done-unchecked", replace(done, application=unchecked, record_url="")
    yield "approval-refused", replace(done, outcome="refused")
    yield "approval-over", replace(done, outcome="over", application=long)
    yield "approval-not-yours", nothing_waits(Reference("req_1", now), person, switch_account_url="/select-account")
