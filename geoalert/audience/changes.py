"""Following the store: where its log of changes stands, whose places or wishes changed since, and how they are now."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
from sqlalchemy import delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audience.everybody import Persons
from geoalert.audience.grid import Person, Places
from geoalert.store import IDS_A_QUERY, database_now
from geoalert.store.copying import asked, bare_connection, copy_out
from geoalert.subscribers.tables import AreaPlace, AudienceChange, Place

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEPT: Final = timedelta(days=1)
PART: Final = 500_000  # rows of places read at a time
COLUMNS: Final = (Place.subscriber_id, Place.attr, Place.categories, Place.x, Place.y)
CHOSEN: Final = (AreaPlace.subscriber_id, AreaPlace.attr, AreaPlace.categories, AreaPlace.code)

SNAPSHOT: Final = "SELECT CAST(pg_current_snapshot() AS text), clock_timestamp()"
# Entries of transactions that the last reading did not see and this one does. The two bounds are for the index; the
# upper one also leaves out what came with a dump from a server that had counted further than this one.
CHANGED: Final = (
    "SELECT CAST(pg_current_snapshot() AS text), clock_timestamp(), ARRAY("
    "SELECT DISTINCT subscriber_id FROM audience_change WHERE xid >= $1"
    " AND xid < CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)"
    " AND NOT pg_visible_in_snapshot(CAST(CAST(xid AS text) AS xid8), CAST(CAST($2 AS text) AS pg_snapshot))"
    " LIMIT $3)"
)
# One question for all three: each costs a way to the driver's thread and back.
SQLITE_NOW: Final = "strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now')"
SQLITE_SNAPSHOT: Final = text(f"SELECT coalesce(max(seq), 0), {SQLITE_NOW} FROM audience_change")  # noqa: S608 - ours
SQLITE_CHANGED: Final = text(
    f"SELECT (SELECT max(seq) FROM audience_change), {SQLITE_NOW},"  # noqa: S608 - ours
    " (SELECT json_group_array(subscriber_id) FROM (SELECT DISTINCT subscriber_id FROM audience_change"
    " WHERE seq > :since LIMIT :most))"
)
EVERYONE: Final = (
    "SELECT subscriber_id, attr, categories, CAST(x AS bigint), CAST(y AS bigint) FROM place"
    " WHERE id > $1::bigint AND id <= $2::bigint"
)


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where the log was read, and when by the database's clock.

    `seen` is that reading's snapshot on PostgreSQL, written as PostgreSQL writes it; on SQLite the last sequence
    number.
    """

    seen: str
    at: datetime

    def now(self, session: AsyncSession) -> datetime:
        """The session's clock at this position, shifted where a drill asks for it."""
        shift: timedelta = session.info["shift"]
        return self.at + shift

    def before(self, other: Position) -> bool:
        """Whether the other reading reached further; of one store's readings the later one never falls behind."""
        return self.reached < other.reached

    @property
    def reached(self) -> int:
        """What this reading surely saw: every transaction, or entry, up to this number."""
        return int(self.seen.partition(":")[0])


async def position(session: AsyncSession) -> Position:
    """Where the log stands in this session's snapshot."""
    if session.get_bind().dialect.name == "postgresql":
        seen, at = await asked(session, SNAPSHOT)
        return Position(seen, at)
    last, at = (await session.execute(SQLITE_SNAPSHOT)).one()
    return Position(str(last), datetime.fromisoformat(at))


async def changed_since(session: AsyncSession, since: Position, most: int) -> tuple[Position, list[int]]:
    """Where the log stands now, and whose entries came since, each once; of more than `most` only so many. One
    statement: true of one moment also in a session without a transaction.
    """
    if session.get_bind().dialect.name == "postgresql":
        connection = await session.connection()
        found = await connection.exec_driver_sql(CHANGED, (since.reached, since.seen, most))
        seen, at, ids = tuple(found.one())
        return Position(seen, at), list(ids)
    last, at, ids = (await session.execute(SQLITE_CHANGED, {"since": int(since.seen), "most": most})).one()
    return Position(since.seen if last is None else str(last), datetime.fromisoformat(at)), json.loads(ids)


async def looked_since(session: AsyncSession, since: Position, most: int) -> tuple[Position, list[int]]:
    """As `changed_since`, in a session of `Store.looking`: straight of the driver, for every release and every preview
    waits for this one. What goes wrong is raised as the driver says it.
    """
    if session.get_bind().dialect.name != "postgresql":
        return await changed_since(session, since, most)
    raw = await bare_connection(session)
    seen, at, ids = await raw.fetchrow(CHANGED, since.reached, since.seen, most)
    return Position(seen, at), ids


async def _clock(session: AsyncSession) -> datetime:
    """The clock that `at` of an entry is written by: no drill shifts it."""
    shift: timedelta = session.info["shift"]
    return await database_now(session) - shift


async def current(session: AsyncSession, ids: Sequence[int]) -> dict[int, Person | None]:
    """These people as they are in the session's snapshot; None for who has no place."""
    found: dict[int, Person | None] = dict.fromkeys(ids)
    for start in range(0, len(ids), IDS_A_QUERY):
        group = ids[start : start + IDS_A_QUERY]
        rows = await session.execute(select(*COLUMNS).where(Place.subscriber_id.in_(group)))
        for id_, attr, categories, x, y in rows:
            known = found[id_]
            xs, ys = (known.xs, known.ys) if known is not None else ((), ())
            found[id_] = Person(attr, categories, (*xs, x), (*ys, y))
        chosen = await session.execute(select(*CHOSEN).where(AreaPlace.subscriber_id.in_(group)))
        for id_, attr, categories, code in chosen:
            known = found[id_] or Person(attr, categories, (), ())
            found[id_] = known._replace(codes=(*known.codes, code))
    return found


async def everyone(session: AsyncSession) -> tuple[Persons, Places]:
    """Everybody with a point place, in the session's snapshot."""
    parts = [part async for part in _parts(session)]
    rows = np.concatenate(parts) if parts else np.empty((0, len(COLUMNS)), dtype=np.int64)
    del parts
    subscriber = np.ascontiguousarray(rows[:, 0])
    ids, first = np.unique(subscriber, return_index=True)
    persons = Persons(ids, rows[first, 1], rows[first, 2])
    return persons, Places(subscriber, np.ascontiguousarray(rows[:, 3]), np.ascontiguousarray(rows[:, 4]))


async def _parts(session: AsyncSession) -> AsyncIterator[NDArray[np.int64]]:
    last = (await session.execute(select(func.coalesce(func.max(Place.id), 0)))).scalar_one()
    postgresql = session.get_bind().dialect.name == "postgresql"
    for start in range(0, last, PART):
        if postgresql:
            yield await copy_out(session, EVERYONE, start, start + PART, columns=len(COLUMNS))
        else:
            query = select(*COLUMNS).where(Place.id > start, Place.id <= start + PART)
            async for group in (await session.stream(query)).partitions(IDS_A_QUERY):
                yield np.array([tuple(row) for row in group], dtype=np.int64)


async def prune(session: AsyncSession) -> None:
    """Forgets entries that every follower has read or, having slept too long, will not ask for."""
    horizon = await _clock(session) - KEPT
    await session.execute(delete(AudienceChange).where(AudienceChange.at < horizon))
