"""The live grid: the store's places in this process's memory, never staler than a SELECT.

Every question first reads, in one snapshot of the store, whose places or wishes changed since the last question, and
those people's rows as they are now. On PostgreSQL changes are found by the number of their transaction: all those not
older than the oldest that was still open at the last reading. By sequence, one that took its number early and committed
late would be missed; by logged values or in two statements, two moments would be mixed. On SQLite there is one writer
at a time, so the sequence is enough.

While the grid is loading, was left behind by a bulk import, or cannot be had at all, the store's own path answers: the
same, more slowly.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from shapely.geometry.base import BaseGeometry
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audience.changes import Position, changed_since, current, everyone, position
from geoalert.audience.cover import Cover
from geoalert.audience.grid import Grid
from geoalert.audience.overlay import Overlay
from geoalert.audience.parts import Divided, Division, divided_in, with_grounds
from geoalert.audience.people import People
from geoalert.audience.places import by_ground, ground_in, people_in
from geoalert.store import Store

if TYPE_CHECKING:
    from geoalert.audience.overlay import View

log = logging.getLogger(__name__)

MERGE_AT: Final = 2_000  # changed people, from where a new base is made beside the old one
RELOAD_AT: Final = 50_000  # changed people at once, from where reading everybody anew is quicker
FORGOTTEN: Final = 12 * 3600.0  # seconds without a look, after which the log may have been pruned past us
LOOK_EVERY: Final = 1.0  # seconds
TRY_AGAIN: Final = 5.0


@dataclass
class LiveGrid:
    """Answers for one store; `keep` must run for as long as it is asked."""

    store: Store
    _overlay: Overlay | None = None
    _position: Position | None = None
    _looked: float = 0.0
    _merging: asyncio.Task[None] | None = None
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)
    _behind: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(
        self, session: AsyncSession, area: BaseGeometry, ground_of: Callable[[str], BaseGeometry]
    ) -> People:
        """Everyone with a place in the area; whoever committed before this call is seen as they were then or later."""
        view = await self._now()
        if view is None:
            return await people_in(session, area, ground_of)
        return view.people(Cover.of(area)).joined(await by_ground(session, area, ground_of))

    async def divided(
        self, session: AsyncSession, area: BaseGeometry, ground_of: Callable[[str], BaseGeometry], division: Division
    ) -> Divided:
        """As a call, and which part of the area each person is counted in: all of one moment."""
        view = await self._now()
        if view is None:
            return await divided_in(session, area, ground_of, division)
        cover = Cover.of(area)
        parts = [cover if shape is area else Cover.of(shape) for shape in division.shapes]
        points = Divided(*view.divided(cover, parts))
        return with_grounds(points, await ground_in(session, area, ground_of), division)

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
                await self._load() if self._overlay is None else await self._now()
            except Exception as error:  # noqa: BLE001 - a store that is away comes back; until then its path answers
                log.warning("the live grid waits: %s", type(error).__name__)
                pause = TRY_AGAIN
            self._behind.clear()
            waits = {asyncio.create_task(stopping.wait()), asyncio.create_task(self._behind.wait())}
            await asyncio.wait(waits, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
        if self._merging is not None:
            with suppress(asyncio.CancelledError):
                await self._merging

    async def _load(self) -> None:
        async with self.store.reading() as session:
            at = await position(session)
            persons, places = await everyone(session)
        base = await asyncio.to_thread(Grid.build, persons, places)
        async with self._one:
            self._overlay, self._position, self._looked = Overlay(base), at, time.monotonic()

    async def _now(self) -> View | None:
        """The grid as the store is now; None where the store's own path must answer."""
        async with self._one:
            if self._overlay is None or self._position is None:
                return None
            async with self.store.reading() as session:
                self._position, ids = await changed_since(session, self._position)
                if len(ids) > RELOAD_AT or time.monotonic() - self._looked > FORGOTTEN:
                    self._overlay = self._position = None
                    self._behind.set()
                    return None
                if ids:
                    self._overlay.apply(await current(session, ids))
            self._looked = time.monotonic()
            if len(self._overlay) > MERGE_AT and (self._merging is None or self._merging.done()):
                self._merging = asyncio.create_task(self._merge(self._overlay))
            return self._overlay.view()

    async def _merge(self, old: Overlay) -> None:
        """Makes a base of everything up to now, off to the side."""
        changes = old.snapshot()
        base = await asyncio.to_thread(old.base.merged, changes)
        async with self._one:
            if self._overlay is old:
                self._overlay = old.onto(base, changes)
