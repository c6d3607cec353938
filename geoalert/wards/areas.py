"""Service areas in the store: imported whole or not at all, versioned, never rewritten."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date

from sqlalchemy import insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audit import append
from geoalert.errors import Conflict, Invalid
from geoalert.wards.epochs import lock_city
from geoalert.wards.service_area import ServiceArea
from geoalert.wards.tables import ServiceAreaRow

COLUMNS = tuple(field.name for field in fields(ServiceArea))


@dataclass(frozen=True, slots=True)
class Imported:
    """The codes that are new, have a new version, were given their last day, or were held as they are."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    ended: tuple[str, ...]
    same: tuple[str, ...]


async def import_areas(
    session: AsyncSession, city: str, areas: Sequence[ServiceArea], departments: Collection[str], by: str
) -> Imported:
    """Adds what is not held yet. A later record of a code ends the one before it; the last day of a held record is
    all that can be added to it.

    Raises:
        Invalid: an owner that is no department.
        Conflict: a record of that code and day is held and differs, a later one is held, or an illustrative area
            would take the place of a real one.
    """
    await lock_city(session, city)
    found: dict[str, list[str]] = {"new": [], "changed": [], "ended": [], "same": []}
    for area in areas:
        if area.department not in departments:
            raise Invalid(f"{area.code}: no department {area.department[:60]!r}", pointer="/department")
        newest = await _newest(session, city, area.code)
        found[await _take(session, city, area, newest)].append(area.code)
    taken = Imported(**{name: tuple(codes) for name, codes in found.items()})
    detail = {name: sorted(codes) for name, codes in found.items() if name != "same" and codes}
    if detail:
        await append(session, by, "areas.imported", city, detail)
    return taken


async def areas_in_force(
    session: AsyncSession, city: str, on: date, codes: Collection[str] | None = None
) -> dict[str, ServiceArea]:
    """The areas that hold on that day by code, in code order; only those asked for, where some are."""
    query = (
        select(ServiceAreaRow)
        .where(ServiceAreaRow.city == city, ServiceAreaRow.valid_from <= on)
        .where(or_(ServiceAreaRow.valid_to.is_(None), ServiceAreaRow.valid_to > on))
    )
    if codes is not None:
        query = query.where(ServiceAreaRow.code.in_(codes))
    found = await session.scalars(query.order_by(ServiceAreaRow.code))
    return {row.code: _from_row(row) for row in found}


async def area_versions(session: AsyncSession, city: str, code: str | None = None) -> list[ServiceArea]:
    """Every record, of one code where given, oldest first within a code."""
    query = select(ServiceAreaRow).where(ServiceAreaRow.city == city)
    if code is not None:
        query = query.where(ServiceAreaRow.code == code)
    rows = await session.scalars(query.order_by(ServiceAreaRow.code, ServiceAreaRow.valid_from))
    return [_from_row(row) for row in rows]


async def _newest(session: AsyncSession, city: str, code: str) -> ServiceArea | None:
    query = select(ServiceAreaRow).where(ServiceAreaRow.city == city, ServiceAreaRow.code == code)
    last = query.order_by(ServiceAreaRow.valid_from.desc()).limit(1)
    row = (await session.scalars(last)).one_or_none()
    return None if row is None else _from_row(row)


async def _take(session: AsyncSession, city: str, area: ServiceArea, held: ServiceArea | None) -> str:
    """Which of Imported's lists the area goes to."""
    if held is None:
        await _insert(session, city, replace(area, version=1))
        return "new"
    if area.illustrative and not held.illustrative:
        raise Conflict(f"{area.code} is a utility's own area; an illustrative one cannot take its place")
    if area.valid_from < held.valid_from:
        raise Conflict(f"{area.code} has a later version, from {held.valid_from}", pointer="/valid_from")
    if area.valid_from > held.valid_from:
        if held.valid_to is None or held.valid_to > area.valid_from:
            await _end(session, city, held, area.valid_from)
        await _insert(session, city, replace(area, version=held.version + 1))
        return "changed"
    as_held = replace(area, version=held.version, valid_to=held.valid_to, geometry=held.geometry)
    if as_held != held or not area.geometry.normalize().equals_exact(held.geometry.normalize(), 0.0):
        raise Conflict(
            f"{area.code} is held from {held.valid_from} and differs; give the change a later day",
            pointer="/valid_from",
        )
    if area.valid_to == held.valid_to:
        return "same"
    if held.valid_to is not None:
        raise Conflict(f"{area.code} ends on {held.valid_to} already", pointer="/valid_to")
    await _end(session, city, held, area.valid_to)
    return "ended"


async def _insert(session: AsyncSession, city: str, area: ServiceArea) -> None:
    facts = {name: getattr(area, name) for name in COLUMNS}
    await session.execute(insert(ServiceAreaRow).values(city=city, **facts))


async def _end(session: AsyncSession, city: str, held: ServiceArea, on: date | None) -> None:
    await session.execute(
        update(ServiceAreaRow)
        .where(ServiceAreaRow.city == city, ServiceAreaRow.code == held.code)
        .where(ServiceAreaRow.valid_from == held.valid_from)
        .values(valid_to=on)
    )


def _from_row(row: ServiceAreaRow) -> ServiceArea:
    return ServiceArea(**{name: getattr(row, name) for name in COLUMNS})
