"""The authorization code grant at the token endpoint (RFC 6749 §4.1.3, RFC 7636 §4.5, OAuth 2.1 §4.1.3)."""

from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field

from app.crypto.hashing import digest, matches
from app.protocol import liveness, pkce
from app.protocol.context import TokenContext
from app.protocol.errors import Aftermath, CountFailedRedemption, ErrorCode, OAuthError, RevokeFamily
from app.protocol.facts import ClientFact, CodeFact
from app.protocol.features import Feature
from app.protocol.needs import CodeNeed
from app.protocol.outcomes import Issuance, RedeemCode
from app.protocol.token_format import Credential, Prefix, parse_credential

NAME = "authorization_code"
FEATURE = Feature.AUTHORIZATION_CODE


class Params(BaseModel):
    """The parameters of this grant."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    code: str = Field(repr=False)
    redirect_uri: str | None = None
    code_verifier: str | None = Field(default=None, repr=False)

    @cached_property
    def credential(self) -> Credential | None:
        """The code taken apart; None for a string that no server of ours made."""
        return parse_credential(Prefix.AUTHORIZATION_CODE, self.code)


def needs(params: Params) -> CodeNeed:
    """The code's row."""
    return CodeNeed(params.credential.id if params.credential else None)


def decide(context: TokenContext, params: Params, fact: CodeFact | None) -> Issuance:
    """Order the first tokens of a family, or refuse.

    A replay is named only after everything else about the request was right (AC-6): who holds a stolen code but not
    the verifier can neither redeem it nor revoke what it bought.
    """
    code = _genuine(params, fact, context.client)
    _check_redirect_uri(params, code)
    _check_verifier(params, code)
    if code.used_at is not None:
        raise _refused(
            "the code was used before; what it bought is revoked. Send the person through authorization again",
            aftermath=RevokeFamily(code.family_id, "code_replayed") if code.family_id else None,
        )
    if code.expires_at <= context.now:
        raise _refused("the code has expired; redeem it right after the redirect")
    scopes = liveness.living_scopes(code.origin, code.standing)
    if scopes is None:
        raise _refused("the authorization behind this code was withdrawn")
    policy = context.policy
    with_refresh_token = "refresh_token" in context.client.grant_types
    family_expires_at = context.now + (policy.refresh_token_absolute if with_refresh_token else policy.access_token)
    idle = min(context.now + policy.refresh_token_idle, family_expires_at) if with_refresh_token else None
    return Issuance(
        payment=RedeemCode(
            grant_id=code.id,
            authentication=code.authentication,
            nonce=code.nonce,
            idle_expires_at=idle,
            family_expires_at=family_expires_at,
        ),
        origin=liveness.narrowed(code.origin, scopes),
        family_scopes=scopes,
        access_expires_at=context.now + policy.access_token,
        with_refresh_token=with_refresh_token,
    )


def _genuine(params: Params, fact: CodeFact | None, client: ClientFact) -> CodeFact:
    credential = params.credential
    if (
        fact is None
        or credential is None
        or not matches(digest(credential.secret), fact.digest)
        or fact.origin.application_id != client.id
    ):
        raise _refused("the code is unknown, expired, or was issued to another application")
    return fact


def _check_redirect_uri(params: Params, code: CodeFact) -> None:
    """AC-2: a value that is sent must equal the stored one; it may be absent only where PKCE binds the code."""
    if params.redirect_uri is None:
        if code.redirect_uri is not None and code.code_challenge is None:
            raise _refused("redirect_uri is missing; send the same value as in the authorization request")
    elif params.redirect_uri != code.redirect_uri:
        raise _refused(
            "redirect_uri differs from the one of the authorization request",
            aftermath=CountFailedRedemption(code.id),
        )


def _check_verifier(params: Params, code: CodeFact) -> None:
    """AC-4, AC-5, BC-14: a challenge needs its verifier, a verifier needs a challenge."""
    if code.code_challenge is None:
        if params.code_verifier is not None:
            raise OAuthError(
                ErrorCode.INVALID_REQUEST,
                "code_verifier was sent, but the authorization request had no code_challenge",
            )
        return
    if params.code_verifier is None:
        raise _refused("code_verifier is missing; the authorization request had a code_challenge")
    if not pkce.verify(code.code_challenge, params.code_verifier):
        raise _refused(
            "code_verifier does not match the code_challenge of the authorization request",
            aftermath=CountFailedRedemption(code.id),
        )


def _refused(description: str, *, aftermath: Aftermath | None = None) -> OAuthError:
    return OAuthError(ErrorCode.INVALID_GRANT, description, aftermath=aftermath)
