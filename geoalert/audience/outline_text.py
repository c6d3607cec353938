"""An outline as text that fits into a push message: what our apps decode.

The text holds rings joined by `.`; each is the outside of one polygon, there are no holes, and the last corner joins
the first without being repeated. A ring is a chain of whole numbers, two a corner: longitude, then latitude, in units
of 1e-5 degree (WGS 84; 1.1 m), each as the difference to the corner before it. The first corner of the text is taken
from 0, 0, the first of a later ring from the last of the ring before it. A number n is written as 2n, or as -2n - 1
where n is below 0; then five bits at a time, the lowest first, each as one letter of the alphabet below, 32 more while
others follow. All signs stand in JSON and in an address as they are: one byte each.

To decode: split at `.`; for every letter take its position in the alphabet; the lower five bits go above those
already read; below 32 the number is complete, and is n // 2, or -(n + 1) // 2 where n is odd; add it up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

UNIT: Final = 100_000  # to the degree
ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
BETWEEN: Final = "."
BITS: Final = 5
MORE: Final = 1 << BITS

Ring = list[tuple[int, int]]  # lon, lat in units; the first corner is not repeated


def to_text(rings: Iterable[Ring]) -> str:
    """The rings as text."""
    x = y = 0
    texts = []
    for ring in rings:
        signs: list[str] = []
        for lon, lat in ring:
            signs += _signs(lon - x)
            signs += _signs(lat - y)
            x, y = lon, lat
        texts.append("".join(signs))
    return BETWEEN.join(texts)


def _signs(number: int) -> Iterator[str]:
    rest = 2 * number if number >= 0 else -2 * number - 1
    while rest >= MORE:
        yield ALPHABET[rest & (MORE - 1) | MORE]
        rest >>= BITS
    yield ALPHABET[rest]
