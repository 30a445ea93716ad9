"""The part of an application's page where its owner says how it asks, and how it is answered."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Requests:
    """How it sends its authorization requests and reads the answers, as chosen and typed.

    `push`: it pushes them before; `sign`: it signs them, with `object_alg` or, where that is empty, whatever its keys
    are for. `sealed`: its answers are signed JWTs alone, made with `answer_alg`. `details` are the types of details
    that it may ask for, with spaces between them; none: all. What is None has no field: the server does not have it.
    `demanded` tells that its profile demands to push, `signed` to sign as well.
    """

    push: bool | None = False
    sign: bool | None = False
    object_alg: str = ""
    object_algs: tuple[str, ...] = ()
    sealed: bool | None = False
    answer_alg: str = ""
    answer_algs: tuple[str, ...] = ()
    details: str | None = ""
    demanded: bool = False
    signed: bool = False
