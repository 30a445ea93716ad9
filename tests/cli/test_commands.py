"""The operator's commands against a database: what they do, what they print, and how they fail."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from app import __version__
from app.cli.commands import COMMANDS, main
from tests.store.scene import fetch
from tests.support.assertions import key_of, key_set
from tests.support.database import FreshDatabase, command

Assent = Callable[..., Result]
PASSWORD = "violet anchor plum taxi"


@pytest.fixture
def assent(fresh_database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Assent:
    """Run a command in an empty directory, with the module's database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASSENT_DATABASE_URL", fresh_database.runtime_url)
    monkeypatch.setenv("ASSENT_DATABASE_OWNER_URL", fresh_database.owner_url)
    monkeypatch.setenv("ASSENT_SECRET_KEY", "correct-horse-battery-staple-0123456789")
    runner = CliRunner()
    return lambda *words, stdin="": runner.invoke(main, [str(word) for word in words], input=stdin)


def succeeded(result: Result) -> str:
    """Return what a command printed that went well."""
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(result: Result) -> str:
    """Return the sentence of a command that could not be done: on standard error, status 2, no traceback."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    return result.stderr.removeprefix("assent: ").strip()


def last_word(text: str) -> str:
    """Return what stands at the end."""
    return text.split()[-1]


def test_the_help_lists_every_command_for_operators(assent: Assent) -> None:
    listed = succeeded(assent("--help"))
    assert all(name in listed for name in COMMANDS if name != "reference")
    assert "reference" not in listed


def test_the_version_is_the_package_s(assent: Assent) -> None:
    assert succeeded(assent("version")) == f"assent {__version__}\n"


def test_an_unknown_command_is_refused(assent: Assent) -> None:
    result = assent("aply")
    assert result.exit_code == 2
    assert "No such command 'aply'" in result.stderr


def test_users_are_made_listed_disabled_and_enabled(assent: Assent, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{PASSWORD}\n", encoding="utf-8")
    made = succeeded(assent("user", "create", "ada", "--email", "ada@example.org", "--password-file", "password"))
    assert made == "Created user ada.\n"
    assert len(last_word(succeeded(assent("user", "create", "bob", "--operator")))) == 29
    assert "already" in refused(assent("user", "create", "ADA"))
    assert succeeded(assent("user", "disable", "ada")) == "ada is disabled.\n"
    assert succeeded(assent("user", "disable", "ada")) == "ada was disabled already.\n"
    listed = [line.split("\t")[:3] for line in succeeded(assent("user", "list")).splitlines()]
    assert listed == [["ada", "ada@example.org", "disabled"], ["bob", "-", "active operator"]]
    assert succeeded(assent("user", "enable", "ada")) == "ada may sign in.\n"
    assert succeeded(assent("user", "enable", "ada")) == "ada was active already.\n"


@pytest.mark.spec("standards", "GT-3")
def test_everything_that_somebody_has_is_ended_and_he_stays(assent: Assent, fresh_database: FreshDatabase) -> None:
    succeeded(assent("user", "create", "fern"))
    ended = "Every session and token of fern is dead.\n"
    assert succeeded(assent("user", "revoke-tokens", "Fern")) == ended.replace("fern", "Fern")
    assert succeeded(assent("user", "revoke-tokens", "fern")) == ended

    async def told() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(fresh_database.owner_url)
        try:
            found = await connection.fetch(
                "select u.epoch, u.disabled_at is null, a.actor_kind, a.actor_id from user_account u"
                " join audit a on a.user_id = u.id and a.event = 'user.tokens_revoked' where u.username = 'fern'"
            )
            return [tuple(row) for row in found]
        finally:
            await connection.close()

    assert asyncio.run(told()) == [(2, True, "operator", "user revoke-tokens")] * 2
    assert "Nobody has the username eve" in refused(assent("user", "revoke-tokens", "eve"))


def test_passwords_are_replaced_from_standard_input_or_generated(assent: Assent) -> None:
    succeeded(assent("user", "create", "carol"))
    replaced = succeeded(assent("user", "set-password", "carol", "--password-file", "-", stdin=f"{PASSWORD}\n"))
    assert replaced == "The password of carol is replaced.\n"
    assert len(last_word(succeeded(assent("user", "set-password", "carol")))) == 29
    thrown_out = succeeded(assent("user", "set-password", "carol", "--end-sessions"))
    assert thrown_out.startswith("The password of carol is replaced. Every browser is signed out.\n")
    assert "15 characters" in refused(assent("user", "set-password", "carol", "--password-file", "-", stdin="short\n"))
    assert refused(assent("user", "set-password", "gone")).startswith("Nobody has the username gone")
    assert "gone.txt cannot be read" in assent("user", "set-password", "carol", "--password-file", "gone.txt").stderr


def test_applications_are_registered_shown_and_listed(assent: Assent) -> None:
    made = succeeded(
        assent(
            *("application", "create", "--name", "Shop", "--client-id", "shop"),
            *("--redirect-uri", "https://shop.example/cb", "--redirect-uri", "https://shop.example/other"),
            *("--scope", "org:read", "--scope", "team:read", "--no-require-pkce", "--allow-implicit"),
            *("--post-logout-redirect-uri", "https://shop.example/bye", "--pairwise"),
            *("--backchannel-logout-uri", "https://shop.example/back"),
        )
    )
    secret = last_word(made)
    assert secret.startswith("ascs_")
    shown = succeeded(assent("application", "show", "shop"))
    assert secret not in shown
    found = json.loads(shown)
    assert (found["client_id"], found["client_name"], found["kind"], found["status"]) == (
        "shop",
        "Shop",
        "web",
        "active",
    )
    assert found["redirect_uris"] == ["https://shop.example/cb", "https://shop.example/other"]
    assert found["grant_types"] == ["authorization_code", "refresh_token"]
    assert (found["scope"], found["require_pkce"], found["secrets"]) == ("org:read team:read", False, 1)
    assert found["allow_implicit"] is True
    assert (found["id_token_signed_response_alg"], found["subject_type"]) == ("ES256", "pairwise")
    assert found["sector"] == "shop.example"
    assert found["post_logout_redirect_uris"] == ["https://shop.example/bye"]
    assert found["backchannel_logout_uri"] == "https://shop.example/back"
    assert "shop\tShop\tweb\tactive" in succeeded(assent("application", "list")).splitlines()


@pytest.mark.parametrize(
    ("client_id", "checked", "told"),
    [
        ("stranger", False, "registered itself"),
        ("friend", True, "registered itself, checked"),
        ("https://app.example/client.json", False, "known by its document"),
    ],
    ids=["registered", "checked", "document"],
)
def test_applications_that_introduced_themselves_are_told_from_others(
    assent: Assent, fresh_database: FreshDatabase, client_id: str, checked: bool, told: str
) -> None:
    made = ("application", "create", "--name", "Shop", "--client-id", client_id, "--redirect-uri", "http://[::1]/cb")
    succeeded(assent(*made, "--public"))
    introduce = "update application set self_registered = true, verified = $2 where client_id = $1"
    asyncio.run(fetch(fresh_database.owner_url, introduce, client_id, checked))
    assert f"{client_id}\tShop\tnative\tactive\t{told}" in succeeded(assent("application", "list")).splitlines()
    shown = json.loads(succeeded(assent("application", "show", client_id)))
    assert (shown["self_registered"], shown["checked"]) == (True, checked)


def test_a_public_application_has_no_secret_and_an_owner_if_one_is_named(assent: Assent) -> None:
    succeeded(assent("user", "create", "dora"))
    made = succeeded(
        assent(
            *("application", "create", "--public", "--redirect-uri", "com.example.app:/cb", "--owner", "dora"),
            *("--grant-type", "authorization_code", "--grant-type", "implicit", "--response-type", "id_token code"),
        )
    )
    assert "client_secret" not in made
    found = json.loads(succeeded(assent("application", "show", last_word(made))))
    assert (found["owner"], found["kind"], found["secrets"]) == ("dora", "native", 0)
    assert found["response_types"] == ["code id_token"]
    assert "its token_endpoint_auth_method is none" in refused(assent("application", "rotate-secret", last_word(made)))


def test_a_machine_is_registered_for_tokens_of_its_own_and_not_without_a_secret(assent: Assent) -> None:
    words = ("--name", "Sweeper", "--grant-type", "client_credentials", "--scope", "org:read")
    made = succeeded(assent("application", "create", "--client-id", "sweeper", *words))
    assert "client_secret, shown only now: ascs_" in made
    found = json.loads(succeeded(assent("application", "show", "sweeper")))
    assert (found["kind"], found["grant_types"], found["scope"]) == ("machine", ["client_credentials"], "org:read")
    assert "sweeper\tSweeper\tmachine\tactive" in succeeded(assent("application", "list")).splitlines()
    said = refused(assent("application", "create", "--public", *words))
    assert said.startswith("the application: grant_types has client_credentials")
    said = refused(assent("application", "create", "--id-token-alg", "HS256", *words))
    assert said.startswith("the application: id_token_signed_response_alg is HS256")


def test_the_list_of_a_sector_is_looked_at_before_the_application_is_there(assent: Assent) -> None:
    words = ("--redirect-uri", "https://a.example/cb", "--pairwise", "--client-id", "sectored")
    nowhere = "https://127.0.0.1:1/uris.json"
    said = refused(assent("application", "create", *words, "--sector-identifier-uri", nowhere))
    assert said.startswith("the application has a sector_identifier_uri that ")
    assert "sectored" not in succeeded(assent("application", "list"))


def test_an_application_that_this_version_does_not_serve_is_listed_as_refused(assent: Assent, tmp_path: Path) -> None:
    members = {"client_id": "api", "client_name": "Api", "grant_types": [], "profile": "of-the-future"}
    (tmp_path / "data.json").write_text(json.dumps({"applications": [members]}))
    assert "api: profile" in succeeded(assent("apply", "data.json"))
    assert "api\tApi\tmachine\trefused" in succeeded(assent("application", "list")).splitlines()


def test_applications_are_registered_with_keys_and_names_of_certificates(assent: Assent, tmp_path: Path) -> None:
    keys = key_set(key_of("cli"))
    (tmp_path / "keys.json").write_text(json.dumps(keys))
    create = ("application", "create", "--grant-type", "client_credentials")
    words = ("--client-id", "keyed", "--auth-method", "private_key_jwt", "--signing-alg", "ES256", "--dpop")
    assert "client_secret" not in succeeded(assent(*create, *words, "--jwks", "keys.json"))
    found = json.loads(succeeded(assent("application", "show", "keyed")))
    assert (found["jwks"], found["token_endpoint_auth_signing_alg"]) == (keys, "ES256")
    assert found["dpop_bound"] is True
    certified = ("--client-id", "certified", "--auth-method", "tls_client_auth", "--tls-subject", "san_dns=a.example")
    succeeded(assent(*create, *certified))
    assert json.loads(succeeded(assent("application", "show", "certified")))["tls_client_auth_san_dns"] == "a.example"
    published = ("--client-id", "far", "--auth-method", "private_key_jwt", "--jwks-uri", "https://a.example/jwks")
    succeeded(assent(*create, *published))
    assert "keys.toml cannot be read as JSON" in assent(*create, "--jwks", "keys.toml").stderr
    assert "begin with one of subject_dn" in assent(*create, "--tls-subject", "dn=CN=a").stderr
    assert "needs jwks or jwks_uri" in refused(assent(*create, "--auth-method", "private_key_jwt"))


def test_an_application_is_held_to_a_profile_from_the_beginning(assent: Assent, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(json.dumps(key_set(key_of("bank"))))
    create = ("application", "create", "--redirect-uri", "https://bank.example/cb", "--client-id", "bank")
    keyed = ("--auth-method", "private_key_jwt", "--jwks", "keys.json")
    held = ("--profile", "fapi2-message-signing")
    assert "must be one of oauth2.1, fapi2, " in assent(*create, "--profile", "fapi3").stderr
    assert "token_endpoint_auth_method must be one of" in refused(assent(*create, *held))
    assert "authorization_signed_response_alg must be one of" in refused(assent(*create, *keyed, *held))
    succeeded(assent(*create, *keyed, *held, "--answer-alg", "ES256", "--response-mode", "jwt", "--push"))
    found = json.loads(succeeded(assent("application", "show", "bank")))
    assert found["profile"] == "fapi2-message-signing"
    assert (found["fapi"], found["signs_messages"], found["dpop_bound"]) == (True, True, True)
    assert (found["response_modes"], found["require_pushed_authorization_requests"]) == (["jwt"], True)
    assert "bank may ask for every scope" in assent("doctor").stdout


def test_the_secret_of_one_that_makes_macs_is_sealed_with_the_root_secret(assent: Assent) -> None:
    words = ("--client-id", "macing", "--auth-method", "client_secret_jwt", "--grant-type", "client_credentials")
    first = last_word(succeeded(assent("application", "create", *words)))
    second = last_word(succeeded(assent("application", "rotate-secret", "macing", "--keep-old")))
    assert first != second
    shown = succeeded(assent("application", "show", "macing"))
    assert json.loads(shown)["secrets"] == 2
    assert first not in shown
    assert "sealed" not in shown


def test_secrets_are_rotated_and_applications_switched_off_and_on(assent: Assent) -> None:
    words = ("--client-id", "board", "--name", "Board", "--redirect-uri", "https://b.example/cb")
    made = succeeded(assent("application", "create", *words))
    rotated = succeeded(assent("application", "rotate-secret", "board"))
    assert last_word(rotated) != last_word(made)
    assert last_word(succeeded(assent("application", "rotate-secret", "board", "--keep-old"))) != last_word(rotated)
    assert json.loads(succeeded(assent("application", "show", "board")))["secrets"] == 2
    retired = succeeded(assent("application", "retire-secret", "board"))
    assert retired == f"The secret …{last_word(rotated)[-4:]} is worth nothing now.\n"
    assert json.loads(succeeded(assent("application", "show", "board")))["secrets"] == 1
    assert succeeded(assent("application", "disable", "board")) == "board is disabled.\n"
    assert succeeded(assent("application", "disable", "board")) == "board was not active.\n"
    assert "board\tBoard\tweb\tdisabled" in succeeded(assent("application", "list")).splitlines()
    assert json.loads(succeeded(assent("application", "show", "board")))["status"] == "disabled"
    assert succeeded(assent("application", "enable", "board")) == "board is active.\n"
    assert succeeded(assent("application", "enable", "board")) == "board was not disabled.\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--redirect-uri", "http://shop.example/cb"), "redirect_uris[0] must use https"),
        (("--redirect-uri", "https://s.example/cb", "--scope", "org:fly"), "scope unknown scope: org:fly"),
        (
            ("--redirect-uri", "https://s.example/cb", "--public", "--no-require-pkce"),
            "the application is public, so require",
        ),
        (("--redirect-uri", "https://s.example/cb", "--owner", "gone"), "Nobody has the username gone"),
        (("--grant-type", "authorization_code"), "the application: redirect_uris is missing"),
        (("--client-id", "taken", "--redirect-uri", "https://s.example/cb"), "Another application has this client_id"),
    ],
)
def test_applications_that_cannot_be_are_refused_with_a_sentence(
    assent: Assent, words: tuple[str, ...], said: str
) -> None:
    if "taken" in words:
        succeeded(assent("application", "create", *words))
    assert refused(assent("application", "create", *words)).startswith(said)


@pytest.mark.parametrize("command", ["show", "rotate-secret", "disable", "enable"])
def test_an_application_that_does_not_exist_is_named(assent: Assent, command: str) -> None:
    assert refused(assent("application", command, "gone")) == "no application has the client_id gone"


def test_a_data_file_is_compared_applied_and_then_unchanged(assent: Assent, tmp_path: Path) -> None:
    (tmp_path / "data.toml").write_text(
        '[[users]]\nusername = "eve"\n[[applications]]\nclient_id = "news"\nowner = "eve"\n'
        'redirect_uris = ["https://news.example/cb"]\nclient_secret = "weak"\n'
        'grant_types = ["authorization_code", "password"]\n',
        encoding="utf-8",
    )
    planned = succeeded(assent("apply", "data.toml", "--dry-run")).splitlines()
    assert planned[:3] == ["+ user eve", "+ application news", "2 new, 0 changed, 0 unchanged, nothing written."]
    assert "Generated, shown only now:" not in planned
    assert refused(assent("application", "show", "news"))
    applied = succeeded(assent("apply", "data.toml")).splitlines()
    assert applied[:-1] == [
        *("+ user eve", "+ application news", "2 new, 0 changed, 0 unchanged."),
        *("Not in effect in this version:", "    application news: grant_types password"),
        *("Weak, replace it:", "    application news: client_secret", "Generated, shown only now:"),
    ]
    assert applied[-1].startswith("    user eve password ")
    again = succeeded(assent("apply", "data.toml")).splitlines()
    assert again[:3] == ["= user eve", "= application news", "0 new, 0 changed, 2 unchanged."]


def test_a_data_file_with_mistakes_is_refused_with_all_of_them(assent: Assent, tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text('{"users": [{"username": "a b"}, {"name": "fay"}]}', encoding="utf-8")
    said = refused(assent("apply", "data.json")).splitlines()
    assert [line.split()[0] for line in said] == ["users[a", "users[fay].username", "users[fay].name"]
    assert "cannot be read" in refused(assent("apply", "gone.json"))


def test_migrations_that_are_applied_are_not_pending(assent: Assent) -> None:
    assert succeeded(assent("migrate", "--plan")) == "The schema is up to date.\n"
    assert succeeded(assent("migrate")) == "The schema is up to date.\n"


def test_a_role_that_does_not_own_the_schema_may_not_migrate(
    assent: Assent, fresh_database: FreshDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSENT_DATABASE_OWNER_URL", fresh_database.runtime_url)
    assert "name the role that owns it in ASSENT_DATABASE_OWNER_URL" in assent("migrate").stderr


def test_migrate_gives_the_role_of_the_settings_its_rights(
    assent: Assent, fresh_database: FreshDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = f"of_{fresh_database.name}"
    asyncio.run(command(fresh_database.cluster, f"create role {role} login"))
    monkeypatch.setenv("ASSENT_DATABASE_URL", fresh_database.cluster.url(role, fresh_database.name))
    assert "run `assent migrate` with the owner's role" in assent("user", "list").stderr
    succeeded(assent("migrate"))
    succeeded(assent("user", "list"))


def test_settings_that_cannot_be_used_are_told_in_sentences(assent: Assent, tmp_path: Path) -> None:
    (tmp_path / "assent.toml").write_text("prot = 1\n", encoding="utf-8")
    assert refused(assent("user", "list")).startswith("prot (assent.toml) is not a setting; rename it to port")
    (tmp_path / "good.toml").write_text("port = 1\n", encoding="utf-8")
    succeeded(assent("user", "list", "--config", "good.toml"))


def test_a_database_that_is_away_is_told_without_its_password(assent: Assent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSENT_DATABASE_URL", "postgresql://assent:hunter2@127.0.0.1:1/assent")
    monkeypatch.setenv("ASSENT_DATABASE_OWNER_URL", "postgresql://assent:hunter2@127.0.0.1:1/assent")
    for words in (("user", "list"), ("migrate",), ("migrate", "--plan")):
        said = refused(assent(*words))
        assert said.startswith("The database does not let us in: ")
        assert "hunter2" not in said
