"""Column types that mean the same on both stores."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import shapely
from geoalchemy2 import Geometry as SpatialGeometry
from geoalchemy2 import WKBElement
from geoalchemy2.shape import from_shape, to_shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import DateTime, LargeBinary, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import JSON, TypeDecorator, TypeEngine

SRID = 4326
ALIKE: Final = b"\xff"  # no code: what begins with it is short
SHORT: Final = 6

# Documents we hash are kept as text we wrote ourselves; these are for reading and filtering.
Document = JSON().with_variant(JSONB(), "postgresql")


class Geometry(TypeDecorator[BaseGeometry]):
    """Shapely in, shapely out: a PostGIS column open to QGIS on PostgreSQL, WKB bytes elsewhere.

    Coordinates are lon, lat in EPSG:4326. The implementation type must be GeoAlchemy2's own: its listeners and
    Alembic hooks look at it.
    """

    impl = SpatialGeometry
    cache_ok = True

    def __init__(self, kind: str = "GEOMETRY") -> None:
        self.kind = kind
        super().__init__(kind, SRID, spatial_index=False)

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect is not None and dialect.name == "postgresql":
            return self.impl_instance
        return LargeBinary()

    def process_bind_param(self, value: BaseGeometry | None, dialect: Dialect) -> Any:  # noqa: ANN401 - driver's own
        if value is None:
            return None
        return from_shape(value, SRID) if dialect.name == "postgresql" else shapely.to_wkb(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> BaseGeometry | None:  # noqa: ANN401, ARG002
        if value is None:
            return None
        shape: BaseGeometry = to_shape(value) if isinstance(value, WKBElement) else shapely.from_wkb(bytes(value))
        return shape


class Instant(TypeDecorator[datetime]):
    """An aware UTC time: timestamptz on PostgreSQL, sortable text elsewhere (SQLite has no time of its own)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return DateTime(timezone=True) if dialect.name == "postgresql" else String(32)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | str | None:
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "a time without a zone cannot be stored"
            raise ValueError(msg)
        moment = value.astimezone(UTC)
        return moment if dialect.name == "postgresql" else moment.isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ANN401, ARG002
        if value is None:
            return None
        return (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)


class Codes(TypeDecorator[bytes]):
    """A byte for each of many, 0 to 254; where all are alike, in six bytes."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002
        return None if value is None else short(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> bytes | None:  # noqa: ANN401, ARG002
        return None if value is None else at_length(value)


def short(codes: bytes) -> bytes:
    """As the store holds them: a mark, the one code and how often it stands there; or as they are, where they differ
    or are few.

    Raises:
        ValueError: the first of them is the mark.
    """
    if codes[:1] == ALIKE:
        raise ValueError("a code is 0 to 254")
    if len(codes) <= SHORT or codes != codes[:1] * len(codes):
        return codes
    return ALIKE + codes[:1] + len(codes).to_bytes(SHORT - 2, "little")


def at_length(held: bytes) -> bytes:
    """The codes that `short` made this of.

    Raises:
        ValueError: it is no such thing.
    """
    if held[:1] != ALIKE:
        return held
    if len(held) != SHORT:
        raise ValueError("these are not codes")
    return held[1:2] * int.from_bytes(held[2:], "little")


def render_item(kind: str, item: object, context: Any) -> str | bool:  # noqa: ANN401 - Alembic's own
    """How a migration spells our types."""
    if kind == "type" and isinstance(item, Geometry | Instant):
        context.imports.add("from geoalert.store import columns")
        return f"columns.{type(item).__name__}({item.kind!r})" if isinstance(item, Geometry) else "columns.Instant()"
    if kind == "type" and isinstance(item, Codes):
        return "sa.LargeBinary()"
    if kind == "type" and item is Document:
        context.imports.add("from geoalert.store import columns")
        return "columns.Document"
    return False


__all__ = ["SRID", "Codes", "Document", "Geometry", "Instant", "at_length", "render_item", "short"]
