"""The part of the self-check about how applications sign people in."""

from collections.abc import Collection, Iterable, Iterator
from urllib.parse import urlsplit

from app.protocol import frontchannel, logout_delivery, openid_tokens
from app.protocol.features import FeatureSet
from app.protocol.redirect_uri import LOOPBACK_NAMES
from app.services.doctor import Finding, Level, fine
from app.store.condition import RegisteredApplication

_SUBJECT = "signing in"


def check_openid(
    applications: Iterable[RegisteredApplication], algorithms: Collection[str], features: FeatureSet
) -> Iterator[Finding]:
    """Applications whose ID tokens or answers cannot be made, that hear of no sign-out, and weak choices; `algorithms`
    are the server's."""
    if not openid_tokens.is_offered(features):
        yield fine(_SUBJECT, "off")
        return
    applications = tuple(applications)
    before = 0
    for application in applications:
        for seen, remedy in (*_problems(application, algorithms), *_unheard(application, features)):
            before += 1
            yield Finding(Level.WARN, _SUBJECT, f"{application.client_id} {seen}", remedy)
    if not before:
        pairwise = sum(bool(application.openid.sector) for application in applications)
        yield fine(_SUBJECT, f"{pairwise} of {len(applications)} applications with pairwise subjects")


def _problems(application: RegisteredApplication, algorithms: Collection[str]) -> Iterator[tuple[str, str]]:
    openid = application.openid
    for what, alg in (("ID tokens", openid.id_token_alg), ("userinfo answers", openid.userinfo_alg)):
        if alg and alg not in algorithms:
            yield (
                f"wants {what} signed with {alg}, for which the server has no key, so that it gets none",
                f"Add {alg} to signing.algorithms, or register one of {', '.join(algorithms)}.",
            )
    encrypted = openid.id_token_encryption or openid.userinfo_encryption
    if encrypted and not application.has_keys:
        yield (
            f"wants its tokens encrypted with {encrypted[0]} and has no keys, so that it gets none",
            "Register its public keys as jwks or jwks_uri.",
        )
    uri = urlsplit(openid.backchannel_logout_uri)
    if uri.scheme == "http" and uri.hostname not in LOOPBACK_NAMES:
        yield f"hears of sign-outs over http ({uri.hostname})", "Register its https address instead (LB-1)."


def _unheard(application: RegisteredApplication, features: FeatureSet) -> Iterator[tuple[str, str]]:
    """Addresses for sign-outs that nobody tells of: people stay signed in there."""
    for way, uri, on in (
        ("backchannel", application.openid.backchannel_logout_uri, logout_delivery.is_offered(features)),
        ("frontchannel", application.openid.frontchannel_logout_uri, frontchannel.is_offered(features)),
    ):
        if uri and not on:
            yield (
                f"registered a {way}_logout_uri, and features.{way}_logout is off, so that nothing is sent there",
                "Switch the feature on, or take the address out.",
            )
