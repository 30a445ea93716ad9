"""Claims about a person: which there are, which scope delivers which, what of them is said (OpenID Connect Core §5).

Claims that the protocol itself makes are none of these: nobody can define one of their names.
"""

import re
from collections.abc import Callable, Collection, Iterable
from functools import lru_cache
from typing import Any

from app.protocol.claim_values import Claim, Kind, Reader, reader, worth
from app.protocol.facts import PersonFact

PROTOCOL = frozenset(
    {
        *("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "nonce", "auth_time", "acr", "amr", "azp", "sid"),
        *("at_hash", "c_hash", "s_hash", "sub_jwk", "events", "cnf", "act", "may_act", "client_id", "scope"),
        *("authorization_details", "toe", "txn", "active", "token_type", "username", "_claim_names", "_claim_sources"),
    }
)
"""What tokens and answers say by themselves, of whoever they speak for."""

OF_EVERY_LOGIN = ("sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "amr")
"""Those of them that an application can rely on in ID tokens, in the order in which the metadata names them."""

_NAME = re.compile(r"[\x21\x24-\x5b\x5d-\x7e]{1,100}")
_TAG = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
_LONGEST_TAG = 35


def _delivered_by(scope: str, kind: Kind = "text", **titles: str) -> tuple[Claim, ...]:
    return tuple(Claim(name, (scope,), title, kind) for name, title in titles.items())


STANDARD = (
    *_delivered_by(
        "profile",
        name="Your full name",
        family_name="Your family name",
        given_name="Your given name",
        middle_name="Your middle name",
        nickname="Your nickname",
        preferred_username="Your username",
        profile="The address of your profile page",
        picture="Your picture",
        website="Your website",
        gender="Your gender",
        birthdate="Your date of birth",
        zoneinfo="Your time zone",
        locale="Your language",
    ),
    *_delivered_by("profile", "anything", updated_at="When your details last changed"),
    *_delivered_by("email", email="Your email address"),
    *_delivered_by("email", "anything", email_verified="Whether your email address was checked"),
    *_delivered_by("address", "object", address="Your postal address"),
    *_delivered_by("phone", phone_number="Your phone number"),
    *_delivered_by("phone", "anything", phone_number_verified="Whether your phone number was checked"),
)
"""The standard claims with the scopes that deliver them (OpenID Connect Core §5.1, §5.4; UI-4)."""

STANDARD_NAMES = frozenset(claim.name for claim in STANDARD)

TAGGABLE = frozenset(
    {
        *("name", "family_name", "given_name", "middle_name", "nickname"),
        *("profile", "picture", "website", "address", "gender"),
    }
)
"""The standard claims that may be there in several languages and scripts (OpenID Connect Core §5.2)."""


def split_tag(name: str) -> tuple[str, str]:
    """Return (claim, language tag) of a claim's name, such as `name#ja-Kana-JP`; the tag is empty without one."""
    base, _, tag = name.partition("#")
    return base, tag


def is_tag(text: str) -> bool:
    """Tell whether a text has the form of a language tag (BCP 47)."""
    return len(text) <= _LONGEST_TAG and _TAG.fullmatch(text) is not None


def problem_with_name(name: str) -> str:
    """Return why a claim of one's own cannot have this name: the second half of a sentence, empty when it can."""
    if _NAME.fullmatch(name) is None:
        return "is no name for a claim: use up to 100 printable ASCII characters without space, quote, backslash and #"
    if name in PROTOCOL or name.startswith("urn:openid:params:jwt:claim:"):
        return "is a claim that the server itself makes; choose another name"
    if name in STANDARD_NAMES:
        return "is a standard claim, whose value stands in the claims of the user; choose another name"
    return ""


class ClaimsRegistry:
    """The claims that there are: the standard ones, then those that the operator has defined."""

    def __init__(self, own: Iterable[Claim] = ()) -> None:
        self._claims = {claim.name: claim for claim in (*STANDARD, *own)}
        self._readers: dict[str, Reader] = {name: reader(claim) for name, claim in self._claims.items()}
        self._taggable = TAGGABLE | {
            claim.name
            for claim in self._claims.values()
            if claim.name not in STANDARD_NAMES and claim.source == "user" and not claim.path
        }
        self.names = tuple(self._claims)
        """Every claim about a person, without language tags, in order."""
        self.reads_memberships = any(claim.reads_memberships for claim in self._claims.values())
        """Whether any of them comes from the organizations that a person belongs to."""
        self.of_scopes: Callable[[tuple[str, ...]], tuple[str, ...]] = lru_cache(maxsize=1024)(self._of_scopes)
        """Return the names of the claims that a list of scopes delivers, in the registry's order (UI-4)."""

    def __contains__(self, name: object) -> bool:
        """Tell whether there is a claim of this name, which may have a language tag (UI-6)."""
        if not isinstance(name, str):
            return False
        base, tag = split_tag(name)
        return base in self._taggable and is_tag(tag) if "#" in name else base in self._claims

    def is_delivered(self, name: str, scopes: Collection[str]) -> bool:
        """Tell whether one of the scopes delivers a claim, in whatever language (UI-4); none delivers one that there is
        not."""
        return any(scope in scopes for scope in self.scopes_of(name))

    def scopes_of(self, name: str) -> tuple[str, ...]:
        """Return the scopes that deliver a claim, in whatever language; none for one that there is not."""
        claim = self._claims.get(split_tag(name)[0])
        return () if claim is None else claim.scopes

    def may_be_asked(self, name: str, allowed: Collection[str] | None) -> bool:
        """Tell whether an application may ask for a claim by name that may ask for these scopes, None: for all of them.

        What it cannot have by a scope it cannot have by name. A claim without a scope is everybody's to ask for.
        """
        if allowed is None or self.is_delivered(name, allowed):
            return True
        claim = self._claims.get(split_tag(name)[0])
        return claim is not None and not claim.scopes

    def title(self, name: str) -> str:
        """Return what a person calls a claim, such as `Your email address`; one without words is called by its name."""
        claim = self._claims.get(name)
        return name if claim is None or not claim.title else claim.title

    def of_person(self, person: PersonFact, names: Collection[str], locales: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return what is known of a person under these names; names that are no claims are passed over.

        A name with a language tag means the value in that language. For each of the `locales` that were asked for, the
        value that suits it best comes along under its tagged name (UI-6, RFC 4647 §3.4).
        """
        said: dict[str, Any] = {}
        for name in names:
            read = self._readers.get(name)
            value = self._tagged(person, name) if read is None else read(person)
            if value is not None:
                said[name] = value
        for name in self._suiting(person, names, locales) if locales else ():
            if (value := self._tagged(person, name)) is not None:
                said[name] = value
        return said

    def _tagged(self, person: PersonFact, name: str) -> Any:
        return worth(person.claims.get(name), self._claims[split_tag(name)[0]].kind) if name in self else None

    def _of_scopes(self, scopes: tuple[str, ...]) -> tuple[str, ...]:
        asked = frozenset(scopes)
        return tuple(name for name, claim in self._claims.items() if not asked.isdisjoint(claim.scopes))

    def _suiting(self, person: PersonFact, names: Collection[str], locales: tuple[str, ...]) -> list[str]:
        """Return the tagged names of these claims that the person has in the languages that were asked for."""
        spoken: dict[str, dict[str, str]] = {}
        for name in person.claims:
            base, tag = split_tag(name)
            if tag and base in names:
                spoken.setdefault(base, {})[tag.lower()] = name
        return [
            tags[tag] for tags in spoken.values() for locale in locales if (tag := _best(locale.lower(), tags)) in tags
        ]


def _best(locale: str, tags: Collection[str]) -> str:
    """Return what suits a language best: the tag itself, or the tag without its last parts (RFC 4647 §3.4)."""
    while locale and locale not in tags:
        locale = locale.rpartition("-")[0]
        if locale[-2:-1] == "-":
            locale = locale[:-2]  # a single letter introduces what was just cut off
    return locale
