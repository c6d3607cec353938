"""Wards: the city's zones, offices and units, and which of them holds a point on a day.

`load_city` reads a city's folder; `WardIndex` and `locate` answer for a point, `locate_many` for millions. Import by
name, so that a look-up stays light: `geoalert.wards.check` (what is wrong with a tree), `geoalert.wards.build` (makes a
product from a city's own layer; needs the extra `geoalert[wards]`) and `geoalert.wards.map` (draws one).
"""

from geoalert.wards.config import Bbox, CityConfig
from geoalert.wards.index import WardIndex
from geoalert.wards.locate import Location, locate, locate_many, to_brief, to_json
from geoalert.wards.model import LEVELS, Epoch, Level, Ward, WardTree
from geoalert.wards.point import parse_point
from geoalert.wards.product import City, load_city

__all__ = [
    "LEVELS",
    "Bbox",
    "City",
    "CityConfig",
    "Epoch",
    "Level",
    "Location",
    "Ward",
    "WardIndex",
    "WardTree",
    "load_city",
    "locate",
    "locate_many",
    "parse_point",
    "to_brief",
    "to_json",
]
