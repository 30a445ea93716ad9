"""The flags of `assent serve`, as the steps of a start read them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.cli.order import Tls


@dataclass(frozen=True, slots=True)
class Options:
    """The flags that are no settings. `overrides` are those that are, None where not given."""

    overrides: dict[str, Any]
    config: Path | None
    tls: Tls | None
    migrate: bool
    apply: tuple[Path, ...]
    demo: bool
    demo_port: int
    demo_mcp_port: int
    metrics_port: int | None
    durable: bool
