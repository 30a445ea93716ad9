"""The scope registry of a server: the operator's scopes, the default ones, and those of installed packages."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from app.protocol.scopes import BUILTIN, ScopeDefinition
from app.settings import SettingsError, load, plugins
from app.settings.plugins import ScopeClash

INVOICES = '[scopes."invoice:write"]\ndescription = "Edit invoices"\nset = "invoice"\nkind = "change"\n'


def test_the_scopes_table_replaces_the_default_registry_and_keeps_its_order(tmp_path: Path) -> None:
    config = tmp_path / "assent.toml"
    config.write_text(
        f'{INVOICES}[scopes."invoice:read"]\ndescription = "See"\ndetail = "All."\nset = "invoice"\noptional = true\n'
        '[scopes.all]\ndescription = "Everything"\ncovers = ["invoice:write"]\n',
        encoding="utf-8",
    )
    assert list(load(config, environment={}).scope_registry()) == [
        *BUILTIN,
        ScopeDefinition("invoice:write", "Edit invoices", kind="change", set="invoice"),
        ScopeDefinition("invoice:read", "See", "All.", set="invoice", optional=True),
        ScopeDefinition("all", "Everything", covers=("invoice:write",)),
    ]


def test_a_registry_may_be_empty_but_for_the_scopes_of_openid_connect() -> None:
    assert tuple(load(environment={"ASSENT_SCOPES": "{}"}).scope_registry()) == BUILTIN


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the module path with a distribution that brings scopes along."""
    info = tmp_path / "invoice_scopes-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: invoice-scopes\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[assent.scopes]\ninvoices = invoice_scopes:SCOPES\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "invoice_scopes", raising=False)
    return tmp_path / "invoice_scopes.py"


def test_an_installed_package_adds_its_scopes(installed: Path) -> None:
    installed.write_text(
        "from app.protocol.scopes import ScopeDefinition\nSCOPES = [ScopeDefinition('invoice:read', 'See invoices')]\n",
        encoding="utf-8",
    )
    registry = load(environment={}).scope_registry()
    assert len(registry) == len(BUILTIN) + 17
    assert registry.get("invoice:read") == ScopeDefinition("invoice:read", "See invoices")


def test_a_package_may_make_its_scopes_when_asked(installed: Path) -> None:
    installed.write_text(
        "from app.protocol.scopes import ScopeDefinition\ndef SCOPES():\n    yield ScopeDefinition('invoice:read')\n",
        encoding="utf-8",
    )
    assert "invoice:read" in load(environment={}).scope_registry()


@pytest.mark.parametrize(
    ("module", "why"),
    [
        ("SCOPES = [ScopeDefinition('org:read')]", "org:read of invoice-scopes is already defined by the settings"),
        ("SCOPES = [ScopeDefinition('openid')]", "openid of invoice-scopes is already defined by OpenID Connect"),
        ("SCOPES = ['invoice:read']", "invoice-scopes gives something that is no ScopeDefinition"),
        ("raise RuntimeError('broken')", "scopes of invoice-scopes cannot be loaded: RuntimeError"),
        ("", "scopes of invoice-scopes cannot be loaded: AttributeError"),
    ],
)
def test_a_package_that_clashes_or_is_broken_is_named(installed: Path, module: str, why: str) -> None:
    installed.write_text(f"from app.protocol.scopes import ScopeDefinition\n{module}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=f"scopes cannot be: the .*{why}"):
        load(environment={})


def test_two_packages_with_the_same_scope_clash() -> None:
    points = [
        EntryPoint(name, "tests.settings.test_scope_registry:ONE_SCOPE", plugins.GROUP) for name in ("first", "second")
    ]
    with pytest.raises(ScopeClash, match="already defined by"):
        plugins.scopes(set(), points)


ONE_SCOPE = (ScopeDefinition("one"),)
