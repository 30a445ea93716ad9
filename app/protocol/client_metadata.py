"""Client metadata: what an application says about itself, the defaults, and what must fit together.

RFC 7591 §2, OpenID Connect Registration §2 and the members that later specifications add (standards DR-5 to DR-9,
DR-15). Unknown members are ignored (RFC 7591 §2); a null counts as absent, and so does an empty list.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from app.crypto.jose import problem_with_public_key
from app.crypto.jose_keys import ALGORITHMS
from app.protocol import client_ciba, client_openid, client_requests, pairwise, response_types
from app.protocol.client_auth import (
    KEY_METHODS,
    SECRET_METHODS,
    client_secret_jwt,
    private_key_jwt,
    self_signed_tls_client_auth,
    tls_client_auth,
)
from app.protocol.client_keys import KeyMaterial
from app.protocol.client_members import (
    Algorithm,
    AuthMethod,
    GrantType,
    HttpsAddress,
    ListOf,
    Name,
    PublicKeys,
    RedirectUri,
    ResponseType,
    SigningAlgorithm,
    Text,
    WebAddress,
)
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.grant_types import GRANT_TYPES
from app.protocol.openid_settings import DEFAULT_ALG, DEFAULT_ENC, OpenIdSettings
from app.protocol.request_settings import RequestSettings
from app.protocol.scopes import ApplicationScopeNames, ScopeRegistry
from app.protocol.validation_words import sentence

IN_EFFECT = frozenset(
    {
        *("redirect_uris", "response_types", "grant_types", "token_endpoint_auth_method", "application_type", "scope"),
        *("client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri", "contacts"),
        *("software_id", "software_version"),
        *("token_endpoint_auth_signing_alg", "jwks", "jwks_uri", *tls_client_auth.SUBJECTS),
        *("dpop_bound_access_tokens", "tls_client_certificate_bound_access_tokens"),
        *("introspection_signed_response_alg", "introspection_encrypted_response_alg"),
        "introspection_encrypted_response_enc",
        *("response_modes", "authorization_signed_response_alg", "authorization_encrypted_response_alg"),
        *("authorization_encrypted_response_enc", "authorization_details_types"),
        *("require_pushed_authorization_requests", "require_signed_request_object", "request_uris"),
        *("request_object_signing_alg", "request_object_encryption_alg", "request_object_encryption_enc"),
        *("backchannel_token_delivery_mode", "backchannel_client_notification_endpoint"),
        *("backchannel_authentication_request_signing_alg", "backchannel_user_code_parameter"),
        *client_openid.MEMBERS,
    }
)
"""Members that this version acts on, or that only inform."""

REDIRECTING = frozenset({"authorization_code", "implicit"})
"""Grant types whose answer comes through the browser, and so needs somewhere to go."""

MAX_SECONDS = 2**31 - 1
"""The longest `default_max_age`: every sign-in is younger."""

_LANGUAGE_TAGGED = frozenset({"client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri"})
_MOST_TAGGED = 100  # each of them in twenty languages
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_ASSERTION_ALGORITHMS = {
    private_key_jwt.NAME: private_key_jwt.ALGORITHMS,
    client_secret_jwt.NAME: client_secret_jwt.ALGORITHMS,
}


class ClientMetadata(BaseModel):
    """The members of DR-15. Validate it with the context `{"scopes": registry}`, or call `read`. The context may also
    have the algorithms that the server signs with (`signing`).

    `scope` is None for an application that may ask for everything. `localized` holds language-tagged members
    (RFC 7591 §2.2) by their full name, such as `client_name#de`.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    redirect_uris: ListOf[RedirectUri] = ()
    response_types: ListOf[ResponseType] = ()
    grant_types: ListOf[GrantType] = ()
    token_endpoint_auth_method: AuthMethod = "client_secret_basic"
    token_endpoint_auth_signing_alg: SigningAlgorithm | None = None
    application_type: Literal["web", "native"] | None = None
    scope: ApplicationScopeNames | None = None
    client_name: Name = ""
    client_uri: WebAddress | None = None
    logo_uri: WebAddress | None = None
    policy_uri: WebAddress | None = None
    tos_uri: WebAddress | None = None
    contacts: ListOf[Name] = ()
    software_id: Name | None = None
    software_version: Name | None = None
    localized: dict[str, Text] = Field(default_factory=dict)

    jwks: PublicKeys | None = None
    jwks_uri: HttpsAddress | None = None
    tls_client_auth_subject_dn: Text | None = None
    tls_client_auth_san_dns: Text | None = None
    tls_client_auth_san_uri: Text | None = None
    tls_client_auth_san_ip: Text | None = None
    tls_client_auth_san_email: Text | None = None
    dpop_bound_access_tokens: bool = False
    tls_client_certificate_bound_access_tokens: bool = False

    require_pushed_authorization_requests: bool = False
    require_signed_request_object: bool = False
    request_uris: ListOf[HttpsAddress] = ()
    request_object_signing_alg: Algorithm | None = None
    request_object_encryption_alg: Algorithm | None = None
    request_object_encryption_enc: Algorithm | None = None
    authorization_details_types: ListOf[Name] = ()
    response_modes: ListOf[Name] = ()
    authorization_signed_response_alg: SigningAlgorithm | None = None
    authorization_encrypted_response_alg: Algorithm | None = None
    authorization_encrypted_response_enc: Algorithm | None = None
    introspection_signed_response_alg: SigningAlgorithm | None = None
    introspection_encrypted_response_alg: Algorithm | None = None
    introspection_encrypted_response_enc: Algorithm | None = None

    subject_type: Literal["public", "pairwise"] | None = None
    sector_identifier_uri: HttpsAddress | None = None
    id_token_signed_response_alg: Algorithm | None = None
    id_token_encrypted_response_alg: Algorithm | None = None
    id_token_encrypted_response_enc: Algorithm | None = None
    userinfo_signed_response_alg: Algorithm | None = None
    userinfo_encrypted_response_alg: Algorithm | None = None
    userinfo_encrypted_response_enc: Algorithm | None = None
    default_max_age: int | None = Field(None, ge=0, le=MAX_SECONDS)
    require_auth_time: bool = False
    default_acr_values: ListOf[Name] = ()
    initiate_login_uri: HttpsAddress | None = None
    post_logout_redirect_uris: ListOf[RedirectUri] = ()
    frontchannel_logout_uri: WebAddress | None = None
    frontchannel_logout_session_required: bool = False
    backchannel_logout_uri: WebAddress | None = None
    backchannel_logout_session_required: bool = False

    backchannel_token_delivery_mode: Literal["poll", "ping", "push"] | None = None
    backchannel_client_notification_endpoint: HttpsAddress | None = None
    backchannel_authentication_request_signing_alg: SigningAlgorithm | None = None
    backchannel_user_code_parameter: bool = False

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, given: Any) -> Any:
        """DR-5: nulls and empty lists are absent, and absent members get the specification's defaults."""
        if not isinstance(given, Mapping):
            return given
        # An empty scope is a list of nothing, not the absence of a limit.
        members = {
            name: value for name, value in given.items() if value is not None and (value != [] or name == "scope")
        }
        members["localized"] = _take_localized(members)
        if "grant_types" not in members:
            # Named empty and with nowhere to redirect to, it is a resource server that only introspects.
            without_grants = given.get("grant_types") == [] and "redirect_uris" not in members
            members["grant_types"] = [] if without_grants else ["authorization_code"]
        if "response_types" not in members:
            grants = members["grant_types"]
            redirects = isinstance(grants, list | tuple) and "authorization_code" in grants
            members["response_types"] = ["code"] if redirects else []
        return members

    @model_validator(mode="after")
    def _fits_together(self, info: ValidationInfo) -> Self:
        """DR-6 to DR-9."""
        _check_flows(self)
        _check_destinations(self, unfinished=bool((info.context or {}).get("unfinished")))
        _check_credentials(self)
        members, signing = dict(self), (info.context or {}).get("signing", ())
        problem = client_openid.problem_with(members, signing, confidential=self.confidential)
        problem = problem or client_requests.problem_with(members, signing)
        if problem := problem or client_ciba.problem_with(members, confidential=self.confidential):
            raise _inconsistent(problem)
        return self

    @property
    def confidential(self) -> bool:
        """Whether it authenticates at the token endpoint (RFC 6749 §2.1)."""
        return self.token_endpoint_auth_method != "none"

    @property
    def uses_secret(self) -> bool:
        """Whether it needs a client secret at the token endpoint."""
        return self.token_endpoint_auth_method in SECRET_METHODS

    def key_material(self) -> KeyMaterial:
        """Return what it proves itself with besides secrets, and how answers for it are made."""
        subjects = [(name, value) for name in tls_client_auth.SUBJECTS if (value := getattr(self, name))]
        return KeyMaterial(
            jwks=tuple((self.jwks or {}).get("keys", ())),
            jwks_uri=self.jwks_uri or "",
            signing_alg=self.token_endpoint_auth_signing_alg or "",
            tls_subject=subjects[0] if subjects else None,
            introspection_signing_alg=self.introspection_signed_response_alg or "",
            introspection_encryption_alg=self.introspection_encrypted_response_alg or "",
            introspection_encryption_enc=self.introspection_encrypted_response_enc or "",
        )

    def openid(self, *, sector: str = "") -> OpenIdSettings:
        """Return what it registered for signing people in. `sector` is the one that it has had from the beginning: it
        stays, wherever people are sent back to later (ID-7)."""
        is_pairwise = self.subject_type == "pairwise"
        return OpenIdSettings(
            id_token_alg=self.id_token_signed_response_alg or DEFAULT_ALG,
            id_token_encryption=_encryption(self.id_token_encrypted_response_alg, self.id_token_encrypted_response_enc),
            userinfo_alg=self.userinfo_signed_response_alg or "",
            userinfo_encryption=_encryption(self.userinfo_encrypted_response_alg, self.userinfo_encrypted_response_enc),
            sector=sector or pairwise.sector_of(self.sector_identifier_uri, self.redirect_uris) if is_pairwise else "",
            default_max_age=self.default_max_age,
            default_acr_values=self.default_acr_values,
            response_modes=self.response_modes,
            post_logout_redirect_uris=self.post_logout_redirect_uris,
            backchannel_logout_uri=self.backchannel_logout_uri or "",
            backchannel_logout_session_required=self.backchannel_logout_session_required,
            frontchannel_logout_uri=self.frontchannel_logout_uri or "",
            frontchannel_logout_session_required=self.frontchannel_logout_session_required,
        )

    def requests(self) -> RequestSettings:
        """Return what it registered about demanding requests and answers."""
        return RequestSettings(
            object_alg=self.request_object_signing_alg or "",
            object_required=self.require_signed_request_object,
            push_required=self.require_pushed_authorization_requests,
            request_uris=self.request_uris,
            answer_alg=self.authorization_signed_response_alg or DEFAULT_ALG,
            answer_encryption=_encryption(
                self.authorization_encrypted_response_alg, self.authorization_encrypted_response_enc
            ),
            details_types=self.authorization_details_types,
            ciba_mode=self.backchannel_token_delivery_mode or "",
            ciba_endpoint=self.backchannel_client_notification_endpoint or "",
            ciba_alg=self.backchannel_authentication_request_signing_alg or "",
        )

    def not_in_effect(self) -> tuple[str, ...]:
        """Return the members that were given and that this version stores without acting on them."""
        given = self.model_fields_set & ClientMetadata.model_fields.keys()
        waiting = sorted(name for name in given - IN_EFFECT - {"localized"} if getattr(self, name))
        waiting += [f"grant_types {name}" for name in self.grant_types if not self._acts_on(name)]
        return (*waiting, *(f"response_types {name}" for name in self.response_types if _is_legacy(name)))

    def _acts_on(self, grant_type: str) -> bool:
        if grant_type == response_types.IMPLICIT:  # it stands for response types
            return any(grant_type in response_types.grants_of(n) for n in self.response_types if not _is_legacy(n))
        return grant_type in GRANT_TYPES

    def document(self) -> dict[str, Any]:
        """Return the members as JSON values: what was given, with defaults and substitutions; the inverse of `read`."""
        members = self.model_dump(mode="json", include=self.model_fields_set & ClientMetadata.model_fields.keys())
        members |= members.pop("localized")
        if self.scope is not None:
            members["scope"] = " ".join(self.scope)
        return members


