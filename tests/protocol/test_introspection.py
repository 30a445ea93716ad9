"""What introspection and revocation decide."""

from datetime import timedelta

import pytest

from app.protocol import introspection, revocation
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import AccessTokenFact, FamilyFact
from app.protocol.revocation import RevokeAccessToken, RevokeTokenFamily
from app.protocol.token_format import Credential
from tests.support.facts import (
    CODE,
    FAMILY,
    ISSUER,
    KEYS,
    NOW,
    SECRET,
    TOKEN,
    access_token,
    client,
    family,
    machine_token,
    origin,
    standing,
)

ACCESS = Credential(TOKEN, SECRET)
REFRESH = Credential(FAMILY, SECRET, 0)


def test_an_active_token_is_described() -> None:
    assert introspection.describe(ACCESS, access_token(), issuer=ISSUER, now=NOW) == {
        "active": True, "client_id": "client", "username": "robin", "token_type": "Bearer", "sub": "subject-1",
        "iss": ISSUER, "jti": str(TOKEN), "scope": "a b",
        "iat": int(NOW.timestamp()), "exp": int(NOW.timestamp()) + 3600,
    }  # fmt: skip


def test_a_token_that_an_application_got_for_itself_names_no_person() -> None:
    assert introspection.describe(ACCESS, machine_token(), issuer=ISSUER, now=NOW) == {
        "active": True, "client_id": "client", "token_type": "Bearer", "iss": ISSUER, "jti": str(TOKEN),
        "scope": "a b", "iat": int(NOW.timestamp()), "exp": int(NOW.timestamp()) + 3600,
    }  # fmt: skip


@pytest.mark.parametrize(
    "fact",
    [
        None,
        access_token(digest=b"x" * 32),
        access_token(expires_at=NOW),
        access_token(revoked_at=NOW),
        access_token(family_revoked=True),
        access_token(standing=None),
        access_token(standing=standing(record_revoked=True)),
        access_token(standing=standing(record_id=CODE)),
        access_token(standing=standing(user_active=False)),
        access_token(standing=standing(user_epoch=1)),
        access_token(standing=standing(application_active=False)),
        access_token(standing=standing(application_epoch=1)),
        access_token(standing=standing(pairs=(), since=())),
        machine_token(digest=b"x" * 32),
        machine_token(expires_at=NOW),
        machine_token(revoked_at=NOW),
        machine_token(application_active=False),
        machine_token(application_epoch_now=1),
    ],
)
def test_every_other_token_has_the_one_member_answer(fact: AccessTokenFact | None) -> None:
    assert introspection.describe(ACCESS, fact, issuer=ISSUER, now=NOW) == {"active": False}


def test_narrowing_the_record_narrows_the_token_at_once() -> None:
    narrowed = access_token(standing=standing(pairs=("b",), since=(1,), record_version=2))
    assert introspection.describe(ACCESS, narrowed, issuer=ISSUER, now=NOW)["scope"] == "b"


def test_a_token_without_scopes_is_active_without_a_scope_member() -> None:
    answer = introspection.describe(ACCESS, access_token(origin=origin(scopes=())), issuer=ISSUER, now=NOW)
    assert answer["active"] is True
    assert "scope" not in answer


def test_a_confidential_application_may_introspect_and_a_public_one_may_not() -> None:
    introspection.check_caller(client())
    with pytest.raises(OAuthError) as refused:
        introspection.check_caller(client(auth_method="none"))
    assert refused.value.code is ErrorCode.INVALID_CLIENT


def test_a_refresh_token_is_described_to_its_owner_only() -> None:
    def active(fact: FamilyFact, **caller: object) -> bool:
        return bool(
            introspection.describe_refresh(
                client(**caller), REFRESH, fact, keys=KEYS, issuer=ISSUER, now=NOW
            )["active"]
        )  # fmt: skip

    assert active(family())
    assert not active(family(), id=CODE)
    for dead in (
        family(revoked_at=NOW),
        family(generation=1),
        family(idle_expires_at=NOW),
        family(expires_at=NOW),
        family(digest=None),
        family(standing=standing(user_active=False)),
        family(standing=standing(pairs=(), since=())),
    ):
        assert not active(dead)


def test_a_refresh_token_without_scopes_is_active_without_a_scope_member() -> None:
    answer = introspection.describe_refresh(
        client(), REFRESH, family(origin=origin(scopes=())), keys=KEYS, issuer=ISSUER, now=NOW
    )
    assert answer["active"] is True
    assert "scope" not in answer


def test_a_refresh_token_says_when_it_ends_if_nobody_uses_it() -> None:
    sooner = family(idle_expires_at=NOW + timedelta(minutes=1))
    answer = introspection.describe_refresh(client(), REFRESH, sooner, keys=KEYS, issuer=ISSUER, now=NOW)
    assert answer["exp"] == int(NOW.timestamp()) + 60
    assert answer["token_type"] == "refresh_token"


def test_a_client_revokes_its_own_tokens() -> None:
    assert revocation.revoke_access(client(), ACCESS, access_token()) == RevokeAccessToken(TOKEN)
    assert revocation.revoke_access(client(), ACCESS, machine_token()) == RevokeAccessToken(TOKEN)
    assert revocation.revoke_refresh(client(), REFRESH, family(), KEYS) == RevokeTokenFamily(FAMILY)


def test_unknown_and_forged_tokens_are_nothing_to_revoke() -> None:
    assert revocation.revoke_access(client(), ACCESS, None) is None
    assert revocation.revoke_access(client(), Credential(TOKEN, b"x" * 32), access_token()) is None
    assert revocation.revoke_refresh(client(), Credential(FAMILY, b"x" * 32, 0), family(), KEYS) is None


def test_a_token_of_another_application_is_not_revoked_and_its_holder_is_told() -> None:
    with pytest.raises(OAuthError) as refused:
        revocation.revoke_access(client(id=CODE), ACCESS, access_token())
    assert refused.value.code is ErrorCode.INVALID_GRANT
    with pytest.raises(OAuthError) as refused:
        revocation.revoke_access(client(id=CODE), ACCESS, machine_token())
    assert refused.value.code is ErrorCode.INVALID_GRANT
    with pytest.raises(OAuthError) as refused:
        revocation.revoke_refresh(client(id=CODE), REFRESH, family(), KEYS)
    assert refused.value.code is ErrorCode.INVALID_GRANT


def test_an_expired_token_can_still_be_revoked() -> None:
    expired = access_token(expires_at=NOW - timedelta(days=1))
    assert revocation.revoke_access(client(), ACCESS, expired) == RevokeAccessToken(TOKEN)
