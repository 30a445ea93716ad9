"""Settings about grants that applications manage themselves."""

from pydantic import Field

from app.settings.fields import Section


class GrantManagementSettings(Section):
    """Grants that applications begin, change, look at and end by name (Grant Management)."""

    required: bool = Field(
        False,
        description="Whether each request must say with `grant_management_action` which grant it is for. Public "
        "applications, which cannot, are shut out then.",
    )
