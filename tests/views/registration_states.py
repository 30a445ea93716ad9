"""The pages of registration tokens in every state."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from app.views.pages.forms import Trouble
from app.views.pages.identity import Page
from app.views.pages.registration_tokens import (
    RegistrationTokenForm,
    RegistrationTokenLine,
    RegistrationTokens,
    RegistrationTokenSeen,
    RevokeRegistrationToken,
    ShownRegistrationToken,
)
from app.views.pages.tokens import End
from tests.views.admin_states import NOW, OPERATOR

DAY = timedelta(days=1)
PARTNER = RegistrationTokenLine("1", "Partner portal", "ada", NOW - DAY, True, 10, NOW + 6 * DAY, NOW - DAY / 2)
USED_UP = RegistrationTokenLine("2", "Night shift", "ada", NOW - 2 * DAY, False, 0, NOW + 5 * DAY, NOW - DAY)
ENDED = RegistrationTokenLine("3", "A" + " very" * 20 + " long label", "", NOW - 9 * DAY, False, None, NOW - DAY)
ENDLESS = RegistrationTokenLine("4", "Continuous integration", "operator", NOW - DAY)
FORM = RegistrationTokenForm(
    csrf="csrf-value",
    once="once-value",
    ends=(End("7", NOW + 7 * DAY, 7 * 86_400), End("365", NOW + 365 * DAY, 365 * 86_400), End("never", None)),
    end="7",
)


def registration_pages() -> Iterator[tuple[str, Page]]:
    """Yield each state of each page."""
    every = (PARTNER, USED_UP, ENDED, ENDLESS)
    page = RegistrationTokens(account=OPERATOR, tokens=every, mode="token", form=FORM, now=NOW)
    yield "registration-tokens", page
    yield "registration-tokens-closed", replace(page, tokens=(), mode="closed")
    paged = replace(page, first_url="/admin/registration-tokens", next_url="/admin/registration-tokens?after=x")
    yield "registration-tokens-open", replace(paged, mode="open", form=None)
    yield "registration-tokens-revoked", replace(page, revoked="Partner portal")
    troubles = (Trouble("label", "Say who gets the token"), Trouble("ends", "Choose when the token ends"))
    twice = (*troubles, Trouble("uses", "Choose how often the token counts"))
    yield "registration-tokens-wrong", replace(page, problems=twice, form=replace(FORM, label="", uses="7", end="x"))
    yield "registration-tokens-made", replace(page, form=None, made=ShownRegistrationToken(PARTNER, "asia_" + "A" * 70))
    yield "registration-tokens-made-endless", replace(page, form=None, made=ShownRegistrationToken(ENDLESS, "asia_A"))
    yield "registration-tokens-seen", RegistrationTokenSeen(account=OPERATOR)
    revoke = RevokeRegistrationToken(account=OPERATOR, line=PARTNER, csrf="csrf-value", now=NOW)
    yield "registration-token-revoke", revoke
    yield "registration-token-revoke-used-up", replace(revoke, line=USED_UP)
    yield "registration-token-revoke-unused", replace(revoke, line=ENDLESS)
