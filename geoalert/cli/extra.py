"""What only some installations have: reading and building boundary layers needs `geoalert[wards]`."""

from __future__ import annotations

import importlib
from types import ModuleType

from geoalert.errors import Unavailable


def with_extra(name: str, doing: str) -> ModuleType:
    """The module of that name. By name, for a city that only runs geoalert has not what it imports.

    Raises:
        Unavailable: something it needs is not installed; says what, and how to get it.
    """
    try:
        return importlib.import_module(name)
    except ImportError as missing:
        raise Unavailable(f"{doing} needs {missing.name}: pip install 'geoalert[wards]'") from None
