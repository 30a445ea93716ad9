"""ENDPOINTS: every hot endpoint with its path and its feature; PAGES: every FastAPI router with its feature.

Mounting reads them, and nothing else decides what is served.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import APIRouter

from app.pipeline.http import Cors, Endpoint
from app.protocol import ciba, grant_management, registration, resource_metadata, userinfo
from app.protocol.features import Feature, FeatureSet
from app.protocol.grant_types import GRANT_TYPES
from app.routers import authorize, bc_authorize, check_session, docs, end_session, health, par, register, static
from app.routers.account import activity as account_activity
from app.routers.account import applications as account_applications
from app.routers.account import overview as account_overview
from app.routers.account import sessions as account_sessions
from app.routers.account import tokens as account_tokens
from app.routers.admin import applications as admin_applications
from app.routers.admin import audit as admin_audit
from app.routers.admin import registration_tokens as admin_registration_tokens
from app.routers.admin import requests as admin_requests
from app.routers.admin import resources as admin_resources
from app.routers.admin import sessions as admin_sessions
from app.routers.admin import users as admin_users
from app.routers.api import admin as api_admin
from app.routers.api import admin_sessions as api_admin_sessions
from app.routers.api import api_keys as api_api_keys
from app.routers.api import application_secrets as api_application_secrets
from app.routers.api import applications as api_applications
from app.routers.api import approvals as api_approvals
from app.routers.api import audit as api_audit
from app.routers.api import authorizations as api_authorizations
from app.routers.api import invitations as api_invitations
from app.routers.api import members as api_members
from app.routers.api import organizations as api_organizations
from app.routers.api import registration_tokens as api_registration_tokens
from app.routers.api import resources as api_resources
from app.routers.api import session as api_session
from app.routers.api import sessions as api_sessions
from app.routers.api import tokens as api_tokens
from app.routers.api.hot import reading_endpoint
from app.routers.api.index import index
from app.routers.api.me import me
from app.routers.device_authorization import device_authorization
from app.routers.discovery import metadata_document, nothing, resource_document
from app.routers.global_token_revocation import global_token_revocation, refusal
from app.routers.grants import grant
from app.routers.introspect import introspect
from app.routers.jwks import jwks
from app.routers.organizations import api_keys as organization_api_keys
from app.routers.organizations import applications as organization_applications
from app.routers.organizations import audit as organization_audit
from app.routers.organizations import joining as organization_joining
from app.routers.organizations import members as organization_members
from app.routers.organizations import overview as organization_overview
from app.routers.pages import approvals, consent, device, home, login, logos, logout, select_account, setup, sign_up
from app.routers.portal import application as portal_application
from app.routers.portal import applications as portal_applications
from app.routers.portal import leaving as portal_leaving
from app.routers.portal import secrets as portal_secrets
from app.routers.revoke import revoke
from app.routers.token import token
from app.routers.userinfo import answer_userinfo
from app.routers.userinfo import refusal as userinfo_refusal

ANY = "*"
"""As the last part of a hot path: whatever stands there is of the endpoint."""

ALL = "**"
"""As the last part of a well-known hot path: of the endpoint is whatever stands there, with all that is below it."""

WELL_KNOWN = "/.well-known/"
METADATA = "/.well-known/oauth-authorization-server"
OPENID_CONFIGURATION = "/.well-known/openid-configuration"

_POST = Cors("POST, OPTIONS")
_PUBLISHED = Cors("GET, OPTIONS", request_headers="Authorization, MCP-Protocol-Version", exposed="ETag", published=True)
"""Clients of MCP send that header with every look for metadata (MB-1)."""

_GET_AND_POST = Cors("GET, POST, OPTIONS")


@dataclass(frozen=True, slots=True)
class Mounted:
    """One hot endpoint at its path; on when one of its features is (none named: always), and all that it `needs`.

    `below`: it answers for whatever stands as one more part behind its path, too. `all_below`: for however many
    parts behind a well-known path.
    """

    path: str
    endpoint: Endpoint
    features: frozenset[Feature] = frozenset()
    needs: frozenset[Feature] = frozenset()
    below: bool = False
    all_below: bool = False

    def is_on(self, features: FeatureSet) -> bool:
        """Tell whether it is served by a server with these features."""
        return (not self.features or not self.features.isdisjoint(features)) and self.needs <= features


ENDPOINTS: tuple[Mounted, ...] = (
    Mounted("/oauth/token", Endpoint(token, cors=_POST), frozenset(grant.FEATURE for grant in GRANT_TYPES.values())),
    Mounted(
        "/oauth/device_authorization",
        Endpoint(device_authorization, cors=_POST),
        frozenset({Feature.DEVICE_AUTHORIZATION}),
    ),
    Mounted(ciba.PATH, Endpoint(bc_authorize.bc_authorize), frozenset({Feature.BACKCHANNEL_AUTHENTICATION})),
    Mounted(par.PATH, Endpoint(par.push, cors=_POST), frozenset({Feature.PUSHED_REQUESTS})),
    Mounted(
        userinfo.PATH,
        Endpoint(answer_userinfo, methods=("GET", "HEAD", "POST"), cors=_GET_AND_POST, refuse=userinfo_refusal),
        frozenset({Feature.OPENID}),
    ),
    Mounted(
        registration.PATH,
        Endpoint(register.register, cors=register.CORS, refuse=register.refusal),
        frozenset({Feature.DYNAMIC_REGISTRATION}),
    ),
    Mounted(
        f"{registration.PATH}/{ANY}",
        Endpoint(
            register.manage,
            methods=("GET", "HEAD", "PUT", "DELETE"),
            cors=register.MANAGEMENT_CORS,
            refuse=register.refusal,
        ),
        frozenset({Feature.DYNAMIC_REGISTRATION}),
    ),
    Mounted("/oauth/introspect", Endpoint(introspect), frozenset({Feature.INTROSPECTION})),
    Mounted("/oauth/revoke", Endpoint(revoke, cors=_POST), frozenset({Feature.REVOCATION})),
    Mounted(
        "/oauth/global-token-revocation",
        Endpoint(global_token_revocation, refuse=refusal),
        frozenset({Feature.GLOBAL_REVOCATION}),
    ),
    Mounted(
        grant_management.PATH,
        Endpoint(grant, methods=("GET", "HEAD", "DELETE"), refuse=refusal),
        frozenset({Feature.GRANT_MANAGEMENT}),
        below=True,
    ),
    Mounted(
        METADATA,
        Endpoint(metadata_document, methods=("GET", "HEAD"), cors=_PUBLISHED),
        frozenset({Feature.METADATA}),
    ),
    Mounted(
        OPENID_CONFIGURATION,
        Endpoint(metadata_document, methods=("GET", "HEAD"), cors=_PUBLISHED),
        frozenset({Feature.METADATA}),
        needs=frozenset({Feature.OPENID}),
    ),
    Mounted(
        resource_metadata.PATH,
        Endpoint(resource_document, methods=("GET", "HEAD"), cors=_PUBLISHED),
        frozenset({Feature.PROTECTED_RESOURCE_METADATA}),
        all_below=True,
    ),
    Mounted(WELL_KNOWN.rstrip("/"), Endpoint(nothing, methods=("GET", "HEAD"), cors=_PUBLISHED), all_below=True),
    Mounted(
        "/oauth/jwks",
        Endpoint(jwks, methods=("GET", "HEAD"), cors=_PUBLISHED),
        frozenset({Feature.PUBLISHED_KEYS}),
    ),
    Mounted("/api/v1/", reading_endpoint(index)),
    Mounted("/api/v1/me", reading_endpoint(me)),
)


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of one router; on when their feature is (None: always)."""

    router: APIRouter
    feature: Feature | None = None


