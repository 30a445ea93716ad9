"""The shape of a data file: names, nulls, nearest members, and every problem at once."""

from pathlib import Path
from typing import Any

import pytest

from app.protocol.policy import ApplicationPolicy
from app.protocol.scopes import DEFAULT, ScopeRegistry
from app.services import data_file
from app.services.data_file import DataFile, DataFileError
from tests.support.assertions import key_of, key_set

SCOPES = ScopeRegistry(DEFAULT)
CALLBACK = "https://shop.example/cb"


def parse(**tables: Any) -> DataFile:
    """Check a document."""
    return data_file.parse(tables, SCOPES)


def told(**tables: Any) -> list[str]:
    """Return what is said about a document that is refused."""
    with pytest.raises(DataFileError) as refused:
        parse(**tables)
    return str(refused.value).splitlines()


def application(**members: Any) -> dict[str, Any]:
    """An application with these members."""
    return {"client_id": "shop", "redirect_uris": [CALLBACK], **members}


def test_an_empty_file_and_one_of_nulls_and_empty_lists_declare_nothing() -> None:
    empty = parse()
    assert parse(users=None, organizations=None, applications=[], resources=[], api_keys=None) == empty
    assert empty.users == ()


def test_nulls_in_entries_count_as_absent() -> None:
    data = parse(
        users=[{"username": "ada", "email": None, "password": None, "sub": None, "claims": None}],
        applications=[application(client_secret=None, owner=None, lifetimes=None, scope=None, allowed_origins=None)],
    )
    assert data.users[0].email is None
    assert data.applications[0].scope is None
    assert data.applications[0].require_pkce


def test_unknown_members_are_errors_that_name_the_nearest_one() -> None:
    assert told(
        user=[],
        users=[{"username": "ada", "mail": "ada@example.org"}],
        applications=[application(redirect_uri=CALLBACK, lifetimes={"acces_token": 5})],
        resources=[{"identifier": "https://api.example", "scope": []}],
    ) == [
        "users[ada].mail is unknown; the nearest member is email.",
        "applications[shop].lifetimes.acces_token is unknown; the nearest member is access_token.",
        "applications[shop].redirect_uri is unknown; the nearest member is redirect_uris.",
        "resources[https://api.example].scope is unknown; the nearest member is scopes.",
        "user is unknown; the nearest member is users.",
    ]


def test_a_member_without_a_near_one_is_told_what_there_is() -> None:
    assert told(users=[{"username": "ada", "zzz": 1}]) == [
        "users[ada].zzz is unknown; there are: claims, email, password, sub, username."
    ]


def test_entries_without_a_name_are_told_by_their_number() -> None:
    assert told(users=[{"username": "ada"}, {}, "ada"]) == [
        "users[1].username is missing.",
        "users[2] must be a valid dictionary or instance of UserEntry.",
    ]


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"client_id": ""}, "client_id must be 1 to 200 printable"),
        ({"client_id": "a b"}, "client_id must be 1 to 200 printable"),
        (
            {"client_id": "https://shop.example"},
            "client_id must have a path, such as https://app.example.com/client.json",
        ),
        ({"client_secret": "é"}, "client_secret must be 1 to 500 printable"),
        ({"client_secret": "x", "token_endpoint_auth_method": "none"}, "has a client_secret but"),
        ({"scope": "org:fly"}, "scope unknown scope: org:fly"),
        ({"optional_scopes": ["org:fly"]}, "optional_scopes unknown scope: org:fly"),
        ({"redirect_uris": ["http://shop.example/cb"]}, "redirect_uris[0] must use https"),
        ({"response_types": ["token"]}, "response_types has token or id_token, so grant_types must have implicit"),
        ({"allowed_origins": ["https://shop.example/"]}, "allowed_origins[0] must be *, a host such as example.com"),
        ({"lifetimes": {"access_token": 86_401}}, "lifetimes.access_token must be less than or equal to 86400"),
        ({"require_pkce": "perhaps"}, "require_pkce must be a valid boolean"),
    ],
)
def test_members_of_applications_are_refused_with_their_path_and_the_rule(members: dict[str, Any], said: str) -> None:
    (line,) = told(applications=[application(**members)])
    assert said in line


