"""The live grid: the store's places in this process's memory, never staler than a SELECT.

Every question first reads, in one snapshot of the store, whose places or wishes changed since the last question, and
those people's rows as they are now. On PostgreSQL changes are found by their transaction: those that the snapshot of
the last reading did not see. By sequence, one that took its number early and committed late would be missed; by logged
values or in two statements, two moments would be mixed. On SQLite there is one writer at a time, so the sequence is
enough.

While the grid is loading, was left behind by a bulk import, or cannot be had at all, the store's own path answers: the
same, more slowly.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from shapely.geometry.base import BaseGeometry
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audience.changes import KEPT, Position, changed_since, current, everyone, position
from geoalert.audience.cover import Cover
from geoalert.audience.grid import Grid
from geoalert.audience.grounds import by_ground, ground_in
from geoalert.audience.overlay import Overlay
from geoalert.audience.parts import Divided, Division, divided_in, with_grounds
from geoalert.audience.people import People
from geoalert.audience.places import people_in
from geoalert.store import Store

if TYPE_CHECKING:
    from geoalert.audience.overlay import View

log = logging.getLogger(__name__)
Found = TypeVar("Found")

MERGE_AT: Final = 2_000  # changed people, from where a new base is made beside the old one
RELOAD_AT: Final = 50_000  # changed people at once, from where reading everybody anew is quicker
FORGOTTEN: Final = KEPT / 2  # without a look, by the clock that prunes: the log may have been pruned past us
CONNECTIONS: Final = 4
LOOK_EVERY: Final = 1.0  # seconds
TRY_AGAIN: Final = 5.0


@dataclass
class LiveGrid:
    """Answers for one store; `keep` must run for as long as it is asked."""

    store: Store
    _own: Store = field(init=False)
    _overlay: Overlay | None = None
    _position: Position | None = None
    _merging: asyncio.Task[None] | None = None
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)
    _behind: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        # Whoever asks holds a connection of the store's: were ours from there too, as many askers as it has
        # connections would wait for each other.
        self._own = self.store.apart(CONNECTIONS)

    async def __call__(
        self, session: AsyncSession, area: BaseGeometry, ground_of: Callable[[str], BaseGeometry]
    ) -> People:
        """Everyone with a place in the area; whoever committed before this call is seen as they were then or later.

        What `session` itself has not committed is not seen.
        """
        found = await self._asked(lambda own, view: self._people(own, view, area, ground_of))
        return await people_in(session, area, ground_of) if found is None else found

    async def divided(
        self, session: AsyncSession, area: BaseGeometry, ground_of: Callable[[str], BaseGeometry], division: Division
    ) -> Divided:
        """As a call, and which part of the area each person is counted in: all of one moment."""
        found = await self._asked(lambda own, view: self._divided(own, view, area, ground_of, division))
        return await divided_in(session, area, ground_of, division) if found is None else found

    async def _asked(self, answer: Callable[[AsyncSession, View], Awaitable[Found]]) -> Found | None:
        """The answer from memory; None where the store's own path must give it."""
        if self._overlay is None:
            return None
        try:
            async with self._own.reading() as own:
                view = await self._now(own)
                return None if view is None else await answer(own, view)
        except Exception as error:  # noqa: BLE001 - it is only the quicker way; whatever is wrong, ask the other
            log.warning("the store's own path answers: %s", type(error).__name__)
            return None

    @staticmethod
    async def _people(
        own: AsyncSession, view: View, area: BaseGeometry, ground_of: Callable[[str], BaseGeometry]
    ) -> People:
        # By the same snapshot: who moved from a ward to a point meanwhile is in one of the two.
        ground = await by_ground(own, area, ground_of)
        return view.people(Cover.of(area)).joined(ground)

    @staticmethod
    async def _divided(
        own: AsyncSession,
        view: View,
        area: BaseGeometry,
        ground_of: Callable[[str], BaseGeometry],
        division: Division,
    ) -> Divided:
        grounds = await ground_in(own, area, ground_of)
        cover = Cover.of(area)
        parts = [cover if shape is area else Cover.of(shape) for shape in division.shapes]
        return with_grounds(Divided(*view.divided(cover, parts)), grounds, division)

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
        self._overlay = self._position = None
        await self._own.close()

    async def _follow(self) -> None:
        async with self._own.reading() as session:
            if self._overlay is not None:
                await self._now(session)
                return
            at = await position(session)
            persons, places = await everyone(session)
        base = await asyncio.to_thread(Grid.build, persons, places)
        async with self._one:
            self._overlay, self._position = Overlay(base), at

    async def _now(self, session: AsyncSession) -> View | None:
        """The grid as the store is now, by this session's snapshot, which begins here; None where the store's own
        path must answer.
        """
        async with self._one:
            overlay, since = self._overlay, self._position
            if overlay is None or since is None:
                return None
            now, ids = await changed_since(session, since, RELOAD_AT + 1)
            if len(ids) > RELOAD_AT or now.at - since.at > FORGOTTEN:
                self._overlay = self._position = None
                self._behind.set()
                return None
            changes = await current(session, ids)
            # Together: a reading that breaks off in between is done again.
            overlay.apply(changes)
            self._position = now
            if len(overlay) > MERGE_AT and (self._merging is None or self._merging.done()):
                self._merging = asyncio.create_task(self._merge(overlay))
            return overlay.view()

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
