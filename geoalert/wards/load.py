"""Putting a city's tree into the store, where QGIS and other rooms' tables can meet it."""

from __future__ import annotations

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.wards.model import WardTree
from geoalert.wards.tables import WardRow


async def load_tree(session: AsyncSession, tree: WardTree) -> int:
    """Adds the records of this city and epoch that are not there yet; returns how many. Held records never change."""
    held = {
        (code, since)
        for code, since in (
            await session.execute(select(WardRow.code, WardRow.valid_from).where(WardRow.city == tree.city))
        )
    }
    rows = [
        {
            "city": tree.city,
            "epoch": tree.epoch,
            "code": ward.code,
            "level": ward.level,
            "kind": ward.kind,
            "parent": ward.parent,
            "name_en": ward.name_en,
            "name_mr": ward.name_mr,
            "name_hi": ward.name_hi,
            "aliases": list(ward.aliases),
            "valid_from": ward.valid_from,
            "valid_to": ward.valid_to,
            "area_km2": ward.area_km2,
            "geometry": ward.geometry,
        }
        for ward in tree.wards
        if (ward.code, ward.valid_from) not in held
    ]
    if rows:
        await session.execute(insert(WardRow), rows)
    return len(rows)
