"""The tables a city keeps beside city.toml: read alike, and every refusal names file and line."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path

from geoalert.errors import Invalid
from geoalert.wards.layer_guard import read_utf8


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Every row with its place, such as `names.csv line 3`: a cell for each of the columns, trimmed, in Unicode normal
    form C, empty where the row is short.

    Raises:
        Invalid: other columns, or not UTF-8.
    """
    reader = csv.DictReader(StringIO(read_utf8(path), newline=""))
    if tuple(reader.fieldnames or ()) != tuple(columns):
        raise Invalid(f"{path.name} must have the columns {', '.join(columns)}")
    for row in reader:
        cells = {name: unicodedata.normalize("NFC", (row[name] or "").strip()) for name in columns}
        yield f"{path.name} line {reader.line_num}", cells
