"""Text from outside on its way to a terminal: an escape sequence in it must not move the operator's cursor."""


def printable(text: str, *, keep: str = "") -> str:
    """Return the text with each control, format or other invisible character spelled as an escape (ESC: `\\x1b`).

    `keep` names characters that may stay, such as the line feeds of a traceback.
    """
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character in keep
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
