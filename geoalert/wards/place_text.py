"""Reading a pasted list of places as a press note prints it, in Latin or Devanagari: one piece for each name.

Nothing is looked up here. What separates names, what only says "and around it" and how items are numbered are the
tables below; whatever else stands in the text is in the `written` of some piece.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

# Stand between two names.
JOINING: Final = frozenset("and & व आणि तसेच और एवं तथा also".split())  # noqa: SIM905 - reads as the table it is
# Say how much of a place is meant, before its name and after it.
BEFORE: Final = JOINING | frozenset("entire whole all some part parts of the area areas संपूर्ण पूर्ण सर्व काही भाग".split())  # noqa: SIM905
AFTER: Final = JOINING | frozenset(
    "area areas surrounding surroundings nearby adjoining adjacent locality localities the its some part parts etc "  # noqa: SIM905
    "village gaon gav परिसर परीसर परिसरात परिसरातील भाग भागात भागातील काही आजूबाजूचा आजूबाजूच्या लगतचा लगतच्या "
    "जवळपासचा इत्यादी इत्यादि इ आदी वगैरे गाव".split()
)
BRACKETS: Final = str.maketrans("[]{}", "()()")
BULLETS: Final = "•●▪◦‣·*"
SEPARATOR: Final = re.compile(
    rf"[,;:|।॥\r\n\t{BULLETS}]"
    r"|\s[-–—]+\s"
    r"|(?<!\d)/|/(?!\d)"
    r"|&"
    r"|(?<=[^\s.,;:|/()&।]{4})\.(?=\s|$)"  # a sentence ends; "Dr.", "S. P.", "बु." do not end one
    rf"|(?:(?<=\s)|^)(?:{'|'.join(sorted(JOINING - {'&'}))})(?=\s|$)",
    re.IGNORECASE,
)
# "1)", "a)", "ii)" wherever an item may begin, "(1)" at the beginning of a line, "1." at that of an item.
ITEM: Final = re.compile(
    r"^[ \t]*\((?:\d{1,3}|[a-z]|[ivx]{2,4}|[अ-ह])\)|(?:(?<=[\s,;])|^)(?:\d{1,3}|[a-z]|[ivx]{2,4}|[अ-ह])\)",
    re.IGNORECASE | re.MULTILINE,
)
NUMBER: Final = re.compile(r"^\s*\d{1,3}\.\s*(?=\D|$)")
EDGE: Final = " .\u200b\u00a0'\"\u201c\u201d\u2018\u2019-–—_"
BLANK: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Piece:
    """`written` is as it stands in the text; `name` is without numbering and the words of BEFORE and AFTER;
    `qualifier` is what stood in brackets.
    """

    written: str
    name: str
    qualifier: str = ""


def split_places(text: str) -> list[Piece]:
    """The names in a text, in order. Never raises; what names nothing ("etc.", a number) makes no piece."""
    plain = unicodedata.normalize("NFC", text).translate(BRACKETS)
    plain = ITEM.sub(lambda item: item[0] if _depth(plain[: item.start()]) > 0 else "\n", plain)
    if not _balanced(plain):
        plain = plain.replace("(", ",").replace(")", ",")
    found = []
    for chunk in _chunks(plain):
        written = BLANK.sub(" ", NUMBER.sub("", chunk)).strip(EDGE)
        outside, inside = _brackets(written)
        name, qualifier = bare(outside), bare(inside)
        if any(sign.isalpha() for sign in name + qualifier):
            found.append(Piece(written, name or qualifier, qualifier if name else ""))
    return found


def bare(name: str) -> str:
    """The name without the words of BEFORE and AFTER at its ends; empty if there is nothing else."""
    words = name.split()
    while words and _word(words[-1]) in AFTER:
        words.pop()
    while words and _word(words[0]) in BEFORE:
        words.pop(0)
    return " ".join(words).strip(EDGE)


def _word(word: str) -> str:
    return word.strip(EDGE).casefold() or "the"  # bare punctuation names nothing either


def _chunks(text: str) -> list[str]:
    """The text between separators; one inside brackets separates nothing."""
    depths, depth = [], 0
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        depths.append(depth)
    found, start = [], 0
    for cut in SEPARATOR.finditer(text):
        if depths[cut.start()] == 0:
            found.append(text[start : cut.start()])
            start = cut.end()
    return [*found, text[start:]]


def _balanced(text: str) -> bool:
    """Whether every bracket opens and closes, none within another."""
    depth = 0
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        if depth not in {0, 1}:
            return False
    return depth == 0


def _depth(text: str) -> int:
    return text.count("(") - text.count(")")


def _brackets(text: str) -> tuple[str, str]:
    inside = re.findall(r"\(([^()]*)\)", text)
    return re.sub(r"\([^()]*\)", " ", text), " ".join(inside)
