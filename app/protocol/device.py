"""Device authorization (RFC 8628): what user codes look like, and how they are read."""

PAGE = "/device"
"""Below the issuer: what people type into a browser. Short, and without parameters (DV-9)."""

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
"""Twenty consonants: no word comes about by chance, and nothing looks like a digit (DV-4, RFC 8628 §6.1)."""

LENGTH = 8
"""20^8 codes, 34.5 bits: short enough to be typed on a phone, and guarded by limits (DV-5)."""

LONGEST_TYPED = 64
"""Characters of what somebody typed that are looked at."""

RANDOM_BYTES = 16
"""What a user code is made of: 128 bits, of which the remainder after 20^8 is even to one part in 2^93."""

_HALF = LENGTH // 2


def user_code(random: bytes) -> str:
    """Return the user code that some random bytes stand for; the same bytes always make the same one (DV-4)."""
    number = int.from_bytes(random) % len(ALPHABET) ** LENGTH
    letters = []
    for _ in range(LENGTH):
        number, letter = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[letter])
    return "".join(letters)


def shown(code: str) -> str:
    """Return a user code as people read it: `WDJB-MJHT`."""
    return f"{code[:_HALF]}-{code[_HALF:]}"


def read_user_code(typed: str) -> str | None:
    """Return the user code that somebody typed; None when it cannot be one.

    Upper and lower case are the same, and what is not of the alphabet (dashes, spaces, vowels) counts for nothing
    (DV-4, RFC 8628 §6.1).
    """
    letters = [letter for letter in typed[:LONGEST_TYPED].upper() if letter in ALPHABET]
    return "".join(letters) if len(letters) == LENGTH else None
