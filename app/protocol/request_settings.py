"""What an application registered about demanding requests and answers: request objects (RFC 9101), pushed requests
(RFC 9126), signed answers (JARM), details (RFC 9396), and requests to a person's phone (CIBA)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from app.protocol.openid_settings import DEFAULT_ALG

DeliveryMode = Literal["", "poll", "ping", "push"]


@dataclass(frozen=True, slots=True)
class RequestSettings:
    """The members that the protocol acts on; `stored` and `read` are inverses.

    `object_alg` is the one algorithm of its request objects, empty: any that its keys are for. `answer_alg` is that of
    the server's signed answers to it, `answer_encryption` (alg, enc), None: not encrypted. `details_types` are the
    types of details that it may ask for, empty: all. The members that begin with `ciba` are those of CIBA §4 (CB-10).
    """

    object_alg: str = ""
    object_required: bool = False
    push_required: bool = False
    request_uris: tuple[str, ...] = ()
    answer_alg: str = DEFAULT_ALG
    answer_encryption: tuple[str, str] | None = None
    details_types: tuple[str, ...] = ()
    ciba_mode: DeliveryMode = ""
    ciba_endpoint: str = ""
    ciba_alg: str = ""

    @property
    def stored(self) -> dict[str, Any]:
        """The form of the column: the members that differ from what is there without them."""
        members = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in members.items() if value != getattr(PLAIN, name)}


PLAIN = RequestSettings()


def read(stored: Mapping[str, Any]) -> RequestSettings:
    """Return the settings of their stored form; members of newer servers are passed over."""
    if not stored:
        return PLAIN
    known = {name: stored[name] for name in RequestSettings.__slots__ if name in stored}
    members: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in known.items()}
    return RequestSettings(**members)
