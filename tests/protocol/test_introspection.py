"""What introspection and revocation decide."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.crypto.hashing import digest
from app.protocol import introspection, revocation
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import AccessTokenFact, ClientFact, FamilyFact
from app.protocol.granted_details import GrantedDetail
from app.protocol.resources import Resource, ResourceRegistry
from app.protocol.revocation import RevokeAccessToken, RevokeTokenFamily
from app.protocol.sender import Binding
from app.protocol.token_format import Credential, Prefix, format_credential
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

SHOWN = digest(SECRET)
REFRESH = Credential(FAMILY, SECRET, 0)
FILES = Resource("https://files.example", scopes=frozenset({"a"}), introspection_clients=frozenset({"files"}))
MAIL = Resource("https://mail.example", scopes=frozenset({"a", "b"}), introspection_clients=frozenset({"mail"}))
RESOURCES = ResourceRegistry((FILES, MAIL))
BOTH = (FILES.identifier, MAIL.identifier)
FOR_BOTH = access_token(
    origin=origin(resources=BOTH),
    standing=standing(pairs=(f"a {BOTH[0]}", f"a {BOTH[1]}", f"b {BOTH[1]}"), since=(1, 1, 1)),
)
FILES_SERVER = client(id=CODE, client_id="files")
MAIL_SERVER = client(id=CODE, client_id="mail")


def described(fact: AccessTokenFact | None, caller: ClientFact | None = None) -> introspection.Answer:
    """What a caller, without one the token's own application, is told of a token."""
    return introspection.describe(
        caller or client(), SHOWN, fact, resources=RESOURCES, issuer=ISSUER, now=NOW
    )  # fmt: skip


@pytest.mark.spec("standards", "IN-4")
def test_an_active_token_is_described() -> None:
    assert described(access_token()) == {
        "active": True, "client_id": "client", "username": "robin", "token_type": "Bearer", "sub": "subject-1",
        "iss": ISSUER, "jti": str(TOKEN), "scope": "a b",
        "iat": int(NOW.timestamp()), "exp": int(NOW.timestamp()) + 3600, "auth_time": int(NOW.timestamp()),
    }  # fmt: skip


@pytest.mark.spec("standards", "ID-7")
def test_beside_a_name_for_one_sector_there_is_none_for_all() -> None:
    told = described(access_token(subject="pairwise-1", pairwise=True))
    assert told["sub"] == "pairwise-1"
    assert {**told, "username": "robin"} == described(access_token(subject="pairwise-1"))
    assert "username" not in told


@pytest.mark.spec("standards", "BC-19")
def test_a_token_that_an_application_got_for_itself_names_no_person() -> None:
    assert described(machine_token()) == {
        "active": True, "client_id": "client", "token_type": "Bearer", "iss": ISSUER, "jti": str(TOKEN),
        "scope": "a b", "iat": int(NOW.timestamp()), "exp": int(NOW.timestamp()) + 3600,
    }  # fmt: skip


@pytest.mark.spec("standards", "IN-3")
@pytest.mark.spec("standards", "IN-5")
@pytest.mark.spec("standards", "AR-9")
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
    assert described(fact) == {"active": False}


@pytest.mark.spec("standards", "IN-6")
@pytest.mark.spec("standards", "IN-4")
def test_a_resource_server_sees_what_is_for_it_and_the_application_everything() -> None:
    told = [described(FOR_BOTH, caller) for caller in (None, FILES_SERVER, MAIL_SERVER)]
    assert [answer["aud"] for answer in told] == [list(BOTH), BOTH[0], BOTH[1]]
    assert [answer["scope"] for answer in told] == ["a b", "a", "a b"]


@pytest.mark.spec("standards", "IN-2")
@pytest.mark.spec("standards", "DR-13")
def test_whoever_registered_himself_is_no_api_until_he_is_checked() -> None:
    stranger = client(id=CODE, client_id="stranger", self_registered=True, verified=False)
    assert described(access_token(), stranger) == introspection.INACTIVE
    assert described(access_token(), replace(stranger, verified=True))["active"]
    assert described(access_token(), client(self_registered=True, verified=False))["active"]  # its own
    named = replace(FILES_SERVER, self_registered=True, verified=False)  # by the operator, for a resource
    assert described(FOR_BOTH, named)["active"]


