"""Reading settings: sources and their order, secrets, unknown keys, and what is said about them."""

import pickle
from datetime import timedelta
from pathlib import Path

import pytest

from app.protocol.configuration import PushLimits, SecretLimits
from app.protocol.features import Feature
from app.protocol.scopes import BUILTIN
from app.settings import Settings, SettingsError, load

SECRET = "correct-horse-battery-staple-0123456789"
DATABASE = "postgresql://assent:hunter2-very-secret@db.example/assent"


def write(text: str, name: str = "assent.toml") -> Path:
    """Write a file into the working directory."""
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    return path


def told(**environment: str) -> str:
    """Return what is said about settings that cannot be used."""
    with pytest.raises(SettingsError) as refused:
        load(environment=environment)
    return str(refused.value)


def test_without_any_source_there_are_defaults() -> None:
    settings = load(environment={})
    assert settings.issuer_url == "http://localhost:8000"
    assert settings.policy().lifetimes.access_token.total_seconds() == 3600
    assert len(settings.scope_registry()) == len(BUILTIN) + 16
    assert settings.root_secret is None


def test_environment_wins_over_the_file_and_the_command_line_over_both() -> None:
    write('port = 1111\nservice_name = "File"\nworkers = 2\n[lifetimes]\naccess_token = 60\nrefresh_grace = 1')
    environment = {"ASSENT_PORT": "2222", "ASSENT_WORKERS": "3", "ASSENT_LIFETIMES__ACCESS_TOKEN": "120"}
    settings = load(environment=environment, overrides={"port": 3333, "workers": None})
    assert (settings.port, settings.workers, settings.service_name) == (3333, 3, "File")
    assert (settings.lifetimes.access_token, settings.lifetimes.refresh_grace) == (120, 1)


def test_the_file_is_that_of_the_argument_or_of_the_variable_or_the_one_in_the_working_directory() -> None:
    write("port = 1")
    other = write("port = 2", "other.toml")
    third = write("port = 3", "third.toml")
    assert load(environment={}).port == 1
    assert load(environment={"ASSENT_CONFIG": str(other)}).port == 2
    assert load(third, environment={"ASSENT_CONFIG": str(other)}).port == 3


def test_the_process_s_own_environment_is_read_unless_another_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSENT_SERVICE_NAME", "Everyday")
    assert load().service_name == "Everyday"


def test_an_empty_variable_counts_as_absent() -> None:
    assert load(environment={"ASSENT_SECRET_KEY": "", "ASSENT_PORT": "", "ASSENT_CONFIG": ""}).secret_key is None


def test_a_secret_may_stand_in_a_file_without_its_final_line_break() -> None:
    path = write(f"{SECRET}\n", "key")
    settings = load(environment={"ASSENT_SECRET_KEY_FILE": str(path)})
    assert settings.root_secret == SECRET.encode()


def test_a_secret_in_the_environment_wins_over_the_file_of_settings() -> None:
    write('secret_key = "another-secret-that-is-long-enough-too"')
    assert load(environment={"ASSENT_SECRET_KEY": SECRET}).root_secret == SECRET.encode()


def test_a_secret_that_is_given_twice_is_refused() -> None:
    said = told(ASSENT_SECRET_KEY=SECRET, ASSENT_SECRET_KEY_FILE="key")
    assert "secret_key (ASSENT_SECRET_KEY_FILE) is given twice" in said


def test_a_secret_file_that_cannot_be_read_is_named() -> None:
    assert "names nowhere, which cannot be read" in told(ASSENT_DATABASE_URL_FILE="nowhere")


def test_neither_secrets_nor_settings_print_a_secret() -> None:
    settings = load(environment={"ASSENT_SECRET_KEY": SECRET, "ASSENT_DATABASE_URL": DATABASE})
    printed = f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"
    assert SECRET not in printed
    assert "hunter2" not in printed


