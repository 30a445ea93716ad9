"""One frozen dataclass per page: everything its template needs, as plain values."""

from app.views.pages.account import (
    AccountOverview,
    ConnectedApplication,
    ConnectedApplicationPage,
    ConnectedApplications,
    DeskPage,
    Disconnect,
    HeldGroup,
    HeldPermission,
    HistoryEntry,
    Home,
)
from app.views.pages.consent import Consent, Fact, Lifetime, Permission, PermissionGroup
from app.views.pages.error import ErrorPage, Link, Reference
from app.views.pages.forms import Trouble
from app.views.pages.identity import Account, Application, Destination, Page, Policy
from app.views.pages.sign_in import Setup, SignIn, SignInSlowedDown
from app.views.pages.sign_out import SignedOut, SignOut

__all__ = [
    "Account",
    "AccountOverview",
    "Application",
    "ConnectedApplication",
    "ConnectedApplicationPage",
    "ConnectedApplications",
    "Consent",
    "DeskPage",
    "Destination",
    "Disconnect",
    "ErrorPage",
    "Fact",
    "HeldGroup",
    "HeldPermission",
    "HistoryEntry",
    "Home",
    "Lifetime",
    "Link",
    "Page",
    "Permission",
    "PermissionGroup",
    "Policy",
    "Reference",
    "Setup",
    "SignIn",
    "SignInSlowedDown",
    "SignOut",
    "SignedOut",
    "Trouble",
]
