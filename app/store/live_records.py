"""Which authorization records are live, wherever a query of the pages asks for them."""

from sqlalchemy import ColumnElement, exists, literal_column, or_
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.models import Authorization

_NEVER: ColumnElement[bool] = literal_column("timestamptz 'infinity'")


def live() -> ColumnElement[bool]:
    """Return the condition of a record that is not over: the implicit one of its person and application, or one that
    stands beside it."""
    return or_(col(Authorization.revoked_at).is_(None), beside())


def has_others() -> ColumnElement[bool]:
    """Return whether person and application of a record have further live ones."""
    other = aliased(Authorization)
    return exists().where(
        col(other.user_id) == col(Authorization.user_id),
        col(other.application_id) == col(Authorization.application_id),
        col(other.id) != col(Authorization.id),
        or_(col(other.revoked_at).is_(None), col(other.revoked_at) == _NEVER),
    )


def beside() -> ColumnElement[bool]:
    """Return the condition of a record that Grant Management made beside the implicit one."""
    return col(Authorization.revoked_at) == _NEVER
