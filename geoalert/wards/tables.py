"""The tree as the store holds it: one row per node and period, so that an old alert still shows the old line."""

from __future__ import annotations

from datetime import date

from shapely.geometry.base import BaseGeometry
from sqlalchemy import Date, Float, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from geoalert.store import Base, BigId, Document, Geometry


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
