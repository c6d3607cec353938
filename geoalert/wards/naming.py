"""The names a city gives its wards: one row of names.csv each."""

from __future__ import annotations

import csv
import unicodedata
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from geoalert.errors import Invalid
from geoalert.wards.layer_guard import read_utf8
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
    reader = csv.DictReader(StringIO(read_utf8(path)))
    if reader.fieldnames is None or tuple(reader.fieldnames) != PARENT_COLUMNS:
        raise Invalid(f"{path.name} must have the columns {', '.join(PARENT_COLUMNS)}")
    found: dict[str, str] = {}
    for cells in reader:
        code, parent = ((cells.get(column) or "").strip() for column in PARENT_COLUMNS)
        if not code or not parent or code in found:
            raise Invalid(f"{path.name} line {reader.line_num}: a code is empty or repeated")
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
    reader = csv.DictReader(StringIO(read_utf8(path), newline=""))
    if reader.fieldnames is None or tuple(reader.fieldnames) != COLUMNS:
        raise Invalid(f"{name} must have the columns {', '.join(COLUMNS)}")
    for cells in reader:
        row = _row(cells, f"{name} line {reader.line_num}")
        if row.code in rows:
            raise Invalid(f"{name} line {reader.line_num}: the code {row.code} is already taken")
        rows[row.code] = row
    return rows


def _row(cells: dict[str, str | None], where: str) -> NameRow:
    clean = {name: unicodedata.normalize("NFC", (cells.get(name) or "").strip()) for name in COLUMNS}
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
