"""Reads a city's city.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path

from geoalert.errors import Invalid
from geoalert.wards.config import CityConfig, parse_config
from geoalert.wards.config_rules import require_config


def read_config(folder: Path) -> CityConfig:
    """The settings in `folder/city.toml`. Raises Invalid if it is missing, is not TOML, or lacks an entry or holds one
    that cannot be.
    """
    path = folder / "city.toml"
    try:
        with path.open("rb") as file:
            config = parse_config(tomllib.load(file))
    except FileNotFoundError as missing:
        raise Invalid(f"there is no {path.name} in {folder}") from missing
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise Invalid(f"{path} cannot be read: {broken}") from broken
    require_config(config, folder.resolve().name)
    return config
