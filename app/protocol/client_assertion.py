"""Client assertions (RFC 7521 §4.2, RFC 7523 §2.2 and §3): JWTs that a client proves itself with.

What is judged here needs no knowledge of the client: every sender gets the same answer, whoever he says he is (CA-10).
So a flaw may be told in full, and nothing is fetched for an assertion that could not count anyway.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.crypto.jose import JoseError, Jwt, peek
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.params import Parameters
from app.protocol.single_use import SingleUse, single_use
from app.protocol.strict_algorithms import STRICT_ALGORITHMS
from app.protocol.tokens import jwt_rules
from app.protocol.tokens.jwt_rules import LEEWAY, Kind, Rules

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST = timedelta(hours=1)
LONGEST_STRICT = timedelta(minutes=5)
"""How far ahead an assertion may expire, of applications in general and of strict ones (CA-7)."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom an assertion may be for: the issuer, or an endpoint of its server by its full URL (CA-5).

    All of it is configuration; no header of the request has a say.
    """

    issuer: str
    endpoints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClientAssertion:
    """An assertion whose form is right; who signed it is yet to be judged.

    `laxity` is what a strict application may not do and this assertion does, empty when it is strict itself.
    """

    client_id: str
    jwt: Jwt = field(repr=False)
    use: SingleUse
    laxity: str = ""


def find(params: Parameters) -> Jwt | None:
    """Return the assertion of a request, unverified, None when it has none (CA-4).

    Raises `invalid_request` when half of it is missing and `invalid_client` when it is of a kind unknown here.
    """
    kind, text = params.get("client_assertion_type"), params.get("client_assertion")
    if kind is None and text is None:
        return None
    if kind is None or text is None:
        raise OAuthError(
            ErrorCode.INVALID_REQUEST, "client_assertion and client_assertion_type go together; one is missing"
        )
    if kind != TYPE:
        raise OAuthError(ErrorCode.INVALID_CLIENT, f"client_assertion_type is not supported; use {TYPE}")
    try:
        return peek(text)
    except JoseError as flaw:
        raise _refused(str(flaw)) from None


def check(jwt: Jwt, client_id: str | None, audience: Audience, now: datetime) -> ClientAssertion:
    """Return the assertion when its form is right for this place and moment; raises `invalid_client`.

    `client_id` is the parameter of that name, which need not be there and must not contradict (CA-4). Other kinds of
    JWT are refused by their `typ` (CA-6), and clocks may differ by a minute (CA-8).
    """
    named = jwt.claims.get("sub")
    subject = named if isinstance(named, str) else ""
    rules = Rules(
        Kind.CLIENT_ASSERTION,
        issuers=(subject,),
        subject=subject,
        audiences=(audience.issuer, *audience.endpoints),
        only_audience=True,
        required=("jti",),
        longest=LONGEST,
    )
    try:
        jwt_rules.check(jwt, rules, now)
    except JoseError as flaw:
        raise _refused(str(flaw)) from None
    if client_id not in (None, subject):
        raise _refused("client_id differs from sub of the client assertion")
    return ClientAssertion(subject, jwt, _use(jwt, subject, now), _laxity(jwt, audience, now))


def _laxity(jwt: Jwt, audience: Audience, now: datetime) -> str:
    """CA-5, CA-7: the issuer as a string and nothing else, and five minutes (rfc7523bis, FAPI 2.0 §5.3.2.1; F-8)."""
    if jwt.claims["aud"] != audience.issuer:
        return f"aud of the client assertion must be the string {audience.issuer}"
    if jwt.header["alg"] not in STRICT_ALGORITHMS:
        return f"the client assertion must be signed with one of {', '.join(STRICT_ALGORITHMS)}"
    try:
        jwt_rules.check(jwt, Rules(Kind.CLIENT_ASSERTION, longest=LONGEST_STRICT), now)
    except JoseError as flaw:
        return str(flaw)
    return ""


def _use(jwt: Jwt, client_id: str, now: datetime) -> SingleUse:
    """CA-7: a jti counts once, until no assertion that has it is valid any more."""
    expires = jwt_rules.moment_of(jwt.claims, "exp") or now
    return single_use("client assertion", client_id, jwt.claims["jti"], now=now, last=expires + LEEWAY)


def _refused(flaw: str) -> OAuthError:
    return OAuthError(ErrorCode.INVALID_CLIENT, f"the client assertion is refused: {flaw}")
