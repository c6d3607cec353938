"""The names a city gives its wards: one row of names.csv each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from geoalert.errors import Invalid
from geoalert.wards.csv_rows import read_rows
from geoalert.wards.model import LEVELS, Level
from geoalert.wards.words import require_words

COLUMNS = ("code", "level", "kind", "source", "name_en", "name_mr", "name_hi", "aliases")
PARENT_COLUMNS = ("code", "parent")


@dataclass(frozen=True, slots=True)
class NameRow:
    """`source` is the label the city's own layer uses for a unit; empty for zones and offices."""

    code: str
    level: Level
    kind: str
    source: str
    name_en: str
    name_mr: str
    name_hi: str
    aliases: tuple[str, ...]


def epoch_names(folder: Path, epoch: str) -> dict[str, NameRow]:
    """The names of that epoch: those of `names.csv`, and over them those of `names-EPOCH.csv` where it is there."""
    own = folder / f"names-{epoch}.csv"
    return read_names(folder) | (read_names(folder, own.name) if own.exists() else {})


def epoch_parents(folder: Path, epoch: str) -> dict[str, str]:
    """Code to the code above it, of `parents-EPOCH.csv`: the office of a unit, the zone of an office. Empty without.

    Raises Invalid naming the line for a missing column or an empty or repeated code.
    """
    path = folder / f"parents-{epoch}.csv"
    if not path.exists():
        return {}
    found: dict[str, str] = {}
    for where, cells in read_rows(path, PARENT_COLUMNS):
        code, parent = cells["code"], cells["parent"]
        if not code or not parent or code in found:
            raise Invalid(f"{where}: a code is empty or repeated")
        found[code] = parent
    return found


def read_names(folder: Path, name: str = "names.csv") -> dict[str, NameRow]:
    """The rows of `folder/names.csv` by code, in file order, in Unicode normal form C.

    Raises Invalid naming the line for a missing column, an unknown level, an empty name or a repeated code.
    """
    path = folder / name
    rows: dict[str, NameRow] = {}
    if not path.exists():
        raise Invalid(f"there is no {name} in {folder}")
    for where, cells in read_rows(path, COLUMNS):
        row = _row(cells, where)
        if row.code in rows:
            raise Invalid(f"{where}: the code {row.code} is already taken")
        rows[row.code] = row
    return rows


def _row(clean: Mapping[str, str], where: str) -> NameRow:
    if clean["level"] not in LEVELS:
        raise Invalid(f"{where}: the level must be one of {', '.join(LEVELS)}")
    require_words(clean, where)
    return NameRow(
        code=clean["code"],
        level=clean["level"],
        kind=clean["kind"],
        source=clean["source"],
        name_en=clean["name_en"],
        name_mr=clean["name_mr"],
        name_hi=clean["name_hi"],
        aliases=tuple(alias.strip() for alias in clean["aliases"].split("|") if alias.strip()),
    )
