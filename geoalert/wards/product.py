"""A city as it is used at run time: its settings, tree, directory and gazetteer, read from the files the build left."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from geoalert.errors import Invalid
from geoalert.wards.config import CityConfig
from geoalert.wards.config_file import read_config
from geoalert.wards.directory import Directory, load_directory
from geoalert.wards.geojson import read_text
from geoalert.wards.model import Epoch, Level, WardTree
from geoalert.wards.place_table import PlaceRow, load_places

FILES: Final[dict[Level, str]] = {"zone": "zones.geojson", "office": "offices.geojson", "unit": "units.geojson"}


@dataclass(frozen=True, slots=True)
class City:
    config: CityConfig
    tree: WardTree
    directory: Directory = field(default_factory=dict)  # of its offices, by code
    places: tuple[PlaceRow, ...] = ()  # what its gazetteer adds to the names of the tree

    def note_on(self, on: date) -> str:
        """What must be said with everything that shows the wards of that day."""
        return self.tree.epoch_on(on).note if self.tree.epochs else self.config.note


def load_city(folder: Path) -> City:
    """The city in that folder. Reads its files and derives nothing, so it takes a fraction of a second.

    A city without a product has an empty tree until an epoch is imported into its store.

    Raises Invalid, with what to do, if a file is missing or is not what the build writes.
    """
    config = read_config(folder)
    wards = []
    packaged = any((folder / name).exists() for name in FILES.values())
    for name in FILES.values() if packaged else ():
        try:
            text = (folder / name).read_text(encoding="utf-8")
        except FileNotFoundError as missing:
            raise Invalid(f"there is no {name} in {folder}; make it with `geoalert wards build`") from missing
        except UnicodeDecodeError as broken:
            raise Invalid(f"{name} is not UTF-8") from broken
        wards += read_text(text, name)
    epochs = (Epoch(config.epoch, config.valid_from, note=config.note),) if packaged else ()
    tree = WardTree(config.key, config.epoch, tuple(wards), epochs)
    return City(config, tree, load_directory(folder, config.bbox), load_places(folder, config.bbox))
