"""Names that people give to what is theirs: applications, organizations, API keys, personal tokens, and themselves."""

MAX_NAME_LENGTH = 64
"""Characters: the one limit of what a form takes, a page shows and an import keeps (original behaviour, BUG 19)."""


def is_vouched_for(*, verified: bool, self_registered: bool, owner_name: str) -> bool:
    """Tell whether somebody here answers for an application's name: it is the operator's, or he has checked it."""
    return verified or not (self_registered or owner_name)
