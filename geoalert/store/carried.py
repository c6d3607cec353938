"""Rows on their way from one store to another, or to a file: one form for both kinds of store.

A row is a JSON array, one a line: times as UTC text of microseconds, bytes and shapes (WKB) as base64, documents as the
text of their sorted form. The same rows give the same bytes wherever they are read, so a hash over a table's lines
says whether two stores hold the same.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, Literal

from geoalchemy2 import Geometry as SpatialGeometry
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Boolean, Date, DateTime, Float, Integer, LargeBinary, Numeric
from sqlalchemy.types import JSON, TypeEngine

from geoalert.store.columns import Codes, Geometry, Instant

Kind = Literal["integer", "float", "boolean", "text", "bytes", "instant", "date", "document", "shape"]
Row = list[Any]
# The first that fits: some of these types are another's kind, too.
KINDS: Final[Sequence[tuple[tuple[type[TypeEngine[Any]], ...], Kind]]] = (
    ((Geometry, SpatialGeometry), "shape"),
    ((Instant, DateTime), "instant"),
    ((Date,), "date"),
    ((JSON,), "document"),
    ((Codes, LargeBinary), "bytes"),
    ((Boolean,), "boolean"),
    ((Integer,), "integer"),
    ((Float, Numeric), "float"),
)


class Form(BaseModel):
    """A table as it is carried: its columns in their order, and what its rows are sorted by."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: str
    columns: tuple[tuple[str, Kind], ...]
    key: tuple[str, ...]
    numbered: bool  # the key is one number, which the store gives and gives to nobody twice
    anew: tuple[str, ...] = ()  # columns that say something of the store they stand in, and are carried empty

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.columns]


def kind_of(type_: TypeEngine[Any]) -> Kind:
    """What a column of this type holds."""
    return next((kind for types, kind in KINDS if isinstance(type_, types)), "text")


def _moment(value: str | datetime) -> str:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _day(value: str | date) -> str:
    return value if isinstance(value, str) else value.isoformat()


def _document(value: str) -> str:
    return json.dumps(json.loads(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _base64(value: bytes) -> str:
    return b64encode(value).decode()


Change = Callable[[Any], Any]
# A value as either driver gives it, into the form.
FROM_STORE: Final[Mapping[Kind, Change]] = {
    "float": float,
    "boolean": bool,
    "bytes": _base64,
    "instant": _moment,
    "date": _day,
    "document": _document,
    "shape": _base64,
}
# And from the form into what each driver takes.
TO_STORE: Final[Mapping[str, Mapping[Kind, Change]]] = {
    "sqlite": {"bytes": b64decode, "shape": b64decode},
    "postgresql": {
        "bytes": b64decode,
        "instant": datetime.fromisoformat,
        "date": date.fromisoformat,
        "shape": b64decode,
    },
}


def changed(rows: Sequence[Sequence[Any]], form: Form, changes: Mapping[Kind, Change]) -> list[Row]:
    """Rows with every value of a changing kind changed."""
    where = [(place, changes[kind]) for place, (_, kind) in enumerate(form.columns) if kind in changes]
    made = [list(row) for row in rows]
    for row in made:
        for place, change in where:
            if row[place] is not None:
                row[place] = change(row[place])
    return made


def lines(rows: Sequence[Row]) -> bytes:
    """The rows as they are hashed and filed."""
    return b"".join(
        json.dumps(row, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode() + b"\n" for row in rows
    )
