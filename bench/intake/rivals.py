"""What one would pick instead: rows as they stand, by COPY, or object by object with a commit each. Neither looks at a
number, encrypts anything, refuses anything or leaves a record.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import asyncpg
from sqlalchemy import ForeignKey, Text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

FIELDS = ("phone", "push_token", "language", "categories", "channels", "quiet_hours", "consent")


class Base(DeclarativeBase):
    pass


class PlainPlace(Base):
    __tablename__ = "plain_place"
    id: Mapped[int] = mapped_column(primary_key=True)
    person: Mapped[int] = mapped_column(ForeignKey("plain_person.id"), index=True)
    lat: Mapped[float] = mapped_column(index=True)
    lon: Mapped[float]


class PlainPerson(Base):
    __tablename__ = "plain_person"
    id: Mapped[int] = mapped_column(primary_key=True)
    phone: Mapped[str] = mapped_column(Text, index=True)  # unique would refuse the whole file for one bad row
    push_token: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    categories: Mapped[str] = mapped_column(Text)
    channels: Mapped[str] = mapped_column(Text)
    quiet_hours: Mapped[str] = mapped_column(Text)
    consent: Mapped[str] = mapped_column(Text)
    places: Mapped[list[PlainPlace]] = relationship()


async def make_tables(url: str) -> None:
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()


async def copied(url: str, file: Path) -> float:
    """Seconds to COPY the whole file in, one transaction for each table."""
    connection = await asyncpg.connect(url)
    await connection.execute("TRUNCATE plain_person CASCADE")
    begun = time.perf_counter()
    people = ((number, *(row[name] for name in FIELDS)) for number, row in enumerate(_rows(file), 1))
    await connection.copy_records_to_table("plain_person", records=people, columns=("id", *FIELDS))
    places = ((number, *point) for number, row in enumerate(_rows(file), 1) for point in _points(row["places"]))
    await connection.copy_records_to_table("plain_place", records=places, columns=("person", "lat", "lon"))
    taken = time.perf_counter() - begun
    await connection.close()
    return taken


async def one_by_one(url: str, file: Path, sample: int) -> float:
    """Seconds for so many rows, one transaction each."""
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    async with AsyncSession(engine) as session:
        await session.connection()  # the first row shall not pay for it
        await session.rollback()
        begun = time.perf_counter()
        for number, row in enumerate(islice(_rows(file), sample), 1):
            places = [PlainPlace(lat=lat, lon=lon) for lat, lon in _points(row["places"])]
            session.add(PlainPerson(id=1_000_000_000 + number, places=places, **{name: row[name] for name in FIELDS}))
            await session.commit()
        taken = time.perf_counter() - begun
    await engine.dispose()
    return taken


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as source:
        yield from csv.DictReader(source)


def _points(written: str) -> list[tuple[float, float]]:
    pairs = (place.split() for place in written.split(";"))
    return [(float(lat), float(lon)) for lat, lon in pairs]