def read(
    document: Mapping[str, Any], scopes: ScopeRegistry, *, unfinished: bool = False, signing: Sequence[str] = ()
) -> ClientMetadata:
    """Return the metadata; raises `invalid_redirect_uri` or `invalid_client_metadata` naming the member (DR-12).

    An `unfinished` application may lack the redirect URI that its grant types need: nobody can be sent anywhere yet.
    `signing` are the algorithms that the server signs with, empty: not known here.
    """
    context = {"scopes": scopes, "unfinished": unfinished, "signing": signing}
    try:
        return ClientMetadata.model_validate(document, context=context)
    except ValidationError as refused:
        error = refused.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, error["loc"]))
        about_redirects = (where or str(error.get("ctx", {}).get("rule", ""))).startswith("redirect_uris")
        code = ErrorCode.INVALID_REDIRECT_URI if about_redirects else ErrorCode.INVALID_CLIENT_METADATA
        raise OAuthError(code, f"{where} {sentence(error['msg'])}".strip()) from None


def _is_legacy(response_type: str) -> bool:
    """RT-4: the operator has to switch it on for the application as well."""
    return response_types.TOKEN in response_types.words(response_type)


def _encryption(alg: str | None, enc: str | None) -> tuple[str, str] | None:
    """DR-5: the content encryption has a default, the key management none."""
    return None if alg is None else (alg, enc or DEFAULT_ENC)


