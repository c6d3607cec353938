"""Epochs in the store: a new version of the tree takes effect at its date and what it follows ends there.

Everything happens in the caller's transaction and behind one row lock for each city, so that an import is whole or
not at all and two of them cannot cross. Held records are never rewritten: only their last day is set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Final

from sqlalchemy import ColumnElement, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audit import append
from geoalert.errors import Conflict
from geoalert.store import database_now, insert_for
from geoalert.wards.geojson import write_text
from geoalert.wards.model import Epoch, Level, Ward, WardTree
from geoalert.wards.product import City
from geoalert.wards.projection import area_km2
from geoalert.wards.tables import EpochRow, VersionRow, WardRow

PACKAGED: Final = "packaged"
# Two drawings of one unit may part by this share of its area; more, and the code stands for other ground.
SAME_GROUND: Final = 0.001


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an epoch came from: the files' names and the digest of their bytes."""

    source: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Begun:
    """An epoch as it was taken in; `closed` counts the records that end where it begins."""

    epoch: Epoch
    counts: Mapping[Level, int]
    closed: int


async def begin_epoch(session: AsyncSession, tree: WardTree, epoch: Epoch, origin: Origin, epsg: int) -> Begun:
    """Adds the records of `tree` as `epoch` of its city, from its first day to the next epoch that is held.

    Raises:
        Conflict: the label or the day is taken, the tree changes on a later day that is held, or a unit's code stands
            for other ground in another epoch and does not carry this one's label.
    """
    await lock_city(session, tree.city)
    until = await _room(session, tree.city, epoch)
    await _codes_are_free(session, tree, epoch, epsg)
    open_then = WardRow.city == tree.city, WardRow.valid_from < epoch.valid_from, _open(WardRow, epoch.valid_from)
    closed = await _count(session, *open_then)
    await session.execute(update(WardRow).where(*open_then).values(valid_to=epoch.valid_from))
    earlier = EpochRow.city == tree.city, EpochRow.valid_from < epoch.valid_from, _open(EpochRow, epoch.valid_from)
    await session.execute(update(EpochRow).where(*earlier).values(valid_to=epoch.valid_from))
    rows = [_row(tree.city, epoch.label, ward, until) for ward in tree.wards]
    await session.execute(insert(WardRow), rows)
    facts = {"label": epoch.label, "valid_from": epoch.valid_from, "valid_to": until, "note": epoch.note}
    came = {"source": origin.source[:200], "sha256": origin.sha256, "imported_at": await database_now(session)}
    await session.execute(insert(EpochRow).values(city=tree.city, **facts, **came))
    await _changed(session, tree.city)
    counts = Counter(ward.level for ward in tree.wards if ward.in_force(epoch.valid_from))
    return Begun(Epoch(epoch.label, epoch.valid_from, until, epoch.note), dict(counts), closed)


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """An epoch that was taken back: how many records it had, how many go on that it had ended, its file's digest."""

    epoch: Epoch
    wards: int
    opened: int
    sha256: str


async def withdraw_epoch(session: AsyncSession, city: str, epoch: Epoch) -> Withdrawn:
    """Removes the records of an epoch that is held and lets those go on that ended where it begins. Whether it may
    go is for the caller to say.

    Raises:
        Conflict: it is the packaged one, which the next start would bring back.
    """
    await lock_city(session, city)
    one = EpochRow.city == city, EpochRow.label == epoch.label
    held = (await session.scalars(select(EpochRow).where(*one))).one()
    if held.source == PACKAGED:
        raise Conflict(f"the epoch {epoch.label} is the city's own; change city.toml and its files")
    rows = WardRow.city == city, WardRow.epoch == epoch.label
    wards = await _count(session, *rows)
    await session.execute(delete(WardRow).where(*rows))
    await session.execute(delete(EpochRow).where(*one))
    # `_room` saw to it that nothing else ends on that day.
    ended = WardRow.city == city, WardRow.valid_to == epoch.valid_from
    opened = await _count(session, *ended)
    await session.execute(update(WardRow).where(*ended).values(valid_to=epoch.valid_to))
    before = EpochRow.city == city, EpochRow.valid_to == epoch.valid_from
    await session.execute(update(EpochRow).where(*before).values(valid_to=epoch.valid_to))
    await _changed(session, city)
    return Withdrawn(epoch, wards, opened, held.sha256)


async def import_epoch(session: AsyncSession, city: City, tree: WardTree, origin: Origin, by: str) -> Begun:
    """Takes in an epoch that `by` brought, after the city's own where that is not held yet, and records who did.

    Raises:
        Conflict: as `begin_epoch`.
    """
    (epoch,) = tree.epochs
    await begin_packaged(session, city)
    begun = await begin_epoch(session, tree, epoch, origin, city.config.epsg)
    facts = {"valid_from": epoch.valid_from.isoformat(), "sha256": origin.sha256, "closed": begun.closed}
    await append(session, by, "wards.imported", f"{tree.city} {epoch.label}", facts | {"wards": len(tree.wards)})
    return begun


