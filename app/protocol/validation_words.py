"""What is wrong with a document, in the words of this product instead of those of the library that has read it."""

_WORDS = (
    ("Value error, ", ""),
    ("Input should be a valid tuple", "must be a list"),
    ("Input should be", "must be"),
    ("String should have", "must have"),
    ("Tuple should have", "must have"),
    ("Field required", "is missing"),
)


def sentence(message: str) -> str:
    """Return one of Pydantic's messages in the words of this product."""
    for theirs, ours in _WORDS:
        message = message.replace(theirs, ours)
    return message