def test_an_application_can_have_a_scope_that_is_for_applications_alone_and_a_resource_cannot() -> None:
    scopes = ScopeRegistry(DEFAULT, for_applications=("own",))
    data = data_file.parse({"applications": [application(scope="own org:read")]}, scopes)
    assert data.applications[0].scope == ("own", "org:read")
    with pytest.raises(DataFileError, match="unknown scope: own"):
        data_file.parse({"resources": [{"identifier": "https://api.example", "scopes": ["own"]}]}, scopes)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"username": "a da"}, "username cannot be: use letters, digits and marks"),
        ({"username": "ada@example.org"}, "username cannot be: leave out the @"),
        ({"email": "ada"}, "email cannot be: give an email address such as"),
        ({"sub": "a b"}, "sub must be 1 to 255 printable"),
        ({"claims": {"sub": "x"}}, "claims must not have sub"),
        ({"password": ""}, "password"),
    ],
)
def test_members_of_users_are_refused_with_their_path_and_the_rule(members: dict[str, Any], said: str) -> None:
    (line,) = told(users=[{"username": "ada", **members}])
    assert said in line


def test_nothing_that_is_said_repeats_a_secret() -> None:
    said = told(
        users=[{"username": "ada", "password": ["hunter2-secret"]}],
        applications=[application(client_secret="é-hunter2-secret", profile=3)],
    )
    assert len(said) == 3
    assert "hunter2" not in str(said)
    data = parse(
        users=[{"username": "ada", "password": "hunter2"}], applications=[application(client_secret="hunter2")]
    )
    assert "hunter2" not in f"{data!r} {data}"


def test_all_registered_metadata_of_later_versions_is_accepted() -> None:
    (entry,) = parse(
        applications=[
            application(
                scope="openid org:read",
                profile="fapi3",
                allowed_origins=["https://shop.example"],
                post_logout_redirect_uris=["https://shop.example/bye"],
                backchannel_logout_uri="https://shop.example/logout",
                id_token_signed_response_alg="ES256",
                dpop_bound_access_tokens=True,
                authorization_details_types=["payment"],
                **{"client_name#de": "Geschäft"},
            )
        ]
    ).applications
    assert entry.unmet_further() == ("profile",)
    assert entry.waiting() == ("profile",)


@pytest.mark.parametrize(("profile", "unmet"), [("oauth2.1", ()), ("legacy-implicit", ()), ("anything", ("profile",))])
def test_only_a_profile_that_could_demand_more_is_unmet(profile: str, unmet: tuple[str, ...]) -> None:
    assert parse(applications=[application(profile=profile)]).applications[0].unmet_further() == unmet


def test_tables_of_later_versions_are_checked_for_their_shape() -> None:
    data = parse(
        resources=[
            {
                "identifier": "https://api.example",
                "scopes": ["org:read"],
                "token_format": "jwt",
                "introspection_clients": ["shop"],
            }
        ]
    )
    assert data.resources[0].token_format == "jwt"
    assert told(resources=[{"scopes": ["org:fly"], "token_format": "x"}])[0].startswith(
        "resources[0].identifier is missing"
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data.toml", '[[users]]\nusername = "ada"\n'),
        ("data.json", '{"users": [{"username": "ada", "email": null}]}'),
        ("DATA.JSON", '{"users": [{"username": "ada"}]}'),
        ("data", '[[users]]\nusername = "ada"\n'),
    ],
)
def test_files_are_json_by_name_and_toml_otherwise(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert data_file.read(tmp_path / name, SCOPES).users[0].username == "ada"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.toml", b"users = ", "is not TOML"),
        ("a.json", b"{", "is not JSON"),
        ("a.json", b"[]", "must be an object"),
        ("a.json", b'{"users": "\xff"}', "is not UTF-8"),
        ("a.json", None, "cannot be read: No such file"),
    ],
)
def test_files_that_cannot_be_read_are_named_with_the_reason(
    tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataFileError, match=f"{name} {said}"):
        data_file.read(tmp_path / name, SCOPES)


