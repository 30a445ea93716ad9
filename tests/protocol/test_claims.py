"""Claims about a person: what there is, which scopes deliver it, and what of it is said (standards A6)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.protocol.claim_values import Claim
from app.protocol.claims import STANDARD_NAMES, ClaimsRegistry, is_tag, problem_with_name, split_tag
from app.protocol.facts import PersonFact

CHANGED = datetime(2026, 11, 2, 12, 0, 0, 900_000, tzinfo=UTC)
DEPARTMENT = Claim("department", ("profile", "staff"), "Your department", path=("employment", "department"))
BADGE = Claim("badge", (), "")
ROLES = Claim("roles", ("staff",), "Your roles", source="roles")
GROUPS = Claim("groups", ("staff",), "Your groups", source="organizations", path=("slug",))
ORGANIZATIONS = Claim("organizations", ("staff",), "Your organizations", source="organizations")
REGISTRY = ClaimsRegistry((DEPARTMENT, BADGE, ROLES, GROUPS, ORGANIZATIONS))
PROFILE = (
    *("name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture"),
    *("website", "gender", "birthdate", "zoneinfo", "locale", "updated_at"),
)


def said(names: str, *locales: str, **claims: Any) -> dict[str, Any]:
    """Return what is said of ada, a member of three organizations, whose data are these claims."""
    memberships = (("north", "North Quay", "owner"), ("south", "South Quay", "owner"), ("west", "West", "member"))
    person = PersonFact("ada", "ada@example.com", claims, CHANGED, memberships)
    return REGISTRY.of_person(person, names.split(), locales)


@pytest.mark.spec("standards", "UI-4")
@pytest.mark.parametrize(
    ("scope", "names"),
    [
        ("profile", (*PROFILE, "department")),
        ("email", ("email", "email_verified")),
        ("address", ("address",)),
        ("phone", ("phone_number", "phone_number_verified")),
        ("staff", ("department", "roles", "groups", "organizations")),
        ("openid", ()),
    ],
)
def test_a_scope_delivers_its_claims(scope: str, names: tuple[str, ...]) -> None:
    assert REGISTRY.of_scopes((scope,)) == names
    assert all(REGISTRY.is_delivered(name, (scope,)) for name in names)


def test_what_several_scopes_deliver_comes_once() -> None:
    assert REGISTRY.of_scopes(("staff", "email", "profile")).count("department") == 1
    assert set(REGISTRY.of_scopes(("profile", "email", "address", "phone"))) == STANDARD_NAMES | {"department"}


def test_the_registry_names_every_claim_once_and_in_order() -> None:
    assert ClaimsRegistry().names == (
        *PROFILE,
        *("email", "email_verified", "address", "phone_number", "phone_number_verified"),
    )
    assert REGISTRY.names[-5:] == ("department", "badge", "roles", "groups", "organizations")
    assert (REGISTRY.reads_memberships, ClaimsRegistry((DEPARTMENT,)).reads_memberships) == (True, False)


@pytest.mark.spec("standards", "UI-3")
@pytest.mark.spec("standards", "UI-4")
def test_only_what_is_there_and_is_what_it_has_to_be_is_said() -> None:
    assert said(" ".join(PROFILE), name="Ada", given_name="", nickname=None, website=["x"], birthdate="1815-12-10") == {
        "name": "Ada",
        "birthdate": "1815-12-10",
        "preferred_username": "ada",
        "updated_at": int(CHANGED.timestamp()),
    }
    assert said("nothing name#de", name="Ada") == {}


@pytest.mark.parametrize("given", ["", None, [], {}], ids=repr)
def test_a_claim_of_ones_own_is_never_empty(given: object) -> None:
    assert said("badge", badge=given) == {}


@pytest.mark.parametrize("given", [0, False, "x", ["a"], {"a": None}], ids=repr)
def test_a_claim_of_ones_own_is_said_as_it_is(given: object) -> None:
    assert said("badge", badge=given) == {"badge": given}


def test_a_username_is_that_of_the_account_unless_the_claims_give_one() -> None:
    assert said("preferred_username") == {"preferred_username": "ada"}
    assert said("preferred_username", preferred_username="countess") == {"preferred_username": "countess"}


@pytest.mark.parametrize(
    ("email", "claims", "told"),
    [
        ("ada@example.com", {}, ("ada@example.com", False)),
        ("ada@example.com", {"email": "Ada@Example.com", "email_verified": True}, ("ada@example.com", True)),
        ("ada@example.com", {"email": "old@example.com", "email_verified": True}, ("ada@example.com", False)),
        ("ada@example.com", {"email_verified": True}, ("ada@example.com", False)),
        ("ada@example.com", {"email": "ada@example.com", "email_verified": "yes"}, ("ada@example.com", False)),
        ("", {"email": "ada@example.org", "email_verified": True}, ("ada@example.org", False)),
        ("", {}, None),
    ],
    ids=["unchecked", "checked", "another since", "of what", "no boolean", "not the account's", "none"],
)
def test_an_address_is_verified_only_if_the_claims_say_so_of_the_accounts_own(
    email: str, claims: dict[str, Any], told: tuple[str, bool] | None
) -> None:
    names = ("email", "email_verified")
    expected = {} if told is None else dict(zip(names, told, strict=True))
    assert REGISTRY.of_person(PersonFact("ada", email, claims, CHANGED, ()), names) == expected


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({}, {}),
        ({"phone_number_verified": True}, {}),
        ({"phone_number": "+44 1"}, {"phone_number": "+44 1", "phone_number_verified": False}),
        (
            {"phone_number": "+44 1", "phone_number_verified": True},
            {"phone_number": "+44 1", "phone_number_verified": True},
        ),
    ],
    ids=["none", "no number", "unchecked", "checked"],
)
def test_a_phone_number_says_whether_it_was_checked(claims: dict[str, Any], told: dict[str, Any]) -> None:
    assert said("phone_number phone_number_verified", **claims) == told


@pytest.mark.spec("standards", "UI-4")
@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"locality": "London", "region": None, "country": ""}, {"locality": "London"}),
        ({"region": None}, None),
        ("12 St James Square", None),
        (None, None),
    ],
    ids=["partly", "empty", "text", "none"],
)
def test_an_address_is_an_object_without_empty_members(given: object, told: object) -> None:
    assert said("address", address=given).get("address") == told


def test_claims_of_ones_own_come_from_data_roles_and_organizations() -> None:
    assert said("department roles groups organizations", employment={"department": "Looms"}) == {
        "department": "Looms",
        "roles": ["owner", "member"],
        "groups": ["north", "south", "west"],
        "organizations": [
            {"slug": "north", "name": "North Quay", "role": "owner"},
            {"slug": "south", "name": "South Quay", "role": "owner"},
            {"slug": "west", "name": "West", "role": "member"},
        ],
    }


@pytest.mark.parametrize("data", [{}, {"employment": "Looms"}, {"employment": {"department": ""}}], ids=str)
def test_a_path_that_leads_nowhere_says_nothing(data: dict[str, Any]) -> None:
    nobody = PersonFact("ada", "", data, CHANGED, ())
    assert REGISTRY.of_person(nobody, ("department", "roles", "groups", "organizations")) == {}


@pytest.mark.spec("standards", "UI-6")
def test_a_tagged_name_means_the_value_in_that_language() -> None:
    names = {"name": "Ada", "name#ja-Kana-JP": "エイダ", "badge#de": "Abzeichen", "email#de": "x", "address#fr": {}}
    assert said("name#ja-Kana-JP badge#de", **names) == {"name#ja-Kana-JP": "エイダ", "badge#de": "Abzeichen"}
    assert said("email#de address#fr name#fr roles#de department#de", **names) == {}


@pytest.mark.spec("standards", "UI-6")
@pytest.mark.parametrize(
    ("locales", "found"),
    [
        (("ja-Kana-JP",), ["name#ja-Kana-JP"]),
        (("JA-kana-jp",), ["name#ja-Kana-JP"]),
        (("fr-CA", "en"), ["name#fr"]),
        (("de-x-private",), ["name#de"]),
        (("fr", "ja-Kana-JP"), ["name#ja-Kana-JP", "name#fr"]),
        (("it",), []),
    ],
    ids=["itself", "any case", "the wider one", "without what one letter began", "each", "none"],
)
def test_the_languages_that_were_asked_for_come_along(locales: tuple[str, ...], found: list[str]) -> None:
    names = {"name": "Ada", "name#ja-Kana-JP": "エイダ", "name#fr": "Adèle", "name#de": "Adelheid", "email#fr": "x"}
    told = said("name email", *locales, **names, **{"nickname#fr": "Ad", "name#en": ""})
    assert sorted(told) == sorted(["email", "name", *found])
    assert all(told[name] == names[name] for name in found)


@pytest.mark.spec("standards", "UI-6")
@pytest.mark.parametrize(
    ("name", "there"),
    [
        *((name, True) for name in ("name", "name#de", "address#zh-Hant", "badge#de", "roles", "updated_at")),
        *((name, False) for name in ("", "nobody", "name#", "name#d_e", "email#de", "roles#de", "sub", "iss")),
        ("department#de", False),
        ("name#" + "-".join(["abcdefgh"] * 5), False),
        (7, False),
    ],
    ids=str,
)
def test_the_registry_knows_its_names_also_in_languages(name: object, there: bool) -> None:
    assert (name in REGISTRY) is there


def test_a_claim_has_words_for_people() -> None:
    assert REGISTRY.title("email") == "Your email address"
    assert REGISTRY.title("department") == "Your department"
    assert (REGISTRY.title("badge"), REGISTRY.title("unknown")) == ("badge", "unknown")
    assert all(REGISTRY.title(name) != name for name in STANDARD_NAMES)
    assert REGISTRY.is_delivered("name#de", ("openid", "profile"))
    assert not REGISTRY.is_delivered("name#de", ("openid", "email"))
    assert not REGISTRY.is_delivered("unknown", ("openid", "profile"))


def test_what_an_application_cannot_have_by_a_scope_it_cannot_ask_for_by_name() -> None:
    assert all(REGISTRY.may_be_asked(name, None) for name in ("email", "name#de", "department", "badge"))
    allowed = ("openid", "staff")
    assert [name for name in ("email", "name#de", "department", "badge") if REGISTRY.may_be_asked(name, allowed)] == [
        "department",
        "badge",
    ]
    assert not REGISTRY.may_be_asked("unknown", allowed)


@pytest.mark.parametrize("name", ["department", "https://example.com/claims/team", "a.b"])
def test_a_name_of_ones_own_counts(name: str) -> None:
    assert problem_with_name(name) == ""


@pytest.mark.parametrize(
    "name",
    [
        *("iss", "sub", "aud", "exp", "iat", "nonce", "auth_time", "acr", "amr", "azp", "sid", "at_hash", "c_hash"),
        *("s_hash", "cnf", "act", "scope", "client_id", "jti", "nbf", "events"),
        "urn:openid:params:jwt:claim:rt_hash",
    ],
)
def test_what_the_protocol_says_is_nobodys_to_define(name: str) -> None:
    assert "the server itself makes" in problem_with_name(name)


@pytest.mark.parametrize("name", ["", "two words", "näme", 'quo"te', "back\\slash", "name#de", "x" * 101])
def test_what_is_no_name_is_refused(name: str) -> None:
    assert problem_with_name(name).startswith("is no name for a claim")


def test_standard_claims_are_defined_already() -> None:
    assert all("standard claim" in problem_with_name(name) for name in STANDARD_NAMES)


def test_tags_are_split_and_judged() -> None:
    assert (split_tag("name#ja-Kana-JP"), split_tag("name")) == (("name", "ja-Kana-JP"), ("name", ""))
    assert [is_tag(text) for text in ("de", "zh-Hant-TW", "", "d e", "-de", "1")] == [True, True] + [False] * 4