def test_settings_travel_to_another_process_whole() -> None:
    settings = load(environment={"ASSENT_SECRET_KEY": SECRET, "ASSENT_ROLES__OWNER": "org:admin"})
    assert pickle.loads(pickle.dumps(settings)) == settings  # noqa: S301


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(environment={}).port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("ASSENT_ISUER", "ASSENT_ISSUER"),
        ("ASSENT_LIFETIMES_ACCESS_TOKEN", "ASSENT_LIFETIMES__ACCESS_TOKEN"),
        ("ASSENT_ISSUER__HOST", "ASSENT_ISSUER"),
        ("ASSENT_SECRET_FILE", "ASSENT_SECRET_KEY_FILE"),
        ("assent_isuer", "ASSENT_ISSUER"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest_one(name: str, near: str) -> None:
    said = told(**{name: "x"})
    assert said.startswith(f"{name.upper()} (environment) is not a setting")
    assert f"rename it to {near}," in said


def test_variables_of_others_are_left_alone() -> None:
    assert load(environment={"ASSENTING": "x", "PATH": "/bin"}) == load(environment={})


def test_an_unknown_key_is_refused_with_its_place_and_the_nearest_one() -> None:
    write("isuer = 'x'\n[lifetimes]\naces_token = 5\n[scopes.\"a:b\"]\ntitle = 'x'\n[zzz]\nx = 1")
    said = told()
    assert "isuer (assent.toml) is not a setting; rename it to issuer," in said
    assert "lifetimes.aces_token (assent.toml) is not a setting; rename it to access_token," in said
    assert "scopes.a:b.title (assent.toml) is not a setting" in said
    assert "zzz (assent.toml) is not a setting; remove it (there are: assurance, authorization_details," in said


def test_every_problem_is_told_at_once_and_by_the_place_where_it_was_written() -> None:
    write("port = 'x'\n[lifetimes]\naccess_token = 90000")
    said = told(ASSENT_LIFETIMES__REFRESH_GRACE="121", ASSENT_WORKERS="many").splitlines()
    assert sorted(said) == [
        "lifetimes.access_token (assent.toml) must be from 1 to 86400 seconds.",
        "lifetimes.refresh_grace (ASSENT_LIFETIMES__REFRESH_GRACE) must be from 0 to 120 seconds.",
        "port (assent.toml) must be a whole number.",
        "workers (ASSENT_WORKERS) must be a whole number.",
    ]


def test_a_value_from_the_command_line_is_refused_as_such() -> None:
    with pytest.raises(SettingsError, match=r"port \(command line\) must be from 0 to 65535"):
        load(environment={}, overrides={"port": 70_000})


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"ASSENT_SCOPES": "org:read"}, "scopes (ASSENT_SCOPES) must be a table"),
        ({"ASSENT_LIFETIMES": "60"}, "lifetimes (ASSENT_LIFETIMES) must be a table"),
        ({"ASSENT_LIFETIMES": "{"}, "lifetimes (ASSENT_LIFETIMES) must be a JSON object"),
        ({"ASSENT_REGISTRATION__MODE": "any"}, "mode (ASSENT_REGISTRATION__MODE) must be 'closed', 'token' or 'open'"),
        (
            {"ASSENT_FEATURES__INTROSPECTION": "maybe"},
            "features.introspection (ASSENT_FEATURES__INTROSPECTION) must be",
        ),
        ({"ASSENT_TRUSTED_PROXIES": "[1"}, "trusted_proxies (ASSENT_TRUSTED_PROXIES) must be a JSON list"),
        ({"ASSENT_SERVICE_NAME": "x" * 61}, "service_name (ASSENT_SERVICE_NAME) must have at most 60 characters"),
        ({"ASSENT_AUTHORIZATION_DETAILS__PAY": "{}"}, "authorization_details.pay.description"),
    ],
)
def test_values_of_the_wrong_kind_are_named_with_what_they_must_be(environment: dict[str, str], said: str) -> None:
    assert said in told(**environment)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"port = ", "is not TOML"), (b"\xff\xfe", "is not UTF-8"), (b"port = 1\nport = 2", "is not TOML")],
)
def test_a_file_that_is_no_settings_file_is_named_with_what_is_wrong(content: bytes, said: str) -> None:
    Path("assent.toml").write_bytes(content)
    assert f"config (assent.toml) {said}" in told()


def test_a_file_that_is_not_there_is_named_by_who_named_it() -> None:
    assert "config (ASSENT_CONFIG) names gone.toml, which is no file" in told(ASSENT_CONFIG="gone.toml")
    with pytest.raises(SettingsError, match=r"config \(--config\) names gone.toml"):
        load(Path("gone.toml"), environment={})