@pytest.mark.spec("standards", "IN-6")
def test_an_application_s_own_token_is_cut_to_what_the_resource_understands() -> None:
    own = machine_token(origin=replace(machine_token().origin, resources=BOTH))
    assert described(own, FILES_SERVER)["scope"] == "a"
    assert described(own)["scope"] == "a b"


@pytest.mark.spec("standards", "IN-5")
def test_a_token_is_not_for_whoever_answers_for_none_of_its_resources() -> None:
    gone = replace(FOR_BOTH, origin=origin(resources=("https://gone.example",)))
    assert described(FOR_BOTH, client(id=CODE, client_id="other")) == {"active": False}
    assert described(gone, FILES_SERVER) == {"active": False}


@pytest.mark.spec("standards", "AT-6")
@pytest.mark.spec("standards", "DP-15")
@pytest.mark.spec("standards", "MT-1")
def test_a_bound_token_names_its_keys_and_its_scheme() -> None:
    proved = described(access_token(binding=Binding(jkt="thumb")))
    assert (proved["cnf"], proved["token_type"]) == ({"jkt": "thumb"}, "DPoP")
    shown = described(access_token(binding=Binding(x5t="print")))
    assert (shown["cnf"], shown["token_type"]) == ({"x5t#S256": "print"}, "Bearer")
    refreshing = family(binding=Binding(jkt="thumb"))
    answer = introspection.describe_refresh(client(), REFRESH, refreshing, keys=KEYS, issuer=ISSUER, now=NOW)
    assert answer["cnf"] == {"jkt": "thumb"}


@pytest.mark.spec("standards", "IN-4")
def test_who_acts_and_how_the_person_signed_in_is_told() -> None:
    answer = described(access_token(actor={"sub": "gateway"}, acr="urn:strong"))
    assert (answer["act"], answer["acr"]) == ({"sub": "gateway"}, "urn:strong")
    nobody_asked = access_token(origin=origin(record_id=None), standing=standing(record_id=None), auth_time=None)
    assert "auth_time" not in described(nobody_asked)
    assert described(nobody_asked)["scope"] == "a b"


@pytest.mark.spec("standards", "AR-6")
def test_narrowing_the_record_narrows_the_token_at_once() -> None:
    narrowed = access_token(standing=standing(pairs=("b",), since=(1,), record_version=2))
    assert described(narrowed)["scope"] == "b"


def test_a_token_without_scopes_is_active_without_a_scope_member() -> None:
    answer = described(access_token(origin=origin(scopes=())))
    assert answer["active"] is True
    assert "scope" not in answer


@pytest.mark.spec("standards", "IN-2")
def test_a_confidential_application_may_introspect_and_a_public_one_may_not() -> None:
    introspection.check_caller(client())
    with pytest.raises(OAuthError) as refused:
        introspection.check_caller(client(auth_method="none"))
    assert refused.value.code is ErrorCode.INVALID_CLIENT


@pytest.mark.spec("standards", "IN-7")
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


@pytest.mark.spec("standards", "RV-4")
def test_a_client_revokes_its_own_tokens() -> None:
    assert revocation.revoke_access(client(), SHOWN, access_token()) == RevokeAccessToken(TOKEN)
    assert revocation.revoke_access(client(), SHOWN, machine_token()) == RevokeAccessToken(TOKEN)
    assert revocation.revoke_refresh(client(), REFRESH, family(), KEYS) == RevokeTokenFamily(FAMILY)


def test_unknown_and_forged_tokens_are_nothing_to_revoke() -> None:
    assert revocation.revoke_access(client(), SHOWN, None) is None
    assert revocation.revoke_access(client(), digest(b"x" * 32), access_token()) is None
    assert revocation.revoke_refresh(client(), Credential(FAMILY, b"x" * 32, 0), family(), KEYS) is None


