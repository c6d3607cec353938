"""Who looked at which areas: the audit of previews.

A preview comes at every movement of a mouse, and an entry stays for good; so not every preview is an entry. The first
by somebody is written down before they are answered, and opens a minute. What else they look at within it is
collected, each area once, and written as one entry when the minute is over: at their next preview, or by `keep`, also
at the end of the process. So nobody looks at anything without an entry of that minute, and the next one counts all they
looked at and lists the areas, up to `MOST_LISTED`; a process that is killed loses at most the list of one minute.
Chosen over a table of its own: nothing to prune, and what the chain holds cannot be altered without being seen.

An entry names an area by its SHA-256 and square kilometres: who knows an area can find it there. No coordinates and no
counts, which could themselves tell of a home.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from shapely.geometry.base import BaseGeometry

from geoalert.alerts.area import area_digest
from geoalert.audit import append
from geoalert.store import Store

log = logging.getLogger(__name__)

ACTION: Final = "audience.previewed"
OPERATOR: Final = "operator"  # whoever holds the store's keys, at its own machine
MINUTE: Final = 60.0  # seconds
LOOK_EVERY: Final = 5.0
MOST_LISTED: Final = 500  # areas in one entry; those beyond are only counted


@dataclass(frozen=True, slots=True)
class Looked:
    """An area as the audit names it."""

    sha256: str
    km2: float
    drawn: bool

    @classmethod
    def at(cls, area: BaseGeometry, km2: float, *, drawn: bool) -> Looked:
        return cls(area_digest(area), round(km2, 2), drawn)


@dataclass
class _Minute:
    """What somebody looked at and is not yet in the chain."""

    opened: float = float("-inf")
    areas: dict[str, Looked] = field(default_factory=dict)
    previews: int = 0
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def add(self, looked: Looked) -> None:
        self.previews += 1
        if len(self.areas) < MOST_LISTED:
            self.areas.setdefault(looked.sha256, looked)


@dataclass
class PreviewJournal:
    """Of one process; `keep` must run for as long as it is used."""

    store: Store
    clock: Callable[[], float] = time.monotonic
    _minutes: dict[str, _Minute] = field(default_factory=dict)

    async def note(self, by: str, looked: Looked) -> None:
        """Returns once an entry of this minute is in the chain; raises what the store raises."""
        minute = self._minutes.setdefault(by, _Minute())
        async with minute.writing:
            minute.add(looked)
            if self.clock() - minute.opened >= MINUTE:
                await self._write(by, minute)
                minute.opened = self.clock()

    async def flush(self, *, all_: bool = True) -> None:
        """Writes what was collected, or only that of minutes that are over, and forgets who looked at nothing since."""
        for by, minute in list(self._minutes.items()):
            async with minute.writing:
                over = self.clock() - minute.opened >= MINUTE
                if minute.previews:
                    if over or all_:
                        await self._write(by, minute)
                elif over:  # never after a write: notes that came meanwhile wait for this very minute
                    del self._minutes[by]

    async def keep(self, stopping: asyncio.Event) -> None:
        """Writes minutes that are over until `stopping` is set, then the rest."""
        while not stopping.is_set():
            try:
                await asyncio.wait_for(stopping.wait(), LOOK_EVERY)
            except TimeoutError:
                await self._try(all_=False)
        await self._try(all_=True)

    async def _try(self, *, all_: bool) -> None:
        try:
            await self.flush(all_=all_)
        except Exception as error:  # noqa: BLE001 - a store that is away comes back; the list is kept until then
            log.warning("previews wait to be audited: %s", type(error).__name__)

    async def _write(self, by: str, minute: _Minute) -> None:
        areas, previews = list(minute.areas.values()), minute.previews
        listed: list[dict[str, Any]] = [{"sha256": area.sha256, "km2": area.km2, "drawn": area.drawn} for area in areas]
        async with self.store.writing() as session:
            await append(session, by, ACTION, by, {"previews": previews, "areas": listed})
        minute.areas, minute.previews = {}, 0
