"""The operator's commands for the keys that the server signs with."""

from collections.abc import Callable, Iterator

import pytest
from typer.testing import CliRunner, Result

from app.cli.commands import main
from tests.support.database import FreshDatabase

Assent = Callable[..., Result]


@pytest.fixture(scope="module")
def assent(fresh_database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assent]:
    """Run a command in an empty directory, with the module's database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("commands"))
        patch.setenv("ASSENT_DATABASE_URL", fresh_database.runtime_url)
        patch.setenv("ASSENT_DATABASE_OWNER_URL", fresh_database.owner_url)
        patch.setenv("ASSENT_SECRET_KEY", "correct-horse-battery-staple-0123456789")
        patch.setenv("ASSENT_SIGNING__ALGORITHMS", "EdDSA RS256")
        runner = CliRunner()

        def run(*words: str) -> Result:
            return runner.invoke(main, [str(word) for word in words])

        yield run


def _said(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


def _listed(assent: Assent) -> dict[str, tuple[str, str]]:
    """Return algorithm and state by key id."""
    lines = (line.split("\t") for line in _said(assent("keys", "list")).splitlines())
    return {kid: (alg, state) for kid, alg, state in lines}


def test_the_keys_are_made_listed_and_retired(assent: Assent) -> None:
    assert _listed(assent) == {}

    made = _said(assent("keys", "rotate"))
    assert made.count("Made ") == 2
    assert _said(assent("keys", "rotate")) == "Nothing is due.\n"

    keys = _listed(assent)
    assert sorted(alg for alg, _ in keys.values()) == ["EdDSA", "RS256"]
    assert all(state.startswith("signs since 20") for _, state in keys.values())

    [old] = [kid for kid, (alg, _) in keys.items() if alg == "EdDSA"]
    retired = _said(assent("keys", "retire", old))
    assert retired.startswith(f"Retired {old}.")
    assert retired.endswith(" signs from now on.\n")

    after = _listed(assent)
    assert after[old][1].startswith("retired 20")
    assert len([kid for kid, (alg, state) in after.items() if alg == "EdDSA" and state.startswith("signs")]) == 1

    for said, words in (("retired before", ("retire", old)), ("no such signing key", ("retire", "-nothing"))):
        refused = assent("keys", *words)
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert said in refused.stderr


def test_an_announced_key_and_one_that_runs_out_are_told_apart(assent: Assent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSENT_SIGNING__ALGORITHMS", "ES256 RS256")
    monkeypatch.setenv("ASSENT_SIGNING__ROTATION", "3600")
    monkeypatch.setenv("ASSENT_SIGNING__ANNOUNCE", "1800")
    _said(assent("keys", "rotate"))

    states = {alg: state for alg, state in _listed(assent).values() if not state.startswith("retired")}
    assert states["ES256"].startswith("signs from")
    assert states["RS256"].startswith("signs since")
    assert states["EdDSA"].startswith("published until")


def test_who_does_not_want_to_wait_announces_the_next_keys_now(assent: Assent) -> None:
    made = _said(assent("keys", "rotate", "--now"))
    assert made.count(" signs from ") == 2
    assert _said(assent("keys", "rotate", "--now")) == "Nothing is due.\n"


def test_whoever_looks_for_them_under_another_name_finds_them(assent: Assent) -> None:
    for words, other in (("key", "`assent keys`"), ("keys", "`assent key`")):
        assert other in " ".join(_said(assent(words, "--help")).split())
    for command in ("rotate", "retire"):
        assert f"`assent keys {command}`" in assent("key", command).output
    announced = [kid for kid, (_, state) in _listed(assent).items() if state.startswith("signs from")]
    assert _said(assent("keys", "revoke", announced[0])).startswith(f"Retired {announced[0]}.")


def test_another_root_secret_is_refused(assent: Assent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSENT_SECRET_KEY", "quite-another-root-secret-0123456789abcdef")

    refused = assent("keys", "rotate")

    assert refused.exit_code == 2
    assert "root secret" in refused.stderr
