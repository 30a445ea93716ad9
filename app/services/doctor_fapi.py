"""The part of the self-check about FAPI 2.0: what applications that are held to it lack on this server."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from app.protocol import profiles
from app.protocol.client_auth import STRICT_METHODS
from app.protocol.dpop import DpopRules
from app.protocol.features import FeatureSet
from app.protocol.policy import LONGEST_FAPI_CODE, ServerPolicy
from app.protocol.strict_algorithms import STRICT_ALGORITHMS
from app.services.doctor import Finding, Level, fine
from app.store.condition import RegisteredApplication

_SUBJECT = "FAPI 2.0"

_AHEAD = timedelta(seconds=10)
"""How far a client's clock may be ahead without anybody refusing it (F-13)."""


def check_fapi(
    applications: Iterable[RegisteredApplication], policy: ServerPolicy, features: FeatureSet, dpop: DpopRules
) -> Iterator[Finding]:
    """What the server does not have for them, and what they were registered with before they were held to it."""
    held = [application for application in applications if application.fapi]
    if not held:
        yield fine(_SUBJECT, "no application is held to it")
        return
    lacking = [*_of_server(held, policy, features, dpop), *_of_applications(held)]
    for seen, remedy in lacking:
        yield Finding(Level.WARN, _SUBJECT, seen, remedy)
    if not lacking:
        signing = sum(application.signs_messages for application in held)
        seconds = int(min(policy.lifetimes.authorization_code, LONGEST_FAPI_CODE).total_seconds())
        yield fine(_SUBJECT, f"held to it: {len(held)}, signing messages: {signing}; codes live {seconds} seconds")


def _of_server(
    held: list[RegisteredApplication], policy: ServerPolicy, features: FeatureSet, dpop: DpopRules
) -> Iterator[tuple[str, str]]:
    signing = any(application.signs_messages for application in held)
    for feature in profiles.lacking(features, signs=signing):
        yield f"features.{feature} is off, which they need", f"Set features.{feature} = true."
    if not policy.issuer.startswith("https://"):
        yield "the issuer is not https", "Set issuer to an https address, with a certificate that clients trust."
    if not set(STRICT_ALGORITHMS).intersection(policy.algorithms):
        yield (
            f"the server signs with {', '.join(policy.algorithms)} alone, none of which they accept",
            "Add ES256 to signing.algorithms.",
        )
    if dpop.ahead < _AHEAD:
        yield (
            f"proofs are refused that a clock {int(_AHEAD.total_seconds())} seconds ahead has made",
            "Set dpop.ahead = 10 or more.",
        )


def _of_applications(held: list[RegisteredApplication]) -> Iterator[tuple[str, str]]:
    for application in held:
        for seen, remedy in _lacking(application):
            yield f"{application.client_id} {seen}", remedy


def _lacking(application: RegisteredApplication) -> Iterator[tuple[str, str]]:
    """Return what its registration has that it is refused for, and what is wider than it should be (F-14)."""
    if application.auth_method not in STRICT_METHODS:
        yield f"proves itself by {application.auth_method}, so that it is refused", "Register keys or a certificate."
    weak = {
        "id_token_signed_response_alg": application.openid.id_token_alg if application.response_types else "",
        "userinfo_signed_response_alg": application.openid.userinfo_alg,
        "authorization_signed_response_alg": application.requests.answer_alg if application.signs_messages else "",
    }
    for member, alg in weak.items():
        if alg and alg not in STRICT_ALGORITHMS:
            yield f"has {alg} as {member}, so that it gets none", "Register ES256 or PS256."
    if application.asks_everything:
        yield "may ask for every scope", "Name those that it needs as its scope."
