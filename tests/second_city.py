"""A small made-up city, far from the first: a folder of data and drawings of it, for tests of what any city can do.

Six squares in three columns and two rows, west to east. Two epochs: in 2021 the first column is the office `west` and
the others `east`; in 2026 `west` is called `sunset` and `east` is split in two, on a new delimitation that numbers its
units 1 to 6 again, in another order.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from shapely.geometry import box

from tests.pune import DATA, PUNE

KEY: Final = "lakeside"
LON, LAT, SIDE = 10.0, 50.0, 0.02
# number of the unit: column, row
FIRST: Final = {1: (0, 0), 2: (0, 1), 3: (1, 0), 4: (1, 1), 5: (2, 0), 6: (2, 1)}
SECOND: Final = {6: (0, 0), 5: (0, 1), 4: (1, 0), 3: (1, 1), 2: (2, 0), 1: (2, 1)}
OFFICES_FIRST: Final = ("West Office", "East Office", "East Office")
OFFICES_SECOND: Final = ("Sunset Office", "Middle Office", "Far Office")
NAMES: Final = ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir")
MARATHI: Final = ("आंबा", "बाभूळ", "चंदन", "देवदार", "एरंड", "फणस")
MIDDLE: Final = (LON + 1.5 * SIDE, LAT + 0.5 * SIDE)  # lon, lat: in east, then in middle
FAR: Final = (LON + 2.5 * SIDE, LAT + 0.5 * SIDE)  # in east, then in far
WEST: Final = (LON + 0.5 * SIDE, LAT + 0.5 * SIDE)  # in west, then in sunset

# How any made-up city begins, up to what is expected of it.
HEAD: Final = """
key = "{key}"
timezone = "{timezone}"
epsg = {epsg}
bbox = {bbox}
helpline = "115"
attribution = "Made up"
note = "made up for tests"
name = {{ en = "{name}", mr = "तळेगाव", hi = "तालनगर" }}
epoch = {{ label = "2021", valid_from = 2021-06-30 }}
[levels]
zone = {{ en = "circle", mr = "परिमंडळ", hi = "परिमंडल" }}
office = {{ en = "office", mr = "कार्यालय", hi = "कार्यालय" }}
unit = {{ en = "quarter", mr = "भाग", hi = "भाग" }}
[expected]
tolerance_percent = 0.1
"""
CITY: Final = (
    HEAD.format(key=KEY, timezone="Europe/Berlin", epsg=32632, bbox=[9.9, 49.9, 10.2, 50.2], name="Lakeside")
    + """
in_force = []
[import]
code = "{epoch}-Q{code:0>2}"
kind = "quarter"
[import.columns]
code = "NO"
name_en = "NAME"
name_mr = "NAME_MR"
name_hi = "NAME_HI"
office = "OFFICE"
zone = "CIRCLE"
[import.offices]
"West Office" = "west"
"East Office" = "east"
"Sunset Office" = "sunset"
"Middle Office" = "middle"
"Far Office" = "far"
"""
)

OFFICES: Final = """code,level,kind,source,name_en,name_mr,name_hi,aliases
C1,zone,circle,,Circle One,परिमंडळ एक,परिमंडल एक,
west,office,office,,West,पश्चिम,पश्चिम,
east,office,office,,East,पूर्व,पूर्व,
"""
OFFICES_2026: Final = """code,level,kind,source,name_en,name_mr,name_hi,aliases
sunset,office,office,,Sunset,सूर्यास्त,सूर्यास्त,
middle,office,office,,Middle,मध्य,मध्य,
far,office,office,,Far,दूर,दूर,
"""


def make_city(root: Path) -> Path:
    """Writes a data folder for GEOALERT_CITY_DATA under `root` and returns it."""
    folder = root / "ward_boundaries" / KEY
    folder.mkdir(parents=True)
    shutil.copy(DATA / "categories.toml", root)
    shutil.copy(PUNE / "departments.csv", folder)
    (folder / "city.toml").write_text(CITY, encoding="utf-8")
    (folder / "names.csv").write_text(OFFICES, encoding="utf-8")
    (folder / "names-2026.csv").write_text(OFFICES_2026, encoding="utf-8")
    return root


def folder_of(data: Path) -> Path:
    return data / "ward_boundaries" / KEY


def features(squares: dict[int, tuple[int, int]] = FIRST, offices: tuple[str, ...] = OFFICES_FIRST) -> dict[str, Any]:
    """The layer as GeoJSON."""
    made = []
    for number, (column, row) in squares.items():
        west, south = LON + SIDE * column, LAT + SIDE * row
        corners = [list(corner) for corner in box(west, south, west + SIDE, south + SIDE).exterior.coords]
        facts = {
            "NO": number,
            "NAME": NAMES[number - 1],
            "NAME_MR": MARATHI[number - 1],
            "NAME_HI": MARATHI[number - 1],
        }
        made.append(
            {
                "type": "Feature",
                "properties": facts | {"OFFICE": offices[column], "CIRCLE": "C1"},
                "geometry": {"type": "Polygon", "coordinates": [corners]},
            }
        )
    return {"type": "FeatureCollection", "features": made}


def write_layer(path: Path, layer: dict[str, Any], change: Callable[[dict[str, Any]], object] | None = None) -> Path:
    """The layer as a file, changed first where asked."""
    if change is not None:
        change(layer)
    path.write_text(json.dumps(layer, ensure_ascii=False), encoding="utf-8")
    return path
