"""Forms that come back: what is wrong with which field, and the desk page that says so."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.views.pages.account import DeskPage


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with one field of a form, as an instruction: "Give the application a shorter name"."""

    field: str
    message: str


def problem_of(problems: Iterable[Trouble], field: str) -> str:
    """Return what is wrong with a field; empty when nothing is."""
    return next((problem.message for problem in problems if problem.field == field), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPage(DeskPage):
    """A desk page with a form, which is shown again with its `problems` when something is wrong with what was sent."""

    problems: tuple[Trouble, ...] = ()

    @property
    def status(self) -> int:
        return 422 if self.problems else 200

    def problem(self, field: str) -> str:
        """Return what is wrong with a field; empty when nothing is."""
        return problem_of(self.problems, field)
