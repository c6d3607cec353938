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
from geoalert.wards.model import Language

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


WORDS: Final[dict[Language, Words]] = {
    "en": Words(
        title="{}: zones and ward offices",
        told="wards told",
        area="alert area",
        people="people (made up)",
        unofficial="Not official.",
        km="km",
        day="%d %B %Y",
    ),
    "mr": Words(
        title="{}: परिमंडळे आणि क्षेत्रीय कार्यालये",
        told="कळवलेले विभाग",
        area="सूचनेचे क्षेत्र",
        people="लोक (काल्पनिक)",
        unofficial="अधिकृत नाही.",
        km="किमी",
        day="%d-%m-%Y",
    ),
    "hi": Words(
        title="{}: परिमंडल और क्षेत्रीय कार्यालय",
        told="सूचित विभाग",
        area="सूचना का क्षेत्र",
        people="लोग (काल्पनिक)",
        unofficial="आधिकारिक नहीं।",
        km="किमी",
        day="%d-%m-%Y",
    ),
}


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