@pytest.mark.spec("standards", "RV-2")
def test_a_token_of_another_application_is_not_revoked_and_its_holder_is_told() -> None:
    with pytest.raises(OAuthError) as refused:
        revocation.revoke_access(client(id=CODE), SHOWN, access_token())
    assert refused.value.code is ErrorCode.INVALID_GRANT
    with pytest.raises(OAuthError) as refused:
        revocation.revoke_access(client(id=CODE), SHOWN, machine_token())
    assert refused.value.code is ErrorCode.INVALID_GRANT
    with pytest.raises(OAuthError) as refused:
        revocation.revoke_refresh(client(id=CODE), REFRESH, family(), KEYS)
    assert refused.value.code is ErrorCode.INVALID_GRANT


@pytest.mark.spec("standards", "RV-5")
@pytest.mark.parametrize("prefix", [Prefix.PERSONAL_TOKEN, Prefix.API_KEY])
def test_what_people_and_organizations_made_is_no_client_s_to_end(prefix: Prefix) -> None:
    with pytest.raises(OAuthError) as refused:
        revocation.check_kind(format_credential(prefix, Credential(TOKEN, SECRET)))
    assert refused.value.code is ErrorCode.UNSUPPORTED_TOKEN_TYPE
    for other in ("", "garbage", f"{prefix}_x", format_credential(Prefix.SESSION, Credential(TOKEN, SECRET))):
        revocation.check_kind(other)


def test_an_expired_token_can_still_be_revoked() -> None:
    expired = access_token(expires_at=NOW - timedelta(days=1))
    assert revocation.revoke_access(client(), SHOWN, expired) == RevokeAccessToken(TOKEN)


DETAILS = (
    GrantedDetail("detail:files#1", {"type": "files", "locations": [BOTH[0]]}),
    GrantedDetail("detail:files#2", {"type": "files", "locations": [f"{BOTH[1]}/v1", "https://unknown.example"]}),
    GrantedDetail("detail:files#3", {"type": "files", "locations": ["https://unknown.example"]}),
    GrantedDetail("detail:files#4", {"type": "files"}),
)


@pytest.mark.spec("standards", "RA-4")
@pytest.mark.parametrize(
    ("resources", "caller", "places"),
    [
        ((), "client", (0, 1, 2, 3)),
        ((), "files", (0, 2, 3)),
        ((), "mail", (1, 2, 3)),
        ((), "nobody", (2, 3)),
        (BOTH, "client", (0, 1, 3)),
        (BOTH, "files", (0, 3)),
        (BOTH[1:], "mail", (1, 3)),
    ],
)
def test_a_caller_sees_the_details_that_are_in_force_and_for_it(
    resources: tuple[str, ...], caller: str, places: tuple[int, ...]
) -> None:
    names = tuple(detail.pair for detail in DETAILS)
    fact = access_token(
        origin=origin(scopes=(), resources=resources, details=DETAILS), standing=standing(pairs=names, since=(1,) * 4)
    )
    asking = client() if caller == "client" else client(id=CODE, client_id=caller)
    told = introspection.describe(asking, SHOWN, fact, resources=RESOURCES, issuer=ISSUER, now=NOW)
    assert told["authorization_details"] == [DETAILS[place].content for place in places]
    fewer = replace(fact, standing=standing(pairs=names[3:], since=(1,)))
    told = introspection.describe(asking, SHOWN, fewer, resources=RESOURCES, issuer=ISSUER, now=NOW)
    assert told["authorization_details"] == [DETAILS[3].content]


@pytest.mark.spec("standards", "RA-4")
def test_its_own_application_sees_what_a_refresh_token_carries() -> None:
    names = tuple(detail.pair for detail in DETAILS)
    fact = family(origin=origin(scopes=(), details=DETAILS), standing=standing(pairs=names[:1], since=(1,)))
    told = introspection.describe_refresh(client(), REFRESH, fact, keys=KEYS, issuer=ISSUER, now=NOW)
    assert told["authorization_details"] == [DETAILS[0].content]
