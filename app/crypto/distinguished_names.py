"""Distinguished names (X.501) and their text (RFC 4514): read so that two can be compared (CA-9).

Types of attributes count by their meaning, however they are written; values letter by letter, which never takes one
name for another.
"""

import re
from collections.abc import Iterator

DistinguishedName = tuple[frozenset[tuple[str, str]], ...]
"""The most specific name first, as in text; each a set of (type as dotted numbers, value)."""

_TYPES = {
    **{"cn": "2.5.4.3", "sn": "2.5.4.4", "serialnumber": "2.5.4.5", "c": "2.5.4.6", "l": "2.5.4.7"},
    **{"st": "2.5.4.8", "s": "2.5.4.8", "street": "2.5.4.9", "o": "2.5.4.10", "ou": "2.5.4.11"},
    **{"title": "2.5.4.12", "givenname": "2.5.4.42", "dc": "0.9.2342.19200300.100.1.25"},
    **{"uid": "0.9.2342.19200300.100.1.1", "emailaddress": "1.2.840.113549.1.9.1"},
    **{"organizationidentifier": "2.5.4.97"},
}
"""Short names that authorities and their tools write (RFC 4519 and OpenSSL); all others are written as numbers."""

_NUMBERS = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")
_ESCAPED = re.compile(r'\\([0-9a-fA-F]{2}|[ "#+,;<=>\\])|([^\\"+,;<>\x00])', re.DOTALL)
_HEX = re.compile(r"#((?:[0-9a-fA-F]{2})+)")
_SEPARATOR = re.compile(r"(?<!\\)(?:\\\\)*([,+])")
_STRINGS = {0x0C: "utf-8", 0x13: "ascii", 0x16: "ascii", 0x14: "latin-1", 0x1E: "utf-16-be", 0x1C: "utf-32-be"}
"""Tags of ASN.1 strings and how their bytes are to be read."""


def parse(text: str) -> DistinguishedName:
    """Return the name that a text of RFC 4514 means; raises ValueError, half a sentence, for what is none.

    Spaces around separators are allowed, as older tools write them (RFC 2253 §4).
    """
    names: list[frozenset[tuple[str, str]]] = []
    together: list[tuple[str, str]] = []
    for part, separator in _parts(text):
        kind, equals, value = part.partition("=")
        if not equals:
            raise ValueError("has a part without =")
        together.append((_type(kind.strip(" ")), _value(_trimmed(value))))
        if separator != "+":
            names.append(frozenset(together))
            together = []
    return tuple(names)


def attribute(kind: str, value: str | bytes) -> tuple[str, str]:
    """Return one attribute of a name as it is compared."""
    return kind, value if isinstance(value, str) else f"#{value.hex()}"


def _parts(text: str) -> Iterator[tuple[str, str]]:
    """Return each attribute with the separator after it, which no backslash precedes; the last one has none."""
    begin = 0
    for found in _SEPARATOR.finditer(text):
        yield text[begin : found.start(1)], found[1]
        begin = found.end()
    yield text[begin:], ""


def _trimmed(value: str) -> str:
    """Return a value without the spaces around it; one after a backslash belongs to it."""
    trimmed = value.strip(" ")
    return f"{trimmed} " if trimmed.endswith("\\") and value.endswith(" ") else trimmed


def _type(name: str) -> str:
    if _NUMBERS.fullmatch(name):
        return name
    if name.lower() not in _TYPES:
        raise ValueError(f"has an attribute other than {', '.join(_TYPES)}; write its number instead of its name")
    return _TYPES[name.lower()]


def _value(text: str) -> str:
    if (encoded := _HEX.fullmatch(text)) is not None:
        return _asn1(bytes.fromhex(encoded[1]))
    content, begin = bytearray(), 0
    while begin < len(text):
        found = _ESCAPED.match(text, begin)
        if found is None:
            raise ValueError("has a value with a character that needs a backslash before it")
        escaped, plain = found.groups()
        content += plain.encode() if plain else bytes.fromhex(escaped) if len(escaped) == 2 else escaped.encode()
        begin = found.end()
    return content.decode("utf-8")


def _asn1(content: bytes) -> str:
    """Return the text in a short ASN.1 string (RFC 4514 §2.4: `#` and its bytes in hexadecimal)."""
    if len(content) < 2 or content[0] not in _STRINGS or content[1] != len(content) - 2:
        raise ValueError("has a value after # that is no string")
    return content[2:].decode(_STRINGS[content[0]])
