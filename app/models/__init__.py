"""The tables, one file per noun. They do not leave the store: frozen facts and read models do."""

from app.models.api_key import ApiKey
from app.models.application import Application, ApplicationSecret, ApplicationStatus
from app.models.application_use import ApplicationUse
from app.models.audit import Audit, DecisionTrace
from app.models.authorization import Authorization, AuthorizationScope
from app.models.backchannel_request import BackchannelRequest
from app.models.browser_session import BrowserSession
from app.models.device_grant import DeviceGrant
from app.models.failure import Failure
from app.models.grant_code import GrantCode
from app.models.initial_access_token import InitialAccessToken
from app.models.interaction import Interaction
from app.models.legacy import LegacyCredential, LegacyImport, LegacyToken
from app.models.logout_delivery import LogoutDelivery
from app.models.one_time_link import OneTimeLink
from app.models.organization import Organization, OrganizationInvitation, OrganizationMember
from app.models.pairwise_subject import PairwiseSubject
from app.models.personal_token import PersonalToken
from app.models.proof import Proof
from app.models.pushed_request import PushedRequest
from app.models.resource import Resource
from app.models.revoked_token import RevokedToken
from app.models.server_meta import ServerMeta
from app.models.session_application import SessionApplication
from app.models.signing_key import SigningKey
from app.models.spent_key import SpentKey
from app.models.token import AccessToken, TokenFamily
from app.models.user import User

__all__ = [
    "AccessToken",
    "ApiKey",
    "Application",
    "ApplicationSecret",
    "ApplicationStatus",
    "ApplicationUse",
    "Audit",
    "Authorization",
    "AuthorizationScope",
    "BackchannelRequest",
    "BrowserSession",
    "DecisionTrace",
    "DeviceGrant",
    "Failure",
    "GrantCode",
    "InitialAccessToken",
    "Interaction",
    "LegacyCredential",
    "LegacyImport",
    "LegacyToken",
    "LogoutDelivery",
    "OneTimeLink",
    "Organization",
    "OrganizationInvitation",
    "OrganizationMember",
    "PairwiseSubject",
    "PersonalToken",
    "Proof",
    "PushedRequest",
    "Resource",
    "RevokedToken",
    "ServerMeta",
    "SessionApplication",
    "SigningKey",
    "SpentKey",
    "TokenFamily",
    "User",
]