async def begin_packaged(session: AsyncSession, city: City) -> bool:
    """Takes in the epoch of the city's own files, unless it is held or the store is past it; whether it did.

    What a city imported itself is never undone by a start of the program; the note of a held packaged epoch follows
    city.toml.
    """
    if not city.tree.wards:
        return False
    await lock_city(session, city.config.key)
    (packaged,) = city.tree.epochs
    held = await read_epochs(session, city.config.key)
    same = next((row for row in held if row.label == packaged.label), None)
    if same is not None:
        if same.source == PACKAGED and (same.note != packaged.note or not same.sha256):
            same.note, same.sha256 = packaged.note, digest_of(city.tree)
            await _changed(session, city.config.key)
        return False
    if any(row.valid_from >= packaged.valid_from for row in held):
        return False
    origin = Origin(PACKAGED, digest_of(city.tree))
    await begin_epoch(session, city.tree, packaged, origin, city.config.epsg)
    return True


async def read_epochs(session: AsyncSession, city: str) -> Sequence[EpochRow]:
    """The city's epochs, oldest first."""
    return list(await session.scalars(select(EpochRow).where(EpochRow.city == city).order_by(EpochRow.valid_from)))


_VERSION: Final = select(VersionRow.version).where(VersionRow.city == bindparam("city"))  # every request asks


async def read_version(session: AsyncSession, city: str) -> int:
    """How often the city's tree has changed; 0 where the store holds none."""
    return await session.scalar(_VERSION, {"city": city}) or 0


async def read_tree(session: AsyncSession, city: str) -> WardTree:
    """Every record of the city over all its epochs."""
    held = await read_epochs(session, city)
    epochs = [Epoch(row.label, row.valid_from, row.valid_to, row.note) for row in held]
    columns = [getattr(WardRow, name) for name in Ward.__dataclass_fields__]
    rows = await session.execute(select(*columns).where(WardRow.city == city).order_by(WardRow.id))
    wards = tuple(Ward(**(row._asdict() | {"aliases": tuple(row.aliases)})) for row in rows)
    return WardTree(city, epochs[-1].label if epochs else "", wards, tuple(epochs))


def digest_of(tree: WardTree) -> str:
    """SHA-256 of the records as the product's own files would write them."""
    return sha256(write_text(tree.wards, {"epoch": tree.epoch}).encode()).hexdigest()


async def _count(session: AsyncSession, *which: ColumnElement[bool]) -> int:
    """How many records of wards these conditions hold for."""
    return await session.scalar(select(func.count()).select_from(WardRow).where(*which)) or 0


def _open(row: type[WardRow | EpochRow], day: date) -> ColumnElement[bool]:
    return or_(row.valid_to.is_(None), row.valid_to > day)


async def lock_city(session: AsyncSession, city: str) -> None:
    """One import of a city at a time."""
    await session.execute(insert_for(session)(VersionRow).values(city=city, version=0).on_conflict_do_nothing())
    await session.execute(select(VersionRow.version).where(VersionRow.city == city).with_for_update())


async def _changed(session: AsyncSession, city: str) -> None:
    await session.flush()
    await session.execute(update(VersionRow).where(VersionRow.city == city).values(version=VersionRow.version + 1))


async def _room(session: AsyncSession, city: str, epoch: Epoch) -> date | None:
    """The day on which the next held epoch begins."""
    held = await read_epochs(session, city)
    for row in held:
        if row.label == epoch.label:
            raise Conflict(f"the epoch {epoch.label} is held already, from {row.valid_from}", pointer="/epoch")
        if row.valid_from == epoch.valid_from:
            raise Conflict(f"the epoch {row.label} begins on that day", pointer="/valid_from")
    until = min((row.valid_from for row in held if row.valid_from > epoch.valid_from), default=None)
    changed = None
    for day in (WardRow.valid_from, WardRow.valid_to):  # a ward may end without another's beginning
        later = select(func.max(day)).where(WardRow.city == city, day >= epoch.valid_from)
        last = await session.scalar(later if until is None else later.where(day < until))
        changed = max(filter(None, (changed, last)), default=None)
    if changed is not None:
        raise Conflict(f"the tree that is held changes on {changed}; begin after that day", pointer="/valid_from")
    return until


async def _codes_are_free(session: AsyncSession, tree: WardTree, epoch: Epoch, epsg: int) -> None:
    """Two delimitations may both number their units 1 to 41; a code must never join the ground of one to the other."""
    units = {ward.code: ward for ward in tree.wards if ward.level == "unit" and epoch.label not in ward.code}
    rows = await session.execute(
        select(WardRow.code, WardRow.epoch, WardRow.level, WardRow.geometry).where(WardRow.city == tree.city)
    )
    for code, label, level, geometry in rows:
        unit = units.get(code)
        if unit is None:
            continue
        apart = area_km2(unit.geometry.symmetric_difference(geometry), epsg)
        if level != "unit" or apart > SAME_GROUND * unit.area_km2:
            raise Conflict(
                f"{code} is other ground in the epoch {label}; give the units codes that carry their epoch, such as"
                f" {epoch.label}-{code}, with `code` under [import] in city.toml",
                pointer="/code",
            )


def _row(city: str, label: str, ward: Ward, until: date | None) -> dict[str, object]:
    facts: dict[str, object] = {name: getattr(ward, name) for name in Ward.__dataclass_fields__}
    ends = [day for day in (ward.valid_to, until) if day is not None]
    return facts | {"city": city, "epoch": label, "aliases": list(ward.aliases), "valid_to": min(ends, default=None)}