def _take_localized(members: dict[str, Any]) -> dict[str, Any]:
    tagged = [name for name in members if name.partition("#")[0] in _LANGUAGE_TAGGED and "#" in name]
    if len(tagged) > _MOST_TAGGED:
        raise _inconsistent(f"there are more than {_MOST_TAGGED} members with a language tag")
    for name in tagged:
        if not _LANGUAGE.fullmatch(name.partition("#")[2]):
            # What stands behind the # may be half a character, which no message can hold.
            raise _inconsistent(f"{name.partition('#')[0]} with a # must end with a language tag such as #de")
    return {name: members.pop(name) for name in tagged}


def _check_flows(metadata: ClientMetadata) -> None:
    """DR-6: each word of a response type needs its grant type."""
    words = {word for response_type in metadata.response_types for word in response_type.split()}
    if "code" in words and "authorization_code" not in metadata.grant_types:
        raise _inconsistent("response_types has code, so grant_types must have authorization_code")
    if words & {"token", "id_token"} and "implicit" not in metadata.grant_types:
        raise _inconsistent("response_types has token or id_token, so grant_types must have implicit")
    if not metadata.confidential and "client_credentials" in metadata.grant_types:
        raise _inconsistent("grant_types has client_credentials, so token_endpoint_auth_method must not be none")