PAGES: tuple[Pages, ...] = (
    Pages(authorize.router, Feature.AUTHORIZATION_CODE),
    Pages(consent.router, Feature.AUTHORIZATION_CODE),
    Pages(device.router, Feature.DEVICE_AUTHORIZATION),
    Pages(approvals.router, Feature.BACKCHANNEL_AUTHENTICATION),
    Pages(login.router),
    Pages(select_account.router),
    Pages(sign_up.router, Feature.SIGN_UP),
    Pages(logout.router),
    Pages(end_session.router, Feature.RP_INITIATED_LOGOUT),
    Pages(check_session.router, Feature.SESSION_MANAGEMENT),
    Pages(setup.router),
    Pages(home.router),
    Pages(docs.router),
    Pages(account_overview.router),
    Pages(account_applications.router),
    Pages(account_tokens.router),
    Pages(account_sessions.router),
    Pages(account_activity.router),
    Pages(portal_applications.router),
    Pages(portal_application.router),
    Pages(portal_secrets.router),
    Pages(portal_leaving.router),
    Pages(organization_joining.router),
    Pages(organization_overview.router),
    Pages(organization_members.router),
    Pages(organization_api_keys.router),
    Pages(organization_applications.router),
    Pages(organization_audit.router),
    Pages(admin_users.router),
    Pages(admin_sessions.router),
    Pages(admin_applications.router),
    Pages(admin_registration_tokens.router),
    Pages(admin_requests.router),
    Pages(admin_resources.router, Feature.RESOURCE_INDICATORS),
    Pages(admin_audit.router),
    Pages(api_session.router),
    Pages(api_sessions.router),
    Pages(api_authorizations.router),
    Pages(api_approvals.router, Feature.BACKCHANNEL_AUTHENTICATION),
    Pages(api_applications.router),
    Pages(api_application_secrets.router),
    Pages(api_tokens.router),
    Pages(api_organizations.router),
    Pages(api_members.router),
    Pages(api_invitations.router),
    Pages(api_api_keys.router),
    Pages(api_audit.router),
    Pages(api_admin.router),
    Pages(api_admin_sessions.router),
    Pages(api_resources.router, Feature.RESOURCE_INDICATORS),
    Pages(api_registration_tokens.router),
    Pages(logos.router),
    Pages(static.router),
    Pages(health.router),
)


