"""The live grid: the store's places in this process's memory, never staler than a SELECT.

Every question first asks the store whose places or wishes changed since the last question: one statement, on a
connection kept for it. Where somebody's did, it is asked again in one snapshot, together with their rows as they are
now. On PostgreSQL changes are found by their transaction: those that the snapshot of the last reading did not see. By
sequence, one that took its number early and committed late would be missed; by logged values or in two statements, two
moments would be mixed. On SQLite there is one writer at a time, so the sequence is enough.

While the grid is loading, was left behind by a bulk import, or cannot be had at all, the store's own path answers: the
same, more slowly.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from shapely.geometry.base import BaseGeometry
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from geoalert.audience.changes import KEPT, Position, changed_since, current, everyone, looked_since, position
from geoalert.audience.cover import Cover
from geoalert.audience.grid import Grid, Person
from geoalert.audience.grounds import every_ground, sharing
from geoalert.audience.look import Look, look_in_store
from geoalert.audience.overlay import Overlay
from geoalert.audience.parts import Divided, Division, divided_in, with_grounds
from geoalert.audience.people import People
from geoalert.audience.places import people_in
from geoalert.audience.sieve import Sieve
from geoalert.store import Store
from geoalert.store.meanwhile import meanwhile

if TYPE_CHECKING:
    from geoalert.audience.overlay import View

log = logging.getLogger(__name__)

MERGE_AT: Final = 2_000  # changed people, from where a new base is made beside the old one
RELOAD_AT: Final = 50_000  # changed people at once, from where reading everybody anew is quicker
FORGOTTEN: Final = KEPT / 2  # without a look, by the clock that prunes: the log may have been pruned past us
CONNECTIONS: Final = 4
LOOK_EVERY: Final = 1.0  # seconds
TRY_AGAIN: Final = 5.0
PATIENCE: Final = 20.0  # for a store that says nothing: everybody who asks waits behind whoever asked it first


@dataclass
class LiveGrid:
    """Answers for one store; `keep` must run for as long as it is asked."""

    store: Store
    _own: Store = field(init=False)
    _overlay: Overlay | None = None
    _position: Position | None = None
    _looking: AsyncSession | None = None  # one statement at a time, under `_one`
    _merging: asyncio.Task[None] | None = None
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)
    _behind: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        # Whoever asks holds a connection of the store's: were ours from there too, as many askers as it has
        # connections would wait for each other.
        self._own = self.store.apart(CONNECTIONS)

    async def __call__(
        self,
        session: AsyncSession,
        area: BaseGeometry,
        ground_of: Callable[[str], BaseGeometry],
        sieve: Sieve | None = None,
    ) -> People:
        """Everyone with a place in the area; whoever committed before this call is seen as they were then or later.
        With a sieve those who pass it, and perhaps others.

        What `session` itself has not committed is not seen.
        """
        find = await self._seen(area) or people_in
        return await find(session, area, ground_of, sieve)

    async def divided(
        self, session: AsyncSession, area: BaseGeometry, ground_of: Callable[[str], BaseGeometry], division: Division
    ) -> Divided:
        """As a call, and which part of the area each person is counted in: all of one moment."""
        seen = await self._seen(area, division)
        if seen is not None:
            try:
                return _divided(seen.view, seen.cover, ground_of, division)
            except Exception as error:  # noqa: BLE001 - as in `_seen`
                _leave_to_store(error)
        return await divided_in(session, area, ground_of, division)

    async def look(self, session: AsyncSession, area: BaseGeometry) -> Look:
        """The store as it is now, and who has a place in this area or another: one question for both. What `session`
        itself has not committed is not seen.
        """
        seen = await self._seen(area)
        return await look_in_store(session, area) if seen is None else Look(seen.at, seen)

    async def _seen(self, area: BaseGeometry, division: Division | None = None) -> _Seen | None:
        """The grid as the store is now, for this area, which the division may know; None where the store's own path
        must answer.
        """
        if self._overlay is None:
            return None
        try:
            now, cover = await meanwhile(self._now(), lambda: _covered(area, division))
        except Exception as error:  # noqa: BLE001 - it is only the quicker way; whatever is wrong, ask the other
            _leave_to_store(error)
            return None
        return None if now is None else _Seen(*now, cover)

    @property
    def loaded(self) -> bool:
        """Whether questions are answered from memory now."""
        return self._overlay is not None

    @property
    def nbytes(self) -> int:
        """Bytes of the base's arrays."""
        return 0 if self._overlay is None else self._overlay.base.nbytes

    @property
    def people(self) -> int:
        """People in the base."""
        return 0 if self._overlay is None else len(self._overlay.base)

    async def keep(self, stopping: asyncio.Event) -> None:
        """Loads, then follows the store until `stopping` is set, so that no question has much to catch up with."""
        while not stopping.is_set():
            pause = LOOK_EVERY
            try:
                await self._follow()
            except Exception as error:  # noqa: BLE001 - a store that is away comes back; until then its path answers
                log.warning("the live grid waits: %s", type(error).__name__)
                pause = TRY_AGAIN
            self._behind.clear()
            waits = {asyncio.create_task(stopping.wait()), asyncio.create_task(self._behind.wait())}
            await asyncio.wait(waits, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
        if self._merging is not None:
            await asyncio.wait({self._merging})
        async with self._one:
            self._overlay = self._position = None
            if self._looking is not None:
                await self._looking.close()
        await self._own.close()

    async def _follow(self) -> None:
        if self._overlay is not None:
            await self._now()
            return
        async with self._own.reading() as session:
            at = await position(session)
            persons, places = await everyone(session)
            grounds = await every_ground(session)
        base = await asyncio.to_thread(Grid.build, persons, places, grounds)
        async with self._one:
            self._overlay, self._position = Overlay(base), at

    async def _now(self) -> tuple[Position, View] | None:
        """The grid as the store is now, and where its log stands; None where the store's own path must answer."""
        async with self._one, asyncio.timeout(PATIENCE):
            overlay, since = self._overlay, self._position
            if overlay is None or since is None:
                return None
            now, ids = await self._look(since)
            changes: dict[int, Person | None] = {}
            if ids and not _lost(since, now, ids):
                async with self._own.reading() as session:
                    now, ids = await changed_since(session, since, RELOAD_AT + 1)
                    changes = {} if _lost(since, now, ids) else await current(session, ids)
            if _lost(since, now, ids):
                self._overlay = self._position = None
                self._behind.set()
                return None
            # Together: a reading that breaks off in between is done again.
            overlay.apply(changes)
            self._position = now
            if len(overlay) > MERGE_AT and (self._merging is None or self._merging.done()):
                self._merging = asyncio.create_task(self._merge(overlay))
            return now, overlay.view()

    async def _look(self, since: Position) -> tuple[Position, list[int]]:
        """Whose entries came since, of this moment."""
        looking, self._looking = self._looking or self._own.looking(), None
        try:
            found = await looked_since(looking, since, RELOAD_AT + 1)
        except BaseException:
            # Behind a new connection there may be another server, or this one restored: nothing held is sure of it.
            self._overlay = self._position = None
            self._behind.set()
            # Whatever is on its way on this connection, nobody may take it for the next answer.
            await looking.invalidate()
            raise
        self._looking = looking
        return found

    async def _merge(self, old: Overlay) -> None:
        """Makes a base of everything up to now, off to the side."""
        changes = old.snapshot()
        try:
            base = await asyncio.to_thread(old.base.merged, changes)
        except Exception:
            log.exception("the live grid could not be merged")  # what changed stays laid over it
            return
        async with self._one:
            if self._overlay is old:
                self._overlay = old.onto(base, changes)


@dataclass(frozen=True, slots=True)
class _Seen:
    """Finds people as the grid had them where the store's log stood `at`; by the store's own path where that fails."""

    at: Position
    view: View
    cover: Cover

    async def __call__(
        self,
        session: AsyncSession,
        area: BaseGeometry,
        ground_of: Callable[[str], BaseGeometry],
        sieve: Sieve | None = None,
    ) -> People:
        try:
            cover = self.cover if self.cover.area is area else Cover.of(area)
            return _people(self.view, cover, ground_of, sieve)
        except Exception as error:  # noqa: BLE001 - as in `LiveGrid._seen`
            _leave_to_store(error)
            return await people_in(session, area, ground_of, sieve)


def _leave_to_store(error: Exception) -> None:
    log.warning("the store's own path answers: %s", type(error).__name__)


def _lost(since: Position, now: Position, ids: list[int]) -> bool:
    return len(ids) > RELOAD_AT or now.at - since.at > FORGOTTEN or now.before(since)


def _covered(area: BaseGeometry, division: Division | None) -> Cover:
    covers = () if division is None else division.covers
    return next((known for known in covers if known.area is area), None) or Cover.of(area)


def _people(view: View, cover: Cover, ground_of: Callable[[str], BaseGeometry], sieve: Sieve | None) -> People:
    points = view.people(cover, sieve)
    return points.joined(view.grounds(sharing(cover.area, view.codes, ground_of)).people()) if view.codes else points


def _divided(view: View, cover: Cover, ground_of: Callable[[str], BaseGeometry], division: Division) -> Divided:
    points = Divided(*view.divided(cover, division.covers))
    if not view.codes:
        return points
    return with_grounds(points, view.grounds(sharing(cover.area, view.codes, ground_of)), division)


async def tell_to_reload(connection: AsyncConnection) -> None:
    """Makes every process that still follows the log of a store restored in its place read everybody anew: to them it
    looks like an import too large to follow. On SQLite there is nobody to tell: another store is another file.
    """
    if connection.dialect.name == "postgresql":
        entries = text(
            "INSERT INTO audience_change (subscriber_id) SELECT -nobody FROM generate_series(1, :many) nobody"
        )
        await connection.execute(entries, {"many": RELOAD_AT + 1})
