"""What a name looks like to people: two names with one skeleton can be taken for each other (DR-13).

After "Confusable Detection" of UTS #39 §4, cut to what names of applications need.

- The table has the characters that look like letters and digits of ASCII: names that people know are written with
  these, and so is most of what is passed off as them. The whole of the Unicode table is a megabyte of signs that no
  name here is compared with (joined Chinese radicals, cuneiform, Arabic ligatures).
- Upper and lower case are one, so `I`, `l` and `1` are, and `rn` and `m`: a reader takes one for another in any font.
- Signs, spaces and what is drawn above or below a letter make no other name: "Git-Hub ✓" is taken for "GitHub".
- What stands for a letter within a word is that letter: "Rele4$e" is read as "Release", but "Team 5" not as "Teams".
"""

# ruff: noqa: RUF001 -- the look-alikes are the point

import re
import unicodedata
from string import ascii_lowercase

from app.protocol.names import INVISIBLE

_LOOKS_LIKE = {
    "2": "ƧϨᒿꙄꛯꝚ",
    "3": "ƷȜЗӠⳌꝪꞫ𑣊𖼻",
    "4": "Ꮞ𑢯",
    "5": "Ƽ𑢻",
    "6": "бᏮⳒ𑣕",
    "7": "𐓒𑣆",
    "8": "Ȣȣ৪੪ଃ𐌚",
    "9": "৭੧୨൭ⳊꝮ𑢬𑣌𑣖",
    "a": "ɑΑαАаᎪᗅ⍺ꓮᴀ𐊠𖽀",
    "aa": "Ꜳꜳ",
    "ae": "ÆæӔӕ",
    "ao": "Ꜵꜵ",
    "au": "Ꜷꜷ",
    "av": "ꜸꜹꜺꜻ",
    "ay": "Ꜽꜽ",
    "b": "ƄΒВЬᏏᏴᑲᖯᗷꓐꞴʙβ𐊂𐊡𐌁ᒈ",
    "bl": "Ы",
    "c": "ΣςСсᏟᴄⲤⲥꓚꮯ𐊢𐌂𐐕𐔜𑣩𑣲𐐽",
    "d": "ԁᎠᏧᑯᗞᗪꓒꓓᴅᒇ",
    "dz": "ʣ",
    "e": "ΕЕеҽᎬ℮⋿ⴹꓰꬲᴇ𐊆𑢦𑢮ЄєɛƐǝƎəƏ",
    "f": "ϜքᖴẝꓝꞘꞙꬵꜰ𐊇𐊥𐔥𑢢𑣂ғҒ",
    "g": "ƍɡԌցᏀᏳᶃꓖɢ",
    "h": "ΗНһհᎻᏂᕼⲎꓧʜ𐋏",
    "j": "ͿϳЈјᎫᒍꓙꞲᴊ",
    "k": "ΚКᏦᛕⲔꓗᴋ𐔘",
    "l": "ıƖǀɩɪΙιІіӀӏ\u05d5\u05df\u0627\u0661۱\u07caᎥᏞᒪᛁ∣⍳⏽│ⲒⳐⵏꓡꓲꙇꭵʟ𑣃𐊊𐌉𐌠𖼨𐐛𐔦𑢣𑢲𖼖",
    "ll": "ǁ\u05f0∥",
    "lo": "Ю",
    "ls": "ʪ",
    "lz": "ʫ",
    "m": "ΜϺМᎷᗰᛖⲘꓟᴍ𐊰𐌑𑜀𑣣",
    "n": "ΝոռⲚꓠɴ𐔓ŋŊИиᴎ",
    "o": "ΟοσОоՕօ\u05e1\u0647\u0665\u06be\u06c1\u06d5۵\u07c0०০੦૦ଠ୦௦౦೦ഠ൦๐໐ဝ၀ჿዐᴏᴑⲞⲟⵔ〇ꓳꬽంಂംං𐊒𐊫𐐄𐓂𐔖𑓐𑢵𑣠𐐬𐓪𑣈𑣗ɵƟөӨѳѲᎤ",
    "oe": "Œœ",
    "oo": "∞ꚘꚙꝎꝏ",
    "p": "ΡρРрᏢᑭ⍴Ⲣⲣꓑᴘ𐊕ᒆ",
    "q": "ԛգզⵕ",
    "r": "ƦгᎡᏒᖇᴦⲅꓣꭇꭈꮁ𐒴𖼵ЯяᴙґҐ",
    "s": "ƽЅѕՏᏕᏚꓢꜱꮪ𐊖𐐠𖼺𐑈𑣁",
    "t": "ΤТᎢ⊤⟙Ⲧꓔᴛ𐊗𐊱𐌕𑢼𖼊",
    "t3": "Ꜩ",
    "tf": "ꝷ",
    "ts": "ʦ",
    "u": "ʋυՍսሀᑌᴜ∪⋃ꓴꞟꭎꭒ𐓎𑢸𖽂𐓶𑣘ᑧ",
    "ue": "ᵫ",
    "uo": "ꭣ",
    "v": "νѴѵ\u05d8\u0667۷Ꮩᐯᴠ∨⋁ⴸꓦꛟꮩ𐔝𑢠𖼈𑜆𑣀",
    "w": "ɯѡԜԝաᎳᏔᴡꓪꮃ𑣦𑣯𑜊𑜎𑜏",
    "x": "×ΧХхᕁᕽ᙭ᚷ╳⤫⤬⨯ⲬⵝꓫꞳ𐊐𐊴𐌗𐌢𐔧𑣬",
    "y": "ɣʏΥγУуҮүყᎩᎽᶌỿⲨꓬꭚ𐊲𑢤𖽃𑣜",
    "z": "ΖᏃᴢꓜꮓ𐋵𑢩𑣥𑣄",
}
"""By what it looks like: the characters of `confusables.txt` (Unicode 15.1) that normalization leaves as they are, and
the small capitals."""

