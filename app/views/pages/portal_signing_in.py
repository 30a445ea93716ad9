"""The part of an application's page where its owner says how it signs people in, and out."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SigningIn:
    """What is registered for OpenID Connect, as chosen and typed. `signed_out` are addresses, one per line.

    `pairwise`: it knows people by names of its own, which was decided when it was made; `sector_url` is where the list
    of its hosts stands. `algorithms` are those that this server signs with; `userinfo_algorithm` is empty where answers
    are plain JSON. The encryptions say how the key is encrypted, empty: nothing is; `encryptions` are those to choose
    from. `max_age` are seconds as typed. What is None has no field: the server does not sign people out that way.
    """

    algorithm: str
    algorithms: tuple[str, ...]
    signed_out: str | None = ""
    back_channel: str | None = ""
    front_channel: str | None = ""
    pairwise: bool = False
    sector_url: str = ""
    userinfo_algorithm: str = ""
    id_token_encryption: str = ""
    userinfo_encryption: str = ""
    encryptions: tuple[str, ...] = ()
    max_age: str = ""
