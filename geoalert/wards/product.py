"""A city as it is used at run time: its settings and its tree, read from the files the build left."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from geoalert.errors import Invalid
from geoalert.wards.config import CityConfig, read_config
from geoalert.wards.geojson import read_text
from geoalert.wards.model import Level, WardTree

FILES: Final[dict[Level, str]] = {"zone": "zones.geojson", "office": "offices.geojson", "unit": "units.geojson"}


@dataclass(frozen=True, slots=True)
class City:
    config: CityConfig
    tree: WardTree


def load_city(folder: Path) -> City:
    """The city in that folder. Reads three files and city.toml; nothing is derived, so it takes a fraction of a second.

    Raises Invalid, with what to do, if a file is missing or is not what the build writes.
    """
    config = read_config(folder)
    wards = []
    for name in FILES.values():
        try:
            text = (folder / name).read_text(encoding="utf-8")
        except FileNotFoundError as missing:
            raise Invalid(f"there is no {name} in {folder}; make it with `geoalert wards build`") from missing
        except UnicodeDecodeError as broken:
            raise Invalid(f"{name} is not UTF-8") from broken
        wards += read_text(text, name)
    return City(config, WardTree(config.key, config.epoch, tuple(wards)))