def page_routers(features: FeatureSet) -> tuple[APIRouter, ...]:
    """Return the routers of the pages whose features are on."""
    return tuple(pages.router for pages in PAGES if pages.feature is None or pages.feature in features)


def hot_paths(issuer: str, features: FeatureSet) -> dict[str, Endpoint]:
    """Return path → endpoint for the features that are on.

    With an issuer that has a path, the endpoints answer below it and at the root (whatever the proxy in front strips).
    That gives the metadata the appended well-known path of OpenID Connect Discovery §4.1; it stands at the inserted one
    of RFC 8414 §3.1 as well, under both names (MD-1, MD-2, MC-2, TV-12). Whatever else is well known is not known here,
    and programs are told so in JSON (MD-3).
    """
    prefix = urlsplit(issuer).path.rstrip("/")
    paths: dict[str, Endpoint] = {}
    for mounted in ENDPOINTS:
        if mounted.is_on(features):
            paths[mounted.path] = mounted.endpoint
            paths[prefix + mounted.path] = mounted.endpoint
            if mounted.below:
                paths[f"{mounted.path}/{ANY}"] = paths[f"{prefix}{mounted.path}/{ANY}"] = mounted.endpoint
            if mounted.all_below:
                paths[f"{mounted.path}/{ALL}"] = paths[f"{prefix}{mounted.path}/{ALL}"] = mounted.endpoint
            if mounted.path in (METADATA, OPENID_CONFIGURATION):
                paths[mounted.path + prefix] = mounted.endpoint
    return paths
