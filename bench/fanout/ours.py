"""geoalert itself: the product's own resolve, rules and batches, committed in the product's own store."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from sqlalchemy import delete, select, text, update

from bench.fanout.crowd import PUSH, WATER, Crowd
from geoalert import compiled
from geoalert.alerts.tables import Alert, Message
from geoalert.audience import Aim, Looker, look_in_store, resolve
from geoalert.bootstrap import House, open_house
from geoalert.bootstrap.house import BATCH_SIZES
from geoalert.dispatch.owners import owners_in
from geoalert.dispatch.plan import Route, plan_batches
from geoalert.dispatch.recipients import Recipients
from geoalert.dispatch.tables import Batch
from geoalert.settings import Settings
from geoalert.subscribers.cells import cell_of
from geoalert.subscribers.tables import Place

SINCE = "2026-11-01T00:00:00.000000+00:00"
PEOPLE = (
    "id",
    "reference",
    "language",
    "categories",
    "min_severity",
    "quiet_from",
    "quiet_to",
    "consent",
    "state",
    "created_at",
    "updated_at",
)
PLACES = ("subscriber_id", "label", "x", "y", "cell", "attr", "categories")
ROUTES = {PUSH: Route("fcm", BATCH_SIZES["push"])}


@dataclass
class Ours:
    """One store with the crowd in it, and a message to send."""

    house: House
    message: Message

    async def release(self, area: BaseGeometry, look: Looker) -> int:
        """Resolve, filter, distinct, batches, commit: as a release does it. How many are told."""
        async with self.house.store.writing() as session:
            seen = await look(session, area)
            now = seen.position.now(session)
            aim = Aim(area, WATER, "Moderate", frozenset({PUSH}), self.house.desk.zone, self._nowhere)
            told = (await resolve(session, aim, now, seen.find)).members
            recipients = Recipients.of(told.subscriber, told.channel, told.language, told.hold)
            await plan_batches(session, self.message, recipients, ROUTES, now, first=True)
        return len(recipients)

    async def by_database(self, area: BaseGeometry) -> int:
        compiled.switch(on=False)
        return await self.release(area, look_in_store)

    async def by_grid(self, area: BaseGeometry) -> int:
        """As numpy does it."""
        compiled.switch(on=False)
        assert self.house.grid is not None
        return await self.release(area, self.house.grid.look)

    async def by_compiled(self, area: BaseGeometry) -> int:
        compiled.switch(on=True)
        assert self.house.grid is not None
        return await self.release(area, self.house.grid.look)

    async def recipients(self) -> NDArray[np.int64]:
        """What stands in the batches, ascending; and empties them."""
        async with self.house.store.writing() as session:
            held = list(await session.scalars(select(Batch.recipients)))
        await self.empty()
        return np.sort(np.concatenate([np.empty(0, dtype=np.int64), *map(owners_in, held)]))

    async def move(self, person: int, x: int, y: int) -> None:
        """One person moves all their places."""
        async with self.house.store.writing() as session:
            await session.execute(
                update(Place).where(Place.subscriber_id == person).values(x=x, y=y, cell=cell_of(x, y))
            )

    async def empty(self) -> None:
        """As the others do it."""
        async with self.house.store.writing() as session:
            await session.execute(delete(Batch))
        if self.house.store.dialect != "sqlite":
            async with self.house.store.unbegun().connect() as connection:
                await connection.execute(text("VACUUM (TRUNCATE off) batch"))

    def _nowhere(self, _code: str) -> BaseGeometry:
        return shapely.Point()


@asynccontextmanager
async def opened(url: str, keys: Path, crowd: Crowd) -> AsyncIterator[Ours]:
    """A fresh store at this URL with the crowd in it; the live grid has been loaded."""
    settings = Settings()
    settings.store.url, settings.store.key_file = url, keys
    async with open_house(settings, create=True) as house:
        await house.upgrade()
        await (_fill_sqlite if house.store.dialect == "sqlite" else _fill_postgresql)(url, crowd)
    async with open_house(settings, live=True) as house:
        await house.refresh()
        message = await _message(house)
        yield Ours(house, message)


async def _message(house: House) -> Message:
    async with house.store.writing() as session:
        now = datetime.now(UTC)
        alert = Alert(identifier="bench", department_id=1, category="water-supply", drill=False, created_at=now)
        session.add(alert)
        await session.flush()
        message = Message(
            alert_id=alert.id,
            identifier="bench",
            number=1,
            msg_type="Alert",
            state="approved",
            severity="Moderate",
            expires=now + timedelta(days=1),
            content="{}",
            content_hash="",
            area=shapely.box(73, 18, 74, 19),
            author="bench",
            author_officers=[],
            created_at=now,
        )
        session.add(message)
        await session.flush()
        return message


def _people(crowd: Crowd, moment: Callable[[str], Any]) -> Iterable[tuple[Any, ...]]:
    at = moment(SINCE)
    for number, categories in enumerate(crowd.categories.tolist(), 1):
        yield number, f"{number:036d}", 3, categories, 1, None, None, 1, "active", at, at


def _places(crowd: Crowd) -> Iterable[tuple[Any, ...]]:
    attr, categories = crowd.attr[crowd.owner - 1], crowd.categories[crowd.owner - 1]
    columns = (crowd.owner, crowd.x, crowd.y, crowd.cell, attr, categories)
    for owner, x, y, cell, bits, wishes in zip(*(column.tolist() for column in columns), strict=True):
        yield owner, "home", x, y, cell, bits, wishes


async def _fill_postgresql(url: str, crowd: Crowd) -> None:
    connection = await asyncpg.connect(url)
    # What the triggers would write is in the rows already; the release path reads no address.
    await connection.execute("SET session_replication_role = replica")
    await connection.copy_records_to_table("subscriber", records=_people(crowd, datetime.fromisoformat), columns=PEOPLE)
    await connection.copy_records_to_table("place", records=_places(crowd), columns=PLACES)
    await connection.execute("VACUUM ANALYZE place")
    await connection.execute("VACUUM ANALYZE subscriber")
    await connection.close()


async def _fill_sqlite(url: str, crowd: Crowd) -> None:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    marks = ", ".join("?" * len(PEOPLE))
    connection.executemany(f"INSERT INTO subscriber ({', '.join(PEOPLE)}) VALUES ({marks})", _people(crowd, str))
    marks = ", ".join("?" * len(PLACES))
    connection.executemany(f"INSERT INTO place ({', '.join(PLACES)}) VALUES ({marks})", _places(crowd))
    for _, made in triggers:
        connection.execute(made)
    connection.commit()
    connection.execute("ANALYZE")
    connection.close()
