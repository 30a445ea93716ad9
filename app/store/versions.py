"""What every store function raises whose caller has read an older version of what he changes."""


class VersionChanged(Exception):
    """It is there, but not at the version that the change was meant for; nothing was changed."""
