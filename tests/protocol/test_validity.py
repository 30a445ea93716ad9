"""Whether a credential counts, what it then carries, and what its holder is told if not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.crypto.hashing import digest
from app.protocol import introspection, validity
from app.protocol.facts import AccessTokenFact, KeyFact, PersonalTokenFact, TokenFact
from app.protocol.roles import Roles
from app.protocol.scopes import DEFAULT, ScopeRegistry
from app.protocol.token_format import Credential
from app.protocol.validity import Fault
from tests.support.facts import (
    CODE,
    ISSUER,
    NOW,
    SECRET,
    TOKEN,
    access_token,
    api_key,
    machine_token,
    origin,
    personal_token,
    standing,
)

SHOWN = Credential(TOKEN, SECRET)
SHOWN_DIGEST = digest(SECRET)
ROLES = Roles.chosen({}, ScopeRegistry(DEFAULT))
OTHER = digest(b"x" * 32)


@pytest.mark.parametrize(
    ("fact", "fault"),
    [
        (None, Fault.UNKNOWN),
        (access_token(digest=OTHER), Fault.UNKNOWN),
        (access_token(expires_at=NOW), Fault.EXPIRED),
        (access_token(revoked_at=NOW), Fault.REVOKED),
        (access_token(family_revoked=True), Fault.REVOKED),
        (access_token(standing=None), Fault.REVOKED),
        (access_token(standing=standing(record_revoked=True)), Fault.REVOKED),
        (access_token(standing=standing(record_id=CODE)), Fault.REVOKED),
        (access_token(standing=standing(user_active=False)), Fault.USER_INACTIVE),
        (access_token(standing=standing(user_epoch=1)), Fault.USER_INACTIVE),
        (access_token(standing=standing(application_active=False)), Fault.APPLICATION_INACTIVE),
        (access_token(standing=standing(application_epoch=1)), Fault.APPLICATION_INACTIVE),
        (access_token(standing=standing(pairs=(), since=())), Fault.NOTHING_LEFT),
        (machine_token(digest=OTHER), Fault.UNKNOWN),
        (machine_token(expires_at=NOW), Fault.EXPIRED),
        (machine_token(revoked_at=NOW), Fault.REVOKED),
        (machine_token(application_active=False), Fault.APPLICATION_INACTIVE),
        (machine_token(application_epoch_now=1), Fault.APPLICATION_INACTIVE),
    ],
)
def test_the_holder_of_a_dead_access_token_is_told_what_became_of_it(
    fact: AccessTokenFact | None, fault: Fault
) -> None:
    assert validity.access_token(SHOWN_DIGEST, fact, now=NOW) is fault


@pytest.mark.parametrize(
    ("fact", "fault"),
    [
        (None, Fault.UNKNOWN),
        (personal_token(digest=OTHER), Fault.UNKNOWN),
        (personal_token(expires_at=NOW), Fault.EXPIRED),
        (personal_token(revoked_at=NOW), Fault.REVOKED),
        (personal_token(user_active=False), Fault.USER_INACTIVE),
        (personal_token(user_epoch_now=1), Fault.USER_INACTIVE),
        (personal_token(roles=()), Fault.NOTHING_LEFT),
    ],
)
def test_the_holder_of_a_dead_personal_token_is_told_what_became_of_it(
    fact: PersonalTokenFact | None, fault: Fault
) -> None:
    assert validity.personal_token(SHOWN, fact, roles=ROLES, now=NOW) is fault
    described = introspection.describe_personal(SHOWN, fact, roles=ROLES, issuer=ISSUER, now=NOW)
    assert described == {"active": False}


@pytest.mark.parametrize(
    ("fact", "fault"),
    [
        (None, Fault.UNKNOWN),
        (api_key(digest=OTHER), Fault.UNKNOWN),
        (api_key(digest=OTHER, retiring_digest=OTHER), Fault.UNKNOWN),
        (api_key(active=False), Fault.KEY_INACTIVE),
        (api_key(organization_active=False), Fault.ORGANIZATION_CLOSED),
    ],
)
def test_the_holder_of_a_dead_key_is_told_what_became_of_it(fact: KeyFact | None, fault: Fault) -> None:
    assert validity.api_key(SHOWN, fact) is fault
    assert introspection.describe_key(SHOWN, fact, issuer=ISSUER) == {"active": False}


@pytest.mark.parametrize(
    "fact",
    [
        access_token(digest=OTHER, expires_at=NOW, standing=standing(user_active=False)),
        access_token(digest=OTHER, standing=standing(application_active=False)),
    ],
)
def test_a_stranger_with_the_id_alone_learns_nothing(fact: TokenFact) -> None:
    assert validity.access_token(SHOWN_DIGEST, fact, now=NOW) is Fault.UNKNOWN


def test_a_token_without_a_person_lives_as_long_as_its_application_does() -> None:
    assert validity.access_token(SHOWN_DIGEST, machine_token(), now=NOW) == ("a", "b")
    later = machine_token().expires_at - timedelta(seconds=1)
    assert validity.access_token(SHOWN_DIGEST, machine_token(), now=later) == ("a", "b")


@pytest.mark.spec("original", "M01")
def test_a_personal_token_without_an_end_does_not_end() -> None:
    for later in (timedelta(0), timedelta(days=36_500)):
        endless = personal_token(expires_at=None)
        assert validity.personal_token(SHOWN, endless, roles=ROLES, now=NOW + later) == ("org:read", "team:read")
    tomorrow = personal_token(expires_at=NOW + timedelta(days=1))
    assert validity.personal_token(SHOWN, tomorrow, roles=ROLES, now=NOW) == ("org:read", "team:read")
    yesterday = personal_token(expires_at=NOW - timedelta(days=1))
    assert validity.personal_token(SHOWN, yesterday, roles=ROLES, now=NOW) is Fault.EXPIRED


@pytest.mark.spec("original", "BUG 20")
def test_bug_20_a_personal_token_holds_no_more_than_its_persons_roles_allow_now() -> None:
    greedy = personal_token(scopes=("org:admin", "project:write", "org:read", "openid"))
    assert validity.personal_token(SHOWN, greedy, roles=ROLES, now=NOW) == ("org:read", "openid")
    described = introspection.describe_personal(SHOWN, greedy, roles=ROLES, issuer=ISSUER, now=NOW)
    assert described["scope"] == "org:read openid"


def test_a_role_that_has_left_the_settings_gives_a_personal_token_nothing() -> None:
    fact = personal_token(roles=("a role of last year",))
    assert validity.personal_token(SHOWN, fact, roles=ROLES, now=NOW) is Fault.NOTHING_LEFT


def test_both_secrets_of_a_key_count_while_one_retires() -> None:
    rotated = api_key(digest=OTHER, retiring_digest=digest(SECRET))
    assert validity.api_key(SHOWN, rotated) == api_key().scopes
    assert validity.api_key(Credential(TOKEN, b"x" * 32), rotated) == api_key().scopes


def test_a_key_without_scopes_counts_and_opens_nothing() -> None:
    assert validity.api_key(SHOWN, api_key(scopes=())) == ()
    assert "scope" not in introspection.describe_key(SHOWN, api_key(scopes=()), issuer=ISSUER)


@pytest.mark.spec("original", "L04")
def test_a_personal_token_is_described_with_an_end_only_if_it_has_one() -> None:
    described = introspection.describe_personal(SHOWN, personal_token(), roles=ROLES, issuer=ISSUER, now=NOW)
    assert described == {
        "active": True, "username": "robin", "token_type": "Bearer", "sub": "subject-1", "iss": ISSUER,
        "jti": str(TOKEN), "scope": "org:read team:read",
        "iat": int(NOW.timestamp()), "exp": int((NOW + timedelta(days=90)).timestamp()),
    }  # fmt: skip
    bare = personal_token(expires_at=None, scopes=())
    described = introspection.describe_personal(SHOWN, bare, roles=ROLES, issuer=ISSUER, now=NOW)
    assert described["active"] is True
    assert not {"exp", "scope"} & set(described)


def test_a_key_is_described_as_its_organizations() -> None:
    assert introspection.describe_key(SHOWN, api_key(), issuer=ISSUER) == {
        "active": True, "token_type": "Bearer", "iss": ISSUER, "jti": str(TOKEN), "organization": "saltbarn",
        "iat": int(NOW.timestamp()), "scope": "project:read event:read team:read org:read member:read",
    }  # fmt: skip


@pytest.mark.spec("standards", "BR-4")
def test_a_token_counts_at_the_resources_that_it_is_for_and_without_one_everywhere() -> None:
    here, there = "https://id.example/api/v1", "https://files.example"
    for_both = access_token(
        origin=origin(resources=(here, there)), standing=standing(pairs=(f"a {here}", f"b {there}"), since=(1, 1))
    )
    own = machine_token(origin=replace(machine_token().origin, resources=(there,)))
    assert validity.access_token_at(SHOWN_DIGEST, for_both, here, now=NOW) == ("a",)
    assert validity.access_token_at(SHOWN_DIGEST, for_both, there, now=NOW) == ("b",)
    assert validity.access_token_at(SHOWN_DIGEST, for_both, "https://mail.example", now=NOW) is Fault.ELSEWHERE
    assert validity.access_token_at(SHOWN_DIGEST, own, here, now=NOW) is Fault.ELSEWHERE
    assert validity.access_token_at(SHOWN_DIGEST, own, there, now=NOW) == ("a", "b")
    assert validity.access_token_at(SHOWN_DIGEST, access_token(), here, now=NOW) == ("a", "b")
    assert validity.access_token_at(SHOWN_DIGEST, None, here, now=NOW) is Fault.UNKNOWN
