"""Filling an empty store for a demo: officers, accounts and made-up citizens."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.departments import issue, name_officer
from geoalert.operations.demo_people import citizens
from geoalert.operations.demo_story import ACCOUNTS, CELL, DEPARTMENTS
from geoalert.operations.desk import Desk
from geoalert.store import database_now
from geoalert.subscribers import register
from geoalert.subscribers.accounts import add_account

SEED = 411_038
POSTS = ("Executive Engineer", "Deputy Engineer")


@dataclass(frozen=True)
class Credentials:
    """Of two officers per department, the cell's manager, and one department's machine."""

    officers: dict[str, tuple[str, str]]
    cell: str
    machine: str

    def write(self, path: Path) -> None:
        """Keeps them in a file that only its owner reads."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as out:
            json.dump(asdict(self), out, indent=1)


async def seat_officers(session: AsyncSession) -> Credentials:
    """Two named officers for each demo department, one of the cell, and a key for Water Supply's own system."""
    officers: dict[str, tuple[str, str]] = {}
    for department in DEPARTMENTS:
        role = "disaster" if department == "disaster-management" else "nodal"
        pair = [
            await name_officer(session, department, f"Demo officer {number} of {department}", post, [role])
            for number, post in enumerate(POSTS, start=1)
        ]
        first, second = [await issue(session, department, officer=officer.reference) for officer in pair]
        officers[department] = first, second
    manager = await name_officer(session, CELL, "Demo manager of the cell", "Cell manager", ["cell"])
    cell = await issue(session, CELL, officer=manager.reference)
    machine = await issue(session, "water-supply", label="demo")
    for name, language in ACCOUNTS:
        await add_account(session, "mastodon", name, language)
    return Credentials(officers, cell, machine)


async def settle_citizens(desk: Desk, count: int, progress: Callable[[int], None]) -> None:
    """`count` made-up citizens, a group a commit."""
    async with desk.store.reading() as session:
        units = desk.city.tree.units(desk.day(await database_now(session)))
    for group in citizens(units, len(desk.categories), count, SEED):
        async with desk.store.writing() as session:
            await register(session, group, "demo")
        progress(len(group))
