"""What a person types to get an account, and what is wrong with it."""

from dataclasses import dataclass, field
from typing import Literal

from app.services import names
from app.services.passwords import problem_with

FieldName = Literal["username", "email", "password", "password-confirm"]

NAME_TAKEN = "Somebody has this name already; choose another"


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What the person chose on the page."""

    username: str
    email: str
    password: str = field(repr=False)
    confirmation: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Problem:
    """What to change in one field, as an instruction."""

    field: FieldName
    message: str


def problems_of(chosen: Newcomer, context: tuple[str, ...]) -> tuple[Problem, ...]:
    """Return what to change before the account can be made; `context` are words of the service (PW-4)."""
    found = (
        Problem("username", names.problem_with_username(chosen.username)),
        Problem("email", names.problem_with_email(chosen.email)),
        Problem("password", problem_with(chosen.password, (*context, chosen.username, chosen.email))),
        Problem(
            "password-confirm",
            "" if chosen.password == chosen.confirmation else "Type the same password here as above",
        ),
    )
    return tuple(problem for problem in found if problem.message)
