"""Watching over dispatch from beside a worker: alarms begin and end, the pager hears of them, staff get their daily
message. Nothing here is waited for by whoever carries batches.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from geoalert.dispatch.alarm_book import keep_alarms
from geoalert.dispatch.channels.channel import Channel
from geoalert.dispatch.pager import Pager, send_pages
from geoalert.dispatch.staff import Staff, tell_staff
from geoalert.errors import Outdated
from geoalert.store import Store

log = logging.getLogger(__name__)

LOOK_EVERY: Final = 3.0  # seconds


@dataclass
class Watch:
    """One worker's part in it. `channels` by provider; `spread` gives numbers in [0, 1)."""

    store: Store
    channels: Mapping[str, Channel]
    spread: Callable[[], float]
    pager: Pager | None = None
    staff: Staff | None = None
    _told: date | None = field(default=None, init=False)  # the last day whose messages are known to have left
    _under_way: dict[str, asyncio.Task[None]] = field(default_factory=dict, init=False)

    async def run(self, stopping: asyncio.Event) -> None:
        """Looks every few seconds until `stopping` is set; then gives up what is under way."""
        try:
            while not stopping.is_set():
                try:
                    await self.look()
                except Outdated:
                    return
                except Exception as error:  # noqa: BLE001 - the watch outlives whatever went wrong once
                    log.warning("nobody looks for alarms now: %s", type(error).__name__)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), LOOK_EVERY)
        finally:
            await self.close()

    async def look(self) -> None:
        """Begins and ends alarms, and sets going what is to leave; waits for none of it."""
        low = {channel.provider: channel.traits.low_balance for channel in self.channels.values()}
        seen = await keep_alarms(self.store, low, paged=self.pager is not None)
        if self.pager is not None and seen.page_due:
            self._set_going("pages", send_pages(self.store, self.pager, self.spread))
        if self.staff is not None:
            day = self.staff.day(seen.now)
            if day is not None and day != self._told:
                self._set_going("the daily message to staff", self._tell(self.staff))

    async def settled(self) -> None:
        """Waits for what was set going."""
        await asyncio.gather(*self._under_way.values())

    async def close(self) -> None:
        """Gives up what is under way: a page is sent again, a staff's message stays in doubt."""
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
        if self.pager is not None:
            await self.pager.close()

    async def _tell(self, staff: Staff) -> None:
        self._told = await tell_staff(self.store, staff, list(self.channels.values()))

    def _set_going(self, what: str, work: Coroutine[Any, Any, None]) -> None:
        running = self._under_way.get(what)
        if running is not None and not running.done():
            work.close()
            return
        self._under_way[what] = asyncio.create_task(_outlived(what, work))


async def _outlived(what: str, work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Outdated:
        return
    except Exception as error:  # noqa: BLE001 - as above
        log.warning("%s wait: %s", what, type(error).__name__)