_LATIN = re.compile(r"LATIN (?:SMALL|CAPITAL) LETTER ([A-Z]) WITH .+")
_LATIN_BLOCKS = (range(0xC0, 0x2B0), range(0x1D00, 0x1F00), range(0x2C60, 0x2C80), range(0xA720, 0xA800))
"""Where letters stand that have a hook, a stroke or a tail of their own; their names tell of which letter."""

_BADGES = (0x1F150, 0x1F170, 0x1F1E6)
"""Where the letters from A to Z begin in dark rings, in dark boxes, and as halves of flags."""

_RUNS = {"rn": "m", "vv": "w"}
"""What looks like one letter once it stands together."""

_ON_LETTERS = (
    (0x0300, 0x036F),
    (0x0483, 0x0489),
    (0x180B, 0x180F),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF),
    (0xA66F, 0xA67D),
    (0xFE00, 0xFE0F),
    (0xFE20, 0xFE2F),
    (0xE0100, 0xE01EF),
)
"""Blocks of marks that go onto signs of any script, or choose how they are drawn. Other scripts spell with marks."""

_LIKE_SIGNS = frozenset(
    "\u01c3\u0242\u0294\u0660\u06f0\u097d\u144a\u16cc\u2cbb\u2cc7\u2d51\u30ce\u4e00\u4e28\u4e36\u4e3f\ua78b\ua78c"
)
"""Letters and digits that look like dots, strokes and marks of punctuation, where others than their own are around."""

_STAND_INS = str.maketrans("34578$€@", "eastbsea")
_STANDS_IN = re.compile(r"[34578](?=[\w$€])|(?<=\w)@(?=\w)|[$€](?=[\w$€@])")
"""What is read as a letter where more of the word follows. A word in front of which `@` stands is read without it."""

_NOTHING = "-"


def _translation() -> dict[int, str]:
    """Return what each character becomes. A small letter is what the table says of it, else what it says of the
    capital."""
    by_character = {ord(character): seen for seen, characters in _LOOKS_LIKE.items() for character in characters}
    of_capitals = {ord(chr(code).lower()): seen for code, seen in by_character.items() if len(chr(code).lower()) == 1}
    named = ((code, _LATIN.fullmatch(unicodedata.name(chr(code), ""))) for block in _LATIN_BLOCKS for code in block)
    of_letters = {code: name[1].lower() for code, name in named if name}
    badges = {first + place: letter for first in _BADGES for place, letter in enumerate(ascii_lowercase)}
    ascii_ = {ord(character): "l" for character in "1Ii|"} | {ord("0"): "o"}
    return of_letters | badges | of_capitals | by_character | ascii_


_TRANSLATION = _translation()


def skeleton(name: str) -> str:
    """Return what a name looks like; never empty. It is for comparison alone.

    The database keeps it: whoever changes the rules empties the column by a migration, and the job makes it anew.
    """
    plain = [one for one in unicodedata.normalize("NFKD", name) if not _is_unseen(one)]
    seen = unicodedata.normalize("NFKD", "".join(plain).translate(_TRANSLATION).casefold()).translate(_TRANSLATION)
    letters = _letters(_STANDS_IN.sub(lambda one: one[0].translate(_STAND_INS), seen))
    for run, letter in _RUNS.items():
        letters = letters.replace(run, letter)
    return letters or "".join(one for one in seen if one.isprintable() and not one.isspace()) or _NOTHING


def says_nothing(made: str) -> bool:
    """Whether a skeleton is that of a name of which nothing is seen: it looks like none."""
    return made == _NOTHING


def _letters(seen: str) -> str:
    """Leave out signs and spaces, and on letters of ASCII what only other scripts spell with."""
    letters: list[str] = []
    for one in seen:
        kind = unicodedata.category(one)
        spells = kind[0] in "LN" and kind != "Lm" and one not in _LIKE_SIGNS
        if spells or (kind[0] in "LNM" and letters and not letters[-1].isascii()):
            letters.append(one)
    return "".join(letters)


def _is_unseen(character: str) -> bool:
    drawn_on = any(first <= ord(character) <= last for first, last in _ON_LETTERS)
    return drawn_on or character in INVISIBLE or unicodedata.category(character) in {"Cf", "Me"}
