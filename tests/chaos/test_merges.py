"""Thousands of answers for one batch, at once and from two sides: none is lost."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from geoalert.dispatch.outcomes import Outcome, merge_outcomes
from geoalert.dispatch.plan import Route
from geoalert.dispatch.reasons import Reason
from geoalert.store import Store, open_store
from tests.chaos.cells import batch_of, lay, released
from tests.chaos.extent import MERGES
from tests.figures import Figure
from tests.workbench import Chain

AT_ONCE = 16
ENDS = (Outcome.ACCEPTED, Outcome.FAILED, Outcome.UNCERTAIN)


async def test_concurrent_merges_into_one_batch_lose_none(chain: Chain, figure: Figure) -> None:
    identifier = await released(chain, "Moderate")
    (batch,) = await lay(chain, identifier, "push", Route("sink", MERGES, shares=1), list(range(1, MERGES + 1)))
    store = chain.house.store
    async with store.writing() as session:
        everybody = dict.fromkeys(range(MERGES), (Outcome.SENDING, Reason.NONE))
        assert await merge_outcomes(session, batch, everybody) == MERGES
    other = open_store(store.engine.url.render_as_string(hide_password=False), store.keys)
    slots = asyncio.Semaphore(AT_ONCE)

    async def merge(through: Store, position: int) -> int:
        async with slots, through.writing() as session:
            return await merge_outcomes(session, batch, {position: (ENDS[position % len(ENDS)], Reason.NONE)})

    began = time.monotonic()
    merged = await asyncio.gather(*(merge((store, other)[position % 2], position) for position in range(MERGES)))
    took = time.monotonic() - began
    await other.close()
    assert Counter(merged) == {1: MERGES}
    after = await batch_of(chain, batch)
    assert after.outcomes == bytes(ENDS[position % len(ENDS)] for position in range(MERGES))
    figure(f"{MERGES:,} merges, {AT_ONCE} at a time, in {took:.1f} s: none lost")
