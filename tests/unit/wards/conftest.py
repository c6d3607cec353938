"""A toy city: a 3 x 2 board of square units, two offices, one zone, and a hole that is known."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import shapely
from shapely.geometry import box

from geoalert.wards import Bbox, City, CityConfig, Level, Ward, WardTree, load_city
from geoalert.wards.config import Expected
from geoalert.wards.projection import area_km2
from tests.pune import PUNE
from tests.second_city import HEAD

BEGIN = date(2021, 6, 30)
EPSG = 32643
CODES = ("U1", "U2", "U3", "U4", "U5", "U6", "O1", "O2", "Z1")


@pytest.fixture(scope="session")
def pune() -> City:
    return load_city(PUNE)


def ward(code: str, level: Level, parent: str | None, square: tuple[float, float, float, float]) -> Ward:
    shape = box(*square)
    letter = CODES.index(code)
    return Ward(
        code=code,
        level=level,
        kind=level,
        name_en=f"Ward {'abcdefghi'[letter]}",
        name_mr=f"प्रभाग {'अआइईउऊएऐओ'[letter]}",
        name_hi=f"वार्ड {'अआइईउऊएऐओ'[letter]}",
        parent=parent,
        valid_from=BEGIN,
        valid_to=None,
        aliases=(),
        geometry=shape,
        area_km2=round(area_km2(shape, EPSG), 3),
    )


def _units() -> list[Ward]:
    """Columns of 0.02 degrees from 73.80, rows of 0.02 from 18.50; the left column is office O1, the rest O2."""
    made = []
    for number in range(6):
        column, row = divmod(number, 2)
        west, south = 73.8 + 0.02 * column, 18.5 + 0.02 * row
        office = "O1" if column == 0 else "O2"
        made.append(ward(f"U{number + 1}", "unit", office, (west, south, west + 0.02, south + 0.02)))
    return made


@pytest.fixture
def board() -> WardTree:
    units = _units()
    left = ward("O1", "office", "Z1", (73.8, 18.5, 73.82, 18.54))
    right = ward("O2", "office", "Z1", (73.82, 18.5, 73.86, 18.54))
    whole = ward("Z1", "zone", None, (73.8, 18.5, 73.86, 18.54))
    # Unions keep the corners in the middle of a longer edge, so that neighbours match vertex for vertex.
    offices = [
        replace(left, geometry=shapely.coverage_union_all([unit.geometry for unit in units[:2]])),
        replace(right, geometry=shapely.coverage_union_all([unit.geometry for unit in units[2:]])),
    ]
    whole = replace(whole, geometry=shapely.coverage_union_all([unit.geometry for unit in units]))
    return WardTree("board", "2021", (whole, *offices, *units))


@pytest.fixture
def rules(pune: City, board: WardTree) -> CityConfig:
    """Pune's settings with the board's own figures."""
    total = area_km2(board.get("Z1", BEGIN).geometry, EPSG)
    return replace(
        pune.config,
        bbox=Bbox(73.6, 18.3, 74.1, 18.7),
        expected=(Expected(BEGIN, {"zone": 1, "office": 2, "unit": 6}, total),),
        gaps=(),
    )


@pytest.fixture
def change(board: WardTree) -> Callable[..., WardTree]:
    """The board with some facts of one ward replaced."""

    def changed(code: str, /, **facts: object) -> WardTree:
        wards = tuple(replace(ward, **facts) if ward.code == code else ward for ward in board.wards)  # type: ignore[arg-type]
        return replace(board, wards=wards)

    return changed


@pytest.fixture
def city_source(tmp_path: Path) -> Path:
    """A city folder and, beside it, a drawn source with every fault the build must mend."""
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "city.toml").write_text(TOY_CITY, encoding="utf-8")
    (folder / "names.csv").write_text(TOY_NAMES, encoding="utf-8")
    squares = {
        # U2 reaches 20 cm into U1 and U3 leaves 20 cm to U1: a hairline overlap and a hairline gap.
        "A": (73.80, 18.50, 73.82, 18.52, "WEST"),
        "B": (73.80, 18.519998, 73.82, 18.54, "WEST"),
        "C": (73.820002, 18.50, 73.84, 18.52, "EAST"),
        "D": (73.82, 18.52, 73.84, 18.54, "EAST"),
        "CAMP": (73.84, 18.50, 73.86, 18.52, "EAST"),
    }
    features = [
        {
            "type": "Feature",
            "properties": {"label": label, "other": "", "office": office, "zone": "1"},
            "geometry": {"type": "Polygon", "coordinates": [[list(at) for at in box(w, s, e, n).exterior.coords]]},
        }
        for label, (w, s, e, n, office) in squares.items()
    ]
    (tmp_path / "source.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return folder


TOY_CITY = (
    HEAD.format(key="toy", timezone="Asia/Kolkata", epsg=EPSG, bbox=[73.6, 18.3, 74.1, 18.7], name="Toy")
    + """
in_force = [
  { from = 2021-06-30, zones = 1, offices = 2, units = 4, area_km2 = 18.69 },
  { from = 2024-09-11, zones = 1, offices = 2, units = 3, area_km2 = 14.02 },
]
[[left]]
on = 2024-09-11
units = ["U4"]
[source]
unit_keys = ["label", "other"]
office = "office"
zone = "zone"
drop_column = "label"
drop = ["CAMP"]
gap_width_m = 5.0
simplify_m = 1.0
decimals = 6
limits = { area_change_percent = 0.05, hausdorff_m = 20.0 }
offices = { WEST = "west", EAST = "east" }
zones = { 1 = "Z1" }
"""
)

TOY_NAMES = """code,level,kind,source,name_en,name_mr,name_hi,aliases
Z1,zone,zone,,Zone,परिमंडळ,परिमंडल,
west,office,ward-office,,West,पश्चिम,पश्चिम,
east,office,ward-office,,East,पूर्व,पूर्व,Purva|Poorva
U1,unit,prabhag,A,Alpha,अल्फा,अल्फा,
U2,unit,prabhag,B,Beta,बीटा,बीटा,
U3,unit,prabhag,C,Gamma,गॅमा,गामा,
U4,unit,prabhag,D,Delta,डेल्टा,डेल्टा,
"""