def _check_destinations(metadata: ClientMetadata, *, unfinished: bool) -> None:
    """DR-7 and DR-8. Loopback http is accepted for `web` too: that is how web applications are developed."""
    if not unfinished and not metadata.redirect_uris and not REDIRECTING.isdisjoint(metadata.grant_types):
        raise _inconsistent("redirect_uris is missing; register at least one for this grant type")
    for uri in metadata.redirect_uris:
        private_scheme = not uri.startswith(("https://", "http://"))
        if private_scheme and metadata.application_type == "web":
            raise _inconsistent(f"redirect_uris has {uri[:100]}, so application_type must be native")


def _check_credentials(metadata: ClientMetadata) -> None:
    """DR-9."""
    if metadata.jwks is not None and metadata.jwks_uri is not None:
        raise _inconsistent("jwks must not come with jwks_uri: they exclude each other; register one of them")
    method = metadata.token_endpoint_auth_method
    if method in KEY_METHODS:
        _check_keys(metadata)
    if method in _ASSERTION_ALGORITHMS:
        _check_algorithm(metadata)
    if method == tls_client_auth.NAME:
        _check_subject(metadata)


def _check_keys(metadata: ClientMetadata) -> None:
    """DR-9, JV-6: keys that something depends on are there, and are keys."""
    method = metadata.token_endpoint_auth_method
    keys = (metadata.jwks or {}).get("keys", ())
    if not keys and metadata.jwks_uri is None:
        raise _inconsistent(f"token_endpoint_auth_method is {method}, which needs jwks or jwks_uri")
    for place, key in enumerate(keys):
        problem = problem_with_public_key(key)
        if problem is not None and not (method == self_signed_tls_client_auth.NAME and "x5c" in key):
            raise _inconsistent(f"jwks.keys.{place} {problem}")


def _check_algorithm(metadata: ClientMetadata) -> None:
    """JV-1: an algorithm that the method has, and that one of the registered keys is for."""
    method, name = metadata.token_endpoint_auth_method, metadata.token_endpoint_auth_signing_alg
    if name is None:
        return
    if name not in _ASSERTION_ALGORITHMS[method]:
        fitting = ", ".join(_ASSERTION_ALGORITHMS[method])
        raise _inconsistent(f"token_endpoint_auth_signing_alg must be one of {fitting} for {method}")
    keys = (metadata.jwks or {}).get("keys", ())
    if method == private_key_jwt.NAME and keys:
        algorithm = ALGORITHMS[name]
        kinds = {(key["kty"], key.get("crv", "")) for key in keys}
        if not any(kty == algorithm.kty and algorithm.curve in ("", crv) for kty, crv in kinds):
            raise _inconsistent(f"token_endpoint_auth_signing_alg is {name}, and no key in jwks is for that")


def _check_subject(metadata: ClientMetadata) -> None:
    """CA-9: exactly one subject, and one that a certificate can have."""
    subjects = [name for name in tls_client_auth.SUBJECTS if getattr(metadata, name)]
    if len(subjects) != 1:
        listed = ", ".join(tls_client_auth.SUBJECTS)
        raise _inconsistent(f"token_endpoint_auth_method is tls_client_auth, which needs exactly one of: {listed}")
    [subject] = subjects
    if (problem := tls_client_auth.problem_with_subject(subject, getattr(metadata, subject))) is not None:
        raise _inconsistent(f"{subject} {problem}")


def _inconsistent(rule: str) -> PydanticCustomError:
    return PydanticCustomError("inconsistent", "{rule}", {"rule": rule})
