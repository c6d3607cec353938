"""Where what comes with the program is: in the wheel, or in the checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from geoalert.errors import NotFound
from geoalert.settings import Settings
from geoalert.wards import City, load_city

PACKAGE: Final = Path(__file__).parent.parent


def data_folder(settings: Settings) -> Path:
    """Where categories and cities are: as configured, in the wheel, or in the checkout."""
    if settings.city.data is not None:
        return settings.city.data
    inside = PACKAGE / "data"
    return inside if inside.is_dir() else PACKAGE.parent / "data"


def city_folder(settings: Settings) -> Path:
    """Where the configured city's own files are, or would be."""
    return data_folder(settings) / "ward_boundaries" / settings.city.key


def migration_scripts() -> Path:
    """Where the migrations are: in the wheel or in the checkout."""
    inside = PACKAGE / "migrations"
    return inside if inside.is_dir() else PACKAGE.parent / "alembic"


def city_of(settings: Settings) -> City:
    """The configured city. One that comes with the program is read once, for it stays as it is while the program runs.

    Raises:
        NotFound: no such city folder.
    """
    folder = city_folder(settings)
    if not folder.is_dir():
        raise NotFound(f"no city {settings.city.key!r}; there is no folder {folder}")
    return _packaged(folder) if settings.city.data is None else load_city(folder)


@cache
def _packaged(folder: Path) -> City:
    return load_city(folder)
