"""The generated pages of docs/reference: fresh, complete, and made from the code."""

import pytest
from typer.testing import CliRunner

from app.cli.commands import COMMANDS, main
from app.cli.reference_pages import PAGES, rendered
from app.protocol.features import Feature
from app.protocol.scopes import DEFAULT
from app.settings.sources import known_variables


def test_the_pages_in_the_repository_are_fresh() -> None:
    result = CliRunner().invoke(main, ["reference", "--check"])
    assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_that_it_is_generated_and_is_made_the_same_again(page: str) -> None:
    text = rendered()[page]
    assert text.startswith("<!-- Made by `python -m app.cli reference`")
    assert rendered()[page] == text


def test_the_pages_name_every_variable_feature_scope_and_command() -> None:
    pages = rendered()
    tables = {
        *("ASSENT_SCOPES", "ASSENT_AUTHORIZATION_DETAILS", "ASSENT_RESOURCES", "ASSENT_CLAIMS"),
        *("ASSENT_TRUSTED_ISSUERS", "ASSENT_TOKEN_EXCHANGE", "ASSENT_ASSURANCE"),
        "ASSENT_REGISTRATION__STATEMENTS",
    }
    assert all(f"`{name}`" in pages["settings.md"] for name in known_variables() if name not in tables)
    assert "`registration.statements.<name>.jwks_uri`" in pages["settings.md"]
    assert all(f"`features.{feature.key}`" in pages["settings.md"] for feature in Feature)
    assert all(f"`{scope.name}`" in pages["scopes.md"] for scope in DEFAULT)
    assert all(f"## assent {name}\n" in pages["cli.md"] for name in COMMANDS if name != "reference")
