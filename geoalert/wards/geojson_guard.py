"""What a GeoJSON must be before GDAL may open it. GDAL goes by content: a file of that name can hold a pipeline that
reads other files, a position that is no number, or a reference system that GDAL passes over without a word.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NoReturn

from pyproj import CRS
from pyproj.exceptions import CRSError

from geoalert.errors import Invalid

KINDS: Final = ("FeatureCollection", "Feature")
PIPELINE: Final = "gdal_streamed_alg"
NUL: Final = "\\u0000"  # GDAL ends a text there


def require_geojson(text: str, path: Path) -> None:
    """Lets pass features with finite numbers in a reference system that is known.

    Raises:
        Invalid: names the file and what it is instead.
    """
    name = path.name
    if not text.lstrip().startswith("{"):
        raise Invalid(f"{name} is not GeoJSON: it does not begin with an object")

    def refuse(word: str) -> NoReturn:
        raise Invalid(f"{name} is not GeoJSON: {word} is not a number")

    try:
        document = json.loads(text, parse_constant=refuse)
    except RecursionError:
        raise Invalid(f"{name} is not GeoJSON: it is nested too deeply") from None
    except ValueError as broken:
        raise Invalid(f"{name} is not a boundary file that can be read: {broken}") from None
    kind = document.get("type")
    if kind not in KINDS or PIPELINE in text:
        raise Invalid(f"{name} is not GeoJSON features: its type is {str(kind)[:40]!r}")
    if NUL in text:
        raise Invalid(f"{name} holds a text with a NUL; what follows it would be lost")
    if "crs" in document and not _known(document["crs"]):
        raise Invalid(f"{name} does not say a coordinate reference system that is known; leave `crs` out for degrees")


def _known(crs: object) -> bool:
    """Whether this is a named system of GeoJSON 2008. Its null means that nothing is known of the coordinates."""
    facts = crs.get("properties") if isinstance(crs, Mapping) and crs.get("type") == "name" else None
    label = facts.get("name") if isinstance(facts, Mapping) else None
    try:
        return isinstance(label, str) and CRS.from_user_input(label) is not None
    except CRSError:
        return False
