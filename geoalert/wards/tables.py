"""The tree as the store holds it: one row per node and period, so that an old alert still shows the old line."""

from __future__ import annotations

from datetime import date, datetime

from shapely.geometry.base import BaseGeometry
from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from geoalert.store import Base, BigId, Document, Geometry, Instant


class WardRow(Base):
    __tablename__ = "ward"
    __table_args__ = (
        UniqueConstraint("city", "code", "valid_from"),
        Index("ix_ward_geometry", "geometry", postgresql_using="gist").ddl_if(dialect="postgresql"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    city: Mapped[str] = mapped_column(String(40))
    epoch: Mapped[str] = mapped_column(String(20))
    code: Mapped[str] = mapped_column(String(60), index=True)
    level: Mapped[str] = mapped_column(String(10))
    kind: Mapped[str] = mapped_column(String(30))
    parent: Mapped[str | None] = mapped_column(String(60))
    name_en: Mapped[str] = mapped_column(String(120))
    name_mr: Mapped[str] = mapped_column(String(120))
    name_hi: Mapped[str] = mapped_column(String(120))
    aliases: Mapped[list[str]] = mapped_column(Document)
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    area_km2: Mapped[float] = mapped_column(Float)
    geometry: Mapped[BaseGeometry] = mapped_column(Geometry())


class EpochRow(Base):
    """One version of the tree: its label, the period for which it holds, and the file it came from."""

    __tablename__ = "epoch"
    __table_args__ = (UniqueConstraint("city", "label"), UniqueConstraint("city", "valid_from"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    city: Mapped[str] = mapped_column(String(40))
    label: Mapped[str] = mapped_column(String(20))
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    source: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(Text)
    imported_at: Mapped[datetime] = mapped_column(Instant)


class VersionRow(Base):
    """Counts the changes of a city's tree, so that a long-running process sees in one row whether it is behind."""

    __tablename__ = "ward_version"

    city: Mapped[str] = mapped_column(String(40), primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)


class ServiceAreaRow(Base):
    """A utility's area for one period. Held records are never rewritten: only their last day is set."""

    __tablename__ = "service_area"
    __table_args__ = (
        UniqueConstraint("city", "code", "valid_from"),
        Index("ix_service_area_geometry", "geometry", postgresql_using="gist").ddl_if(dialect="postgresql"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    city: Mapped[str] = mapped_column(String(40))
    code: Mapped[str] = mapped_column(String(60))
    version: Mapped[int] = mapped_column(Integer)  # of this code, from 1
    kind: Mapped[str] = mapped_column(String(20))
    name_en: Mapped[str] = mapped_column(String(120))
    name_mr: Mapped[str] = mapped_column(String(120))
    name_hi: Mapped[str] = mapped_column(String(120))
    department: Mapped[str] = mapped_column(ForeignKey("department.code"))
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    illustrative: Mapped[bool] = mapped_column(Boolean)
    source: Mapped[str] = mapped_column(String(300))
    geometry: Mapped[BaseGeometry] = mapped_column(Geometry())
