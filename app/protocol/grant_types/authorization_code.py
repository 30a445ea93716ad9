"""The authorization code grant at the token endpoint (RFC 6749 §4.1.3, RFC 7636 §4.5, OAuth 2.1 §4.1.3)."""

from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field

from app.crypto.hashing import digest, matches
from app.protocol import pkce, redemption, sender
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
    """The parameters of this grant (AC-1)."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    code: str = Field(repr=False)
    redirect_uri: str | None = None
    code_verifier: str | None = Field(default=None, repr=False)
    resource: tuple[str, ...] = ()
    authorization_details: str | None = None

    @cached_property
    def credential(self) -> Credential | None:
        """The code taken apart; None for a string that no server of ours made."""
        return parse_credential(Prefix.AUTHORIZATION_CODE, self.code)


def needs(params: Params) -> CodeNeed:
    """The code's row."""
    return CodeNeed(params.credential.id if params.credential else None)


def decide(context: TokenContext, params: Params, fact: CodeFact | None) -> Issuance:
    """Order the first tokens of a family, or refuse. Whether one of them refreshes is the application's choice (TR-5).

    A replay is named only after everything else about the request was right (AC-6): who holds a stolen code but not
    the verifier can neither redeem it nor revoke what it bought.
    """
    code = _genuine(params, fact, context.client)
    _check_redirect_uri(params, code)
    _check_verifier(params, code)
    _check_key(context, code)
    if code.used_at is not None:
        raise _refused(
            "the code was used before; what it bought is revoked. Send the person through authorization again",
            aftermath=RevokeFamily(code.family_id, "code_replayed") if code.family_id else None,
        )
    if code.expires_at <= context.now:
        raise _refused("the code has expired; redeem it right after the redirect")
    return redemption.begin(
        context,
        RedeemCode,
        code.id,
        code.origin,
        code.authentication,
        code.standing,
        asked=params.resource,
        details=params.authorization_details,
        withdrawn="the authorization behind this code was withdrawn",
        nonce=code.nonce,
        claims=code.claims,
        person=code.person,
        tells_grant=code.grant_action is not None,
    )


def _genuine(params: Params, fact: CodeFact | None, client: ClientFact) -> CodeFact:
    """AC-3: a code is for the application that asked."""
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


def _check_key(context: TokenContext, code: CodeFact) -> None:
    """DP-13: a code that was asked for with a key is redeemed with that key."""
    if not sender.is_bound_key(code.binding, context.sender):
        raise _refused("the authorization request named a DPoP key; send a proof that is signed with it")


def _refused(description: str, *, aftermath: Aftermath | None = None) -> OAuthError:
    """TE-4: one code for every reason."""
    return OAuthError(ErrorCode.INVALID_GRANT, description, aftermath=aftermath)
