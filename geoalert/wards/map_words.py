"""A map's own words, and the type they are set in.

The typeface is a package (Mukta, OFL), not a file of the machine's: a map looks the same everywhere, and Devanagari is
whole. Matplotlib 3.11 shapes text through libraqm, so conjuncts and matras stand as they should; the language is said
with every text, because Marathi and Hindi draw some letters and digits differently.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import fontpkg
from matplotlib.font_manager import FontProperties

from geoalert.errors import Unavailable
from geoalert.languages import Language
from geoalert.wording import wording

FAMILY: Final = "Mukta"
REGULAR: Final = 400
HEAVY: Final = 600


@dataclass(frozen=True, slots=True)
class Words:
    """What a map says besides names; `title` takes the city's name, `day` is a date's pattern."""

    title: str
    told: str
    area: str
    people: str
    unofficial: str
    km: str
    day: str


@cache
def words_in(language: Language) -> Words:
    """A map's own, in this language."""
    say = wording(language)
    return Words(
        title=say("{city}: zones and ward offices", city="{}"),
        told=say("wards told"),
        area=say("alert area"),
        people=say("people (made up)"),
        unofficial=say("Not official."),
        km=say("km"),
        day=say("%d %B %Y"),
    )


@cache
def typeface(weight: int, size: float) -> FontProperties:
    """The map's type.

    Raises:
        Unavailable: its package is not installed.
    """
    try:
        return FontProperties(fname=fontpkg.path(FAMILY, weight), size=size)
    except fontpkg.FontpkgError:
        raise Unavailable(f"maps are set in {FAMILY}: pip install fontpkg-mukta") from None
