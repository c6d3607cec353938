"""What a check can find wrong with a tree."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

# kind → what it says to a person, in the order a table shows them
KINDS: Final[dict[str, str]] = {
    "duplicate": "a code names two records at once",
    "period": "a record ends before it begins, or begins before the epoch",
    "crs": "coordinates are not degrees",
    "swapped": "latitude and longitude are swapped",
    "elsewhere": "limits lie outside the city's box",
    "invalid": "limits cross themselves or are empty",
    "overlap": "two wards cover the same ground",
    "edges": "neighbours do not share their edge vertex for vertex",
    "gap": "ground between wards belongs to none",
    "missing-gap": "ground that is not the city's is covered",
    "parent": "a ward has no ward above it, or one of the wrong level",
    "containment": "a ward is not the sum of the wards below it",
    "count": "the number of wards is not the published one",
    "area": "an area is not the published or the stated one",
    "name": "a name is missing or not in its script",
    "alias": "one name or alias stands for two wards of a level",
}


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One fault: its kind, the codes it concerns, the particulars in words, and (lon, lat) where it is one place."""

    kind: str
    codes: tuple[str, ...]
    detail: str
    at: tuple[float, float] | None = field(default=None, compare=False)
