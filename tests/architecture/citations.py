"""Which files of the product cite a line of the specifications: their docstrings and comments, read word by word.

`(DP-6)`, `RF-1, RF-2`, `DR-5 to DR-9`, `G3`, `AR-17 (h)`, `A1.2 step 6` and `A1.3 state` are citations.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

from tests.architecture.repository import Module, modules, text
from tests.architecture.spec_lines import LINES

FAMILIES = sorted({found[0] for line in LINES if (found := re.match(r"[A-Z]+1?(?=-\d)", line))})
"""The beginnings of ids that have a number behind a hyphen, as `DP`."""

_ID = rf"(?P<family>{'|'.join(FAMILIES)})-(?P<number>\d\d?)(?P<case> \([a-h]\))?"
_CITED = re.compile(
    rf"(?<![\w.-])(?:{_ID}(?![\w-])(?:(?: to |–)(?P=family)-(?P<last>\d\d?)(?![\w-]))?"
    r"|(?P<everywhere>G\d)(?![\w-])"
    r"|A1\.2 (?:\((?P<step>\d)\)|steps? (?P<steps>\d(?:, \d)*))"
    r"|(?P<parameter>A1\.3 [a-z]\w+)|(?P<errors>A1\.10)(?!\w))"
)


METADATA = (
    "app.protocol.grant_management",
    "app.protocol.metadata",
    "app.protocol.openid_metadata",
    "app.protocol.request_metadata",
)
"""Where members of the metadata are named."""


def rule_files() -> dict[str, list[str]]:
    """Return, by what is cited, the files of the product that cite it; members of the metadata by their names."""
    found: dict[str, set[str]] = {}
    for module in modules("app"):
        cited = {line for remark in _remarks(module) for line in citations(remark)}
        if module.is_in(*METADATA):
            cited |= {f"A7.1 {name}" for name in _strings(module)} & LINES.keys()
        for line in cited:
            found.setdefault(line, set()).add(module.path)
    return {line: sorted(paths) for line, paths in found.items()}


def citations(remark: str) -> Iterator[str]:
    """Yield the ids that a docstring or comment cites, whether or not there are such lines."""
    for found in _CITED.finditer(remark):
        if found["family"]:
            first, last = int(found["number"]), int(found["last"] or found["number"])
            yield from (f"{found['family']}-{number}{found['case'] or ''}" for number in range(first, last + 1))
        elif found["everywhere"] or found["parameter"] or found["errors"]:
            yield found["everywhere"] or found["parameter"] or found["errors"]
        else:
            yield from (f"A1.2 ({step})" for step in (found["step"] or found["steps"]).split(", "))


def _remarks(module: Module) -> Iterator[str]:
    """Yield docstrings, strings that stand for themselves, and comments; neighbouring comment lines as one."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield " ".join(node.value.value.split())
    source = text(module.path)
    if "#" in source:
        tokens = tokenize.generate_tokens(io.StringIO(source).readline)
        yield " ".join(token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT)


def _strings(module: Module) -> set[str]:
    return {
        node.value for node in ast.walk(module.tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
