"""Userinfo: which tokens open it, and what they are told (standards A6)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.crypto.hashing import digest
from app.protocol import userinfo
from app.protocol.authorization_header import Challenged, Credentials
from app.protocol.claim_values import Claim
from app.protocol.claims import ClaimsRegistry
from app.protocol.claims_request import NO_CLAIMS, ClaimsRequest
from app.protocol.errors import ErrorCode
from app.protocol.facts import Basis, PersonFact, TokenFact
from app.protocol.openid_settings import PLAIN
from app.protocol.policy import ApplicationPolicy
from app.protocol.scopes import ScopeDefinition, ScopeRegistry
from app.protocol.userinfo import LoginFact
from app.protocol.validity import Fault
from tests.support.facts import ISSUER, NOW, SECRET, access_token, machine_token, origin, standing

HERE = f"{ISSUER}/oauth/userinfo"
ELSEWHERE = "https://files.example"
SHOWN = digest(SECRET)
ADA = PersonFact("ada", "ada@example.com", {"name": "Ada", "badge": "7"}, datetime(2026, 1, 1, tzinfo=UTC), ())
REGISTRY = ClaimsRegistry([Claim("badge", (), "Your badge")])


def login(scopes: str, pairs: str | None = None, since: tuple[int, ...] = (), **changes: Any) -> TokenFact:
    """A token of a login with these scopes; the record holds them, or these pairs."""
    held = tuple((pairs if pairs is not None else scopes).split())
    behind = standing(pairs=held, since=since or (1,) * len(held))
    given = origin(scopes=tuple(scopes.split()), **{k: changes.pop(k) for k in ("resources", "basis") if k in changes})
    return access_token(origin=given, standing=behind, **changes)


def told(fact: TokenFact, claims: ClaimsRequest = NO_CLAIMS, person: PersonFact | None = ADA) -> dict[str, Any]:
    scopes = userinfo.judge(SHOWN, fact, ISSUER, NOW)
    assert not isinstance(scopes, Fault)
    return userinfo.answer(
        LoginFact(fact, claims, person, PLAIN), userinfo.require_login(fact, scopes), scopes, REGISTRY
    )


SCOPES = ScopeRegistry([ScopeDefinition("openid"), ScopeDefinition("health", acr="urn:example:fresh")])
OF_HEALTH = ClaimsRegistry([Claim("blood", ("health",), "Your blood type")])


@pytest.mark.spec("standards", "UA-1")
@pytest.mark.parametrize(
    ("scopes", "pairs", "named", "telling"),
    [
        ("openid", "openid", (), ()),
        ("openid health", "openid health", (), ("health",)),
        ("openid", "openid claim:blood", ("blood",), ("health",)),
        ("openid", "openid", ("blood",), ()),
    ],
    ids=["nothing", "by scope", "by name", "by a name that was taken away"],
)
def test_what_is_told_needs_the_levels_of_the_scopes_behind_it(
    scopes: str, pairs: str, named: tuple[str, ...], telling: tuple[str, ...]
) -> None:
    fact = login(scopes, pairs)
    found = LoginFact(fact, ClaimsRequest(userinfo=named), ADA, PLAIN)
    assert userinfo.telling(found, fact, tuple(scopes.split()), OF_HEALTH, SCOPES) == telling


def refused(authorization: str | None, in_body: str | None = None, *, in_url: bool = False) -> Challenged:
    with pytest.raises(Challenged) as problem:
        userinfo.presented(authorization, in_body, in_url=in_url)
    return problem.value


@pytest.mark.spec("standards", "UI-1")
def test_a_token_comes_by_header_or_by_form() -> None:
    assert userinfo.presented("Bearer abc", None, in_url=False) == Credentials("abc")
    assert userinfo.presented("dpop abc", None, in_url=False) == Credentials("abc", by_proof=True)
    assert userinfo.presented(None, "abc", in_url=False) == Credentials("abc")


@pytest.mark.spec("standards", "F-24")
def test_what_is_held_to_fapi_sends_its_token_in_the_header() -> None:
    userinfo.require_header(ApplicationPolicy(), in_body=True)
    userinfo.require_header(ApplicationPolicy(fapi=True), in_body=False)
    with pytest.raises(Challenged, match="Authorization header alone"):
        userinfo.require_header(ApplicationPolicy(fapi=True), in_body=True)


@pytest.mark.spec("standards", "BR-2")
@pytest.mark.parametrize(
    ("header", "body", "url"),
    [
        ("Bearer a", "a", False),
        ("Bearer a", None, True),
        (None, None, True),
        (None, "a", True),
        ("Basic a", None, False),
    ],
    ids=["header and form", "header and url", "url", "form and url", "another scheme"],
)
def test_a_token_comes_once_and_never_in_the_url(header: str | None, body: str | None, url: bool) -> None:
    assert refused(header, body, in_url=url).code is ErrorCode.INVALID_REQUEST


@pytest.mark.spec("standards", "BR-3")
def test_nothing_is_challenged_without_an_error() -> None:
    assert refused(None).challenge_for(ISSUER) == f'Bearer realm="{ISSUER}"'


@pytest.mark.spec("standards", "UI-9")
@pytest.mark.parametrize(
    ("resources", "opens"),
    [
        ((), True),
        ((HERE,), True),
        ((ISSUER,), True),
        ((ELSEWHERE, HERE), True),
        ((ELSEWHERE,), False),
        ((f"{ISSUER}/api/v1",), False),
        ((f"{ISSUER}/",), False),
    ],
    ids=str,
)
def test_a_token_counts_where_it_is_for(resources: tuple[str, ...], opens: bool) -> None:
    judged = userinfo.judge(SHOWN, login("openid email", resources=resources), ISSUER, NOW)
    assert judged == (("openid", "email") if opens else Fault.ELSEWHERE)


@pytest.mark.spec("standards", "UI-9")
def test_a_scope_that_was_given_for_another_api_delivers_nothing_here() -> None:
    own = ClaimsRegistry([Claim("badge", ("staff",), "Your badge")])
    held = standing(pairs=("openid", f"staff {ELSEWHERE}"), since=(1, 1))
    fact = access_token(origin=origin(scopes=("openid", "staff"), resources=(ELSEWHERE, HERE)), standing=held)
    scopes = userinfo.judge(SHOWN, fact, ISSUER, NOW)
    assert scopes == ("openid",)
    assert userinfo.answer(LoginFact(fact, NO_CLAIMS, ADA, PLAIN), fact, scopes, own) == {"sub": fact.subject}


@pytest.mark.spec("standards", "UI-10")
@pytest.mark.parametrize(
    ("fact", "fault"),
    [
        (None, Fault.UNKNOWN),
        (login("openid", digest=digest(b"another")), Fault.UNKNOWN),
        (login("openid", expires_at=NOW), Fault.EXPIRED),
        (login("openid", revoked_at=NOW - timedelta(1)), Fault.REVOKED),
        (login("openid", family_revoked=True), Fault.REVOKED),
        (access_token(origin=origin(scopes=("openid",)), standing=standing(record_revoked=True)), Fault.REVOKED),
        (access_token(origin=origin(scopes=("openid",)), standing=standing(user_active=False)), Fault.USER_INACTIVE),
        (login("openid", ""), Fault.NOTHING_LEFT),
    ],
    ids=["unknown", "mistyped", "expired", "revoked", "family", "record", "person", "nothing left"],
)
def test_what_does_not_count_says_why(fact: TokenFact | None, fault: Fault) -> None:
    assert userinfo.judge(SHOWN, fact, ISSUER, NOW) is fault


NOBODY_ASKED: dict[str, Any] = {
    "origin": origin(scopes=("openid",), record_id=None, record_version=0),
    "standing": standing(record_id=None),
}


@pytest.mark.spec("standards", "UI-2")
@pytest.mark.parametrize(
    "fact",
    [
        login("email"),
        login("openid email", "email"),
        machine_token(),
        access_token(
            origin=origin(scopes=("openid",), record_id=None, record_version=0), standing=standing(record_id=None)
        ),
        login("openid", basis=Basis({"openid": "openid"}, {})),
    ],
    ids=["another scope", "taken away", "an application's own", "an assertion's", "another application's"],
)
def test_a_token_that_comes_of_no_login_is_not_enough(fact: Any) -> None:
    scopes = userinfo.judge(SHOWN, fact, ISSUER, NOW)
    assert not isinstance(scopes, Fault)
    with pytest.raises(Challenged) as problem:
        userinfo.require_login(fact, scopes)
    assert (problem.value.code, problem.value.scope) == (ErrorCode.INSUFFICIENT_SCOPE, "openid")


def test_an_applications_own_token_for_this_address_is_judged_like_others() -> None:
    fact = machine_token()
    here = machine_token(origin=fact.origin.__class__(fact.origin.application_id, 0, ("a",), (HERE,)))
    assert userinfo.judge(SHOWN, here, ISSUER, NOW) == ("a",)


@pytest.mark.spec("standards", "UI-3")
@pytest.mark.spec("standards", "UI-5")
def test_scopes_in_force_deliver_their_claims_and_the_subject_is_always_there() -> None:
    assert told(login("openid")) == {"sub": "subject-1"}
    assert told(login("openid email")) == {"sub": "subject-1", "email": "ada@example.com", "email_verified": False}
    assert told(login("openid email profile", "openid profile")).keys() == {
        *("sub", "name", "preferred_username", "updated_at")
    }
    assert told(login("openid email"), person=None) == {"sub": "subject-1"}


@pytest.mark.spec("standards", "UI-6")
@pytest.mark.parametrize(
    ("fact", "names"),
    [
        (login("openid", "openid claim:email claim:badge"), {"email", "badge"}),
        (login("openid", "openid claim:badge"), {"badge"}),
        (login("openid", "openid"), set()),
        (login("openid", "openid claim:email claim:badge", (1, 2, 1)), {"badge"}),
        (login("openid email", "openid email"), {"email", "email_verified"}),
        (login("openid email", "openid claim:badge"), {"badge"}),
    ],
    ids=["both pairs", "one pair", "no pair", "granted again since", "by scope", "its scope was taken away"],
)
def test_a_claim_asked_for_by_name_counts_as_long_as_its_pair_or_its_scope_does(
    fact: TokenFact, names: set[str]
) -> None:
    assert told(fact, ClaimsRequest(userinfo=("email", "badge"))).keys() == {"sub"} | names
    assert told(fact, ClaimsRequest(id_token=("badge",))).keys() - {"email", "email_verified"} == {"sub"}


@pytest.mark.spec("standards", "UI-7")
def test_a_signed_answer_says_by_whom_and_for_whom() -> None:
    said = userinfo.as_jwt({"sub": "s", "name": "Ada"}, ISSUER, "web")
    assert said == {"iss": ISSUER, "aud": "web", "sub": "s", "name": "Ada"}


@pytest.mark.spec("standards", "UI-9")
def test_the_address_is_a_resource_that_understands_what_it_tells() -> None:
    resource = userinfo.resource(ISSUER, [Claim("badge", ("staff",), "")])
    assert resource.identifier == HERE
    assert [resource.understands(scope) for scope in ("openid", "email", "staff", "project:read")] == [True] * 3 + [
        False
    ]
