"""Software statements: what somebody whom the operator knows says about an application that registers itself (RFC 7591
§2.3, DR-11)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.crypto import jose
from app.crypto.jose import JoseError, Jwt
from app.protocol.configuration import StatementIssuer
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.registration import ISSUED, PATH, STATEMENT
from app.protocol.tokens import jwt_rules
from app.protocol.tokens.jwt_rules import Kind, Rules

ALGORITHMS = ("ES256", "RS256", "PS256", "EdDSA")
"""What an issuer may sign with."""

_OF_THE_JWT = ("iss", "sub", "aud", "exp", "nbf", "iat", "jti")
_NOT_SAID = frozenset({*_OF_THE_JWT, *ISSUED, STATEMENT, "client_id", "client_secret"})
"""Claims that are about the statement itself, or for nobody but this server to say."""


def peek(statement: object, issuers: Sequence[StatementIssuer]) -> tuple[Jwt, StatementIssuer]:
    """Return a statement that nobody has checked yet, and whose it says it is.

    Raises `invalid_software_statement` for what is none, `unapproved_software_statement` for one of somebody whom
    nobody has written down here.
    """
    if not isinstance(statement, str):
        raise invalid("software_statement must be a JWT")
    try:
        jwt = jose.peek(statement)
    except JoseError as flaw:
        raise invalid(f"software_statement: {flaw}") from None
    named = jwt.claims.get("iss")
    issuer = next((one for one in issuers if one.issuer == named), None)
    if issuer is None:
        raise OAuthError(
            ErrorCode.UNAPPROVED_SOFTWARE_STATEMENT, "iss of the software statement is nobody whose word counts here"
        )
    return jwt, issuer


def members(jwt: Jwt, issuer: StatementIssuer, ours: str, now: datetime) -> Mapping[str, Any]:
    """Return the metadata that a well-signed statement says; raises `invalid_software_statement`.

    `ours` is the issuer identifier of this server: a statement may be for everybody, and if it names whom it is for,
    this server has to be among them (RFC 7519 §4.1.3). It may be good for ever, and it may be shown many times: one
    statement is made for a piece of software, of which there are many copies.
    """
    audiences = (ours, f"{ours}{PATH}") if "aud" in jwt.claims else None
    rules = Rules(Kind.SOFTWARE_STATEMENT, issuers=(issuer.issuer,), audiences=audiences, expires=False)
    try:
        jwt_rules.check(jwt, rules, now)
    except JoseError as flaw:
        raise invalid(str(flaw)) from None
    return {name: value for name, value in jwt.claims.items() if name not in _NOT_SAID}


def invalid(description: str) -> OAuthError:
    """Return the refusal of a statement that is not what it should be."""
    return OAuthError(ErrorCode.INVALID_SOFTWARE_STATEMENT, description)
