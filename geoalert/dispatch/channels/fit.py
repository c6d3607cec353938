"""Making a text fit: NFC, grapheme clusters, and shortening that never cuts a syllable, a link or an instruction.

Only the description gives way. Headline and instruction are what a person acts on; where those alone are too
long the text is refused instead of shortened.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import TypeVar

from geoalert.errors import Invalid

_ZWJ = "\u200d"
_ZWNJ = "\u200c"
_VIRAMA = 9  # canonical combining class
_MARKS = frozenset({"Mn", "Mc", "Me"})
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_TAGS = range(0xE0020, 0xE0080)
_REGIONAL = range(0x1F1E6, 0x1F200)

Fitted = TypeVar("Fitted")


def nfc(text: str) -> str:
    """The text in NFC, without surrounding space. Joiners (U+200C, U+200D) and ऱ (U+0931) stay."""
    return unicodedata.normalize("NFC", text).strip()


def clusters(text: str) -> list[str]:
    """What a reader sees as one sign each: marks, Indic conjuncts, emoji sequences and flags stay together.

    Never finer than Unicode's own rule for the scripts of the city's languages.
    """
    found: list[str] = []
    for char in text:
        if found and _joins(found[-1], char):
            found[-1] += char
        else:
            found.append(char)
    return found


def _joins(cluster: str, char: str) -> bool:
    code = ord(char)
    if unicodedata.category(char) in _MARKS or char in {_ZWJ, _ZWNJ} or code in _SKIN_TONES or code in _TAGS:
        return True
    last = cluster[-1]
    if last == "\r":
        return char == "\n"
    if last == _ZWJ:
        return not char.isspace()
    if code in _REGIONAL:
        return all(ord(sign) in _REGIONAL for sign in cluster) and len(cluster) % 2 == 1
    return unicodedata.combining(last) == _VIRAMA and unicodedata.category(char) == "Lo"


def shorten(text: str, size: int, ellipsis: str) -> str:
    """At most `size` clusters of the text, back to a whole word, then `ellipsis`; empty when no word fits.

    A word longer than the room is cut between clusters, a link never.
    """
    pieces = clusters(text)
    if size >= len(pieces):
        return text
    kept = "".join(pieces[:size])
    start = max((at + 1 for at, char in enumerate(kept) if char.isspace()), default=0)
    if not pieces[size][0].isspace():
        word = (kept + "".join(pieces[size:]))[start:].split(maxsplit=1)[0] if kept[start:] else ""
        if start or "://" in word:
            kept = kept[:start]
    kept = kept.rstrip().rstrip(",;:-")
    return kept + ellipsis if kept else ""


def fitted(
    description: str,
    compose: Callable[[str], Fitted],
    fits: Callable[[Fitted], bool],
    ellipsis: str = "…",
) -> Fitted:
    """`compose(description)` with as much of the description as `fits` lets through.

    Raises:
        Invalid: it does not fit even without a description.
    """
    whole = compose(description)
    if fits(whole):
        return whole
    low, high = 0, len(clusters(description))
    while high - low > 1:
        middle = (low + high) // 2
        if fits(compose(shorten(description, middle, ellipsis))):
            low = middle
        else:
            high = middle
    shortened = compose(shorten(description, low, ellipsis) if low else "")
    if not fits(shortened):
        raise Invalid(
            "The headline and the instruction are too long for this channel; make them shorter.",
            pointer="/instruction",
        )
    return shortened