def test_a_file_that_may_not_be_read_is_named_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    write("port = 1")

    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)
    assert "config (assent.toml) cannot be read: Permission denied" in told()


def test_lists_in_variables_are_written_as_json_or_with_commas_or_spaces() -> None:
    for written in ('["10.0.0.0/8", "::1"]', "10.0.0.0/8,::1", "10.0.0.0/8 ::1", " 10.0.0.0/8 , ::1 "):
        assert load(environment={"ASSENT_TRUSTED_PROXIES": written}).trusted_proxies == ("10.0.0.0/8", "::1")


def test_tables_in_variables_are_written_as_json_or_key_by_key() -> None:
    whole = load(environment={"ASSENT_LIMITS": '{"first_wait": 5}', "ASSENT_LIMITS__LONGEST_WAIT": "50"})
    assert (whole.limits.first_wait, whole.limits.longest_wait) == (5, 50)


def test_limits_are_those_of_people_and_those_of_applications() -> None:
    limits = load(environment={"ASSENT_LIMITS": '{"client_failures": 20, "address_failures": 40}'}).configuration()
    assert limits.secret_limits == SecretLimits(20, 40, timedelta(minutes=10))
    assert limits.push_limits == PushLimits(300, timedelta(minutes=10))
    assert (limits.limits.address_failures, limits.limits.account_failures) == (40, 10)


@pytest.mark.spec("standards", "GT-2")
def test_the_scopes_of_grant_management_are_there_while_it_is_on_and_an_action_can_be_required_then() -> None:
    on, off = load(environment={}), load(environment={"ASSENT_FEATURES": '{"grant_management": false}'})
    assert on.scope_registry().own_affairs == {"grant_management_query", "grant_management_revoke"}
    assert not off.scope_registry().own_affairs
    assert not on.policy().require_grant_action
    required = {"ASSENT_GRANT_MANAGEMENT__REQUIRED": "true"}
    assert load(environment=required).policy().require_grant_action
    assert (
        not load(environment={**required, "ASSENT_FEATURES": '{"grant_management": false}'})
        .policy()
        .require_grant_action
    )


def test_the_scope_for_global_revocation_is_there_while_the_feature_is_on() -> None:
    assert "global_token_revocation" not in load(environment={}).scope_registry().for_applications
    on = load(environment={"ASSENT_FEATURES": '{"global_revocation": true}'})
    assert "global_token_revocation" in on.scope_registry().for_applications
    assert Feature.GLOBAL_REVOCATION in on.feature_set()
    with pytest.raises(SettingsError, match="is the server's own"):
        load(
            environment={
                "ASSENT_FEATURES": '{"global_revocation": true}',
                "ASSENT_SCOPES": '{"global_token_revocation": {"description": "Mine"}}',
            }
        )


def test_tables_of_every_kind_are_read() -> None:
    write(
        "[registration]\nmode = 'open'\n"
        "[limits]\nregistrations = 5\nfirst_wait = 5\n[lifetimes]\npersonal_token = 60\n"
        "[roles]\nowner = ['org:admin']\n"
        "[authorization_details.payment]\ndescription = 'Pay'\nschema = { type = 'object' }"
    )
    settings = load(environment={})
    assert settings.registration.mode == "open"
    assert settings.authorization_details["payment"].definition == {"type": "object"}


def test_a_server_on_another_address_than_the_loopback_one_needs_an_issuer() -> None:
    assert told(ASSENT_HOST="10.0.0.1") == (
        "issuer is required by a server that listens on 10.0.0.1; set it to that server’s https address."
    )
    settings = load(environment={"ASSENT_HOST": "10.0.0.1", "ASSENT_ISSUER": "https://auth.example"})
    assert settings.issuer_url == "https://auth.example"


def test_the_default_port_is_not_spelt_out_in_an_issuer() -> None:
    assert load(environment={"ASSENT_PORT": "80"}).issuer_url == "http://localhost"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "127.0.0.1", "::1", "localhost"])
def test_a_server_on_this_computer_is_reached_by_localhost(host: str) -> None:
    assert load(environment={"ASSENT_HOST": host}).issuer_url == "http://localhost:8000"


def test_every_setting_says_what_it_is_for() -> None:
    assert all(field.description for field in Settings.model_fields.values())
