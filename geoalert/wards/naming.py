"""The names a city gives its wards: one row of names.csv each."""

from __future__ import annotations

import csv
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from geoalert.errors import Invalid
from geoalert.wards.model import LEVELS, Level

COLUMNS = ("code", "level", "kind", "source", "name_en", "name_mr", "name_hi", "aliases")


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


def read_names(folder: Path) -> dict[str, NameRow]:
    """The rows of `folder/names.csv` by code, in file order, in Unicode normal form C.

    Raises Invalid naming the line for a missing column, an unknown level, an empty name or a repeated code.
    """
    path = folder / "names.csv"
    rows: dict[str, NameRow] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if reader.fieldnames is None or tuple(reader.fieldnames) != COLUMNS:
                raise Invalid(f"names.csv must have the columns {', '.join(COLUMNS)}")
            for cells in reader:
                row = _row(cells, reader.line_num)
                if row.code in rows:
                    raise Invalid(f"names.csv line {reader.line_num}: the code {row.code} is already taken")
                rows[row.code] = row
    except FileNotFoundError as missing:
        raise Invalid(f"there is no names.csv in {folder}") from missing
    except UnicodeDecodeError as broken:
        raise Invalid("names.csv is not UTF-8") from broken
    return rows


def _row(cells: dict[str, str | None], line: int) -> NameRow:
    clean = {name: unicodedata.normalize("NFC", (cells.get(name) or "").strip()) for name in COLUMNS}
    if clean["level"] not in LEVELS:
        raise Invalid(f"names.csv line {line}: the level must be one of {', '.join(LEVELS)}")
    for column in ("code", "kind", "name_en", "name_mr", "name_hi"):
        if not clean[column]:
            raise Invalid(f"names.csv line {line}: {column} is empty")
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
