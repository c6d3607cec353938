"""A worker: carries batches and folds receipts until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import math
from contextlib import suppress
from datetime import timedelta

from geoalert.dispatch.canary import ask_providers
from geoalert.dispatch.courier import Courier
from geoalert.dispatch.engine import Engine
from geoalert.dispatch.expiry import close_expired
from geoalert.dispatch.receipts import fold_receipts
from geoalert.dispatch.vitals import note_kept
from geoalert.dispatch.warming import warm
from geoalert.dispatch.watch import Watch
from geoalert.errors import Outdated

log = logging.getLogger(__name__)

FOLD_EVERY = 0.2
CLOSE_EVERY = 1.0
ASK_EVERY = 1.0
LEAVE = 2.0  # seconds for what is to end, or was cancelled: a connection that is dead holds it up for ever


async def work(courier: Courier, engine: Engine, watch: Watch | None = None) -> None:
    """Runs until `courier.stopping` is set: what is in hand is finished, leases are given back. With a `watch` alarms
    are looked for beside it.

    Raises whatever ends the engine; a supervisor starts the worker again.
    """

    async def carry(batch_id: int) -> timedelta | None:
        return await courier.carry(batch_id)

    beside = [asyncio.create_task(_fold(courier)), asyncio.create_task(_ask(courier))]
    beside.append(asyncio.create_task(warm(courier.store, list(courier.channels.values()))))
    if watch is not None:
        beside.append(asyncio.create_task(watch.run(courier.stopping)))
    try:
        await engine.run(carry, {channel.name for channel in courier.channels.values()}, courier.stopping)
    finally:
        courier.stopping.set()
        # They end by themselves; what is cancelled in the middle of a statement leaves its connection to be torn down.
        _, late = await asyncio.wait(beside, timeout=LEAVE)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=LEAVE)
        last = asyncio.create_task(note_kept(courier.store, courier.tally, math.inf))
        await asyncio.wait({last}, timeout=LEAVE)
        if not last.cancel():
            last.exception()  # good answers that nobody will miss


async def _fold(courier: Courier) -> None:
    clock, closed = asyncio.get_running_loop().time, -CLOSE_EVERY
    while not courier.stopping.is_set():
        try:
            folded = 1
            while folded:
                folded = await fold_receipts(courier.store)
            await note_kept(courier.store, courier.tally, clock())
            if clock() - closed >= CLOSE_EVERY:
                closed = clock()
                await close_expired(courier.store)
        except Outdated:
            return
        except Exception as error:  # noqa: BLE001 - folding outlives whatever went wrong once
            log.warning("receipts wait: %s", type(error).__name__)
        with suppress(TimeoutError):
            await asyncio.wait_for(courier.stopping.wait(), FOLD_EVERY)


async def _ask(courier: Courier) -> None:
    while not courier.stopping.is_set():
        try:
            await ask_providers(courier.store, courier.channels.values(), courier.spread)
        except Outdated:
            return
        except Exception as error:  # noqa: BLE001 - as above
            log.warning("providers are not asked: %s", type(error).__name__)
        with suppress(TimeoutError):
            await asyncio.wait_for(courier.stopping.wait(), ASK_EVERY)
