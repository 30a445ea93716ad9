"""What comes out the same for all servers of a test process, and is worked out once in it instead of once per test:
the code of templates, whether a password belongs to a hash, and which plug-ins are installed.

A server does each of these once, or rarely. Thousands of tests with servers of their own spent a fifth of their time on
it. What is asked for is still done by the product; the answer is kept under all that it depends on.
"""

import sys
from functools import cache
from importlib.metadata import EntryPoints, entry_points
from types import CodeType

from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket

from app.crypto.passwords import verify_password
from app.services import passwords
from app.settings import plugins
from app.views import render


class _Compiled(BytecodeCache):
    """The code of templates by what they are called and what stands in them."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give out what is known; without code the template is compiled."""
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled."""
        assert bucket.code is not None
        self._code[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _Compiled()


class _Environment(Environment):
    """Jinja as the pages have it, with that memory."""

    def __init__(self, **options: object) -> None:
        super().__init__(bytecode_cache=_COMPILED, **options)  # type: ignore[arg-type]


@cache
def _installed(_path: tuple[str, ...], group: str) -> EntryPoints:
    return entry_points(group=group)


def _entry_points(*, group: str) -> EntryPoints:
    return _installed(tuple(sys.path), group)


def remember() -> None:
    """Have every server of this process take part."""
    vars(render)["Environment"] = _Environment
    vars(passwords)["verify_password"] = cache(verify_password)
    vars(plugins)["entry_points"] = _entry_points