def test_an_organization_is_known_by_its_slug_or_by_one_made_of_its_name() -> None:
    members = [{"user": "ada", "role": "owner"}, {"username": "bob", "role": "member"}]
    data = parse(organizations=[{"slug": "acme", "members": members, "plan": "free"}, {"name": "Salt & Barn, Ltd."}])
    acme, salt_barn = data.organizations
    assert (acme.identifier, salt_barn.identifier) == ("acme", "salt-barn-ltd")
    assert [(member.user, member.role) for member in acme.members] == [("ada", "owner"), ("bob", "member")]


@pytest.mark.parametrize(
    ("organization", "problem"),
    [
        ({"slug": "acme", "members": "ada"}, "organizations[acme].members must be a list."),
        ({"slug": "A"}, "organizations[A].slug cannot be: use 3 to 40 characters."),
        ({"slug": "admin"}, "organizations[admin].slug cannot be: choose another word: this one is reserved."),
        ({"name": "ab"}, "organizations[ab] needs a slug: the name makes none (use 3 to 40 characters)."),
        ({"members": []}, "organizations[0] needs a slug: the name makes none (choose a short name)."),
        ({"slug": "acme", "name": "a" * 65}, "organizations[acme].name cannot be: use 64 characters or fewer."),
        (
            {"slug": "acme", "members": [{"user": "ada", "role": "king"}]},
            "organizations[acme].members[0].role is no role of this server; there are: member, admin, manager, owner.",
        ),
    ],
    ids=["members", "short", "reserved", "no slug", "nothing", "long name", "role"],
)
def test_what_is_wrong_with_an_organization_is_told(organization: dict[str, Any], problem: str) -> None:
    assert told(organizations=[organization]) == [problem]


@pytest.mark.spec("standards", "F-9")
@pytest.mark.parametrize(
    ("profile", "signs"), [("fapi2", False), ("fapi2-message-signing", True)], ids=["profile", "message_signing"]
)
def test_the_profiles_of_fapi_are_held_to(profile: str, signs: bool) -> None:
    strong = {"id_token_signed_response_alg": "ES256", "authorization_signed_response_alg": "ES256"}
    keyed = {"token_endpoint_auth_method": "private_key_jwt", "jwks": key_set(key_of("fapi"))}
    (entry,) = parse(applications=[application(profile=profile, **keyed, **strong)]).applications
    assert entry.policy() == ApplicationPolicy(
        rotate_refresh_tokens=False, strict_assertions=True, fapi=True, signs_messages=signs
    )
    assert (entry.unmet_further(), entry.waiting(), entry.further()) == ((), (), {"profile": profile})


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({}, "token_endpoint_auth_method must be one of"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "id_token_signed_response_alg must be one of"),
        (
            {
                "token_endpoint_auth_method": "private_key_jwt",
                "id_token_signed_response_alg": "ES256",
                "require_pkce": False,
            },
            "require_pkce must not be false",
        ),
    ],
    ids=["method", "algorithm", "exemption"],
)
def test_what_contradicts_the_profile_of_fapi_is_refused(members: dict[str, Any], said: str) -> None:
    keys = {"jwks": key_set(key_of("fapi"))} if members else {}
    (line,) = told(applications=[application(profile="fapi2", **members, **keys)])
    assert f"contradicts itself: {said}" in line
    assert "because of the profile fapi2" in line


@pytest.mark.spec("RFC 7518", "3.2")
@pytest.mark.parametrize(
    ("secret", "algorithm", "why"),
    [
        ("only-31-characters-0123456789ab", None, "at least 32 bytes for HS256"),
        ("abcdefghij-0123456789-ABCDEFGHIJ-47-chars-long!", "HS384", "at least 48 bytes for HS384"),
        ("ababababababababababababababababababababab", None, "easy to guess"),
    ],
)
def test_a_secret_that_makes_macs_is_a_key(secret: str, algorithm: str | None, why: str) -> None:
    macing = {"token_endpoint_auth_method": "client_secret_jwt", "token_endpoint_auth_signing_alg": algorithm}
    [refused] = told(applications=[application(client_secret=secret, **macing)])
    assert why in refused
    assert secret not in refused
