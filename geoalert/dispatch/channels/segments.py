"""How many parts an SMS takes: GSM-7 160/153 septets, UCS-2 70/67 units (3GPP TS 23.038 and 23.040).

Extension characters count two and never straddle two parts; surrogate pairs neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
_LAST_OF_PLANE_0 = 0xFFFF


class Alphabet(StrEnum):
    GSM7 = "gsm7"
    UCS2 = "ucs2"


@dataclass(frozen=True, slots=True)
class Room:
    """Units in one part: alone, or as one of many with a joining header."""

    alone: int
    joined: int


ROOM = {Alphabet.GSM7: Room(160, 153), Alphabet.UCS2: Room(70, 67)}


@dataclass(frozen=True, slots=True)
class Segments:
    alphabet: Alphabet
    units: int
    parts: int


def segments(text: str) -> Segments:
    """Alphabet, units and parts of a text; an empty text is one part of nothing."""
    if all(char in _BASIC or char in _EXTENDED for char in text):
        alphabet, sizes = Alphabet.GSM7, [2 if char in _EXTENDED else 1 for char in text]
    else:
        alphabet, sizes = Alphabet.UCS2, [2 if ord(char) > _LAST_OF_PLANE_0 else 1 for char in text]
    units, room = sum(sizes), ROOM[alphabet]
    return Segments(alphabet, units, 1 if units <= room.alone else _parts(sizes, room.joined))


def _parts(sizes: Iterable[int], room: int) -> int:
    parts, used = 1, 0
    for size in sizes:
        if used + size > room:
            parts, used = parts + 1, 0
        used += size
    return parts
