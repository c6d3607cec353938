"""Batches whose worker died or froze: they go on soon, and who comes back late changes nothing."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from datetime import timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from geoalert.dispatch.channels.channel import Idempotency, Verdict
from geoalert.dispatch.outcomes import Outcome, merge_outcomes
from geoalert.dispatch.plan import Route
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch
from tests.chaos.cells import batch_of, lay, released, settle
from tests.chaos.dying import Errand
from tests.chaos.processes import ended, working
from tests.chaos.sink import Sink
from tests.claiming import claim
from tests.figures import Figure
from tests.waiting import until
from tests.workbench import Chain

PROVIDER = "sink"
SIZE = 6
CHUNK = 3
LEASE = 2.0
SWEPT = 5.0  # seconds after the lease in which somebody must have taken over


async def laid(chain: Chain, sink: Sink, folder: Path, kind: Idempotency, severity: str = "Moderate") -> Errand:
    """A batch of people to tell, and the errand of a worker who means to."""
    identifier = await released(chain, severity)
    owners = [owner for owner, _ in await settle(chain, SIZE)]
    (batch,) = await lay(chain, identifier, "push", Route(PROVIDER, SIZE), owners)
    url = chain.house.store.engine.url.render_as_string(hide_password=False)
    return Errand(url, folder / "keys.json", "push", PROVIDER, kind, sink.port, batch, "", LEASE, chunk=CHUNK)


async def stopped(process: ForkServerProcess) -> None:
    """Waits until it stands still."""

    def still() -> bool:
        assert process.exitcode is None, "it ended instead"
        return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    await until(still, "it freezes")


async def test_what_a_dead_worker_had_goes_on_within_its_lease_and_five_seconds(
    chain: Chain, sink: Sink, tmp_path: Path, figure: Figure
) -> None:
    errand = await laid(chain, sink, tmp_path, Idempotency.REPLACED)
    assert errand.batch is not None
    async with working(replace(errand, batch=None, step="after mark")) as dying:
        assert await ended(dying) == -signal.SIGKILL
    died = time.monotonic()
    assert sink.begun == []
    async with working(replace(errand, batch=None)):
        await until(lambda: sink.begun, "somebody takes over", 60)
        took = sink.begun[0][0] - died
        await until(lambda: len(sink.begun) == SIZE, "all are told")
    assert took <= LEASE + SWEPT
    assert set(sink.shown[PROVIDER].values()) == {1}
    figure(f"a batch went on {took:.1f} s after its worker was killed, under a lease of {LEASE:.0f} s")


async def take_over(chain: Chain, batch: int) -> None:
    """The next owner tells everybody, and still has the batch."""
    store = chain.house.store

    async def claimed() -> bool:
        async with store.writing() as session:
            return await claim(session, batch, "next", timedelta(seconds=60)) is not None

    await until(claimed, "somebody takes over")
    for outcome in (Outcome.SENDING, Outcome.ACCEPTED):
        async with store.writing() as session:
            told = dict.fromkeys(range(SIZE), (outcome, Reason.NONE))
            assert await merge_outcomes(session, batch, told) == SIZE


def written(batch: Batch) -> tuple[object, ...]:
    """All that a worker may write."""
    return batch.outcomes, batch.reasons, batch.state, batch.lease_owner, batch.lease_until, batch.attempts


@pytest.mark.parametrize("step", ["after claim", "after mark", "after send"])
async def test_who_freezes_past_the_lease_neither_sends_nor_overwrites(
    chain: Chain, sink: Sink, tmp_path: Path, step: str
) -> None:
    """What the frozen one has in hand are refusals: written late, they would take back what the next owner did."""
    errand = await laid(chain, sink, tmp_path, Idempotency.NONE, "Extreme")
    assert errand.batch is not None
    sink.answers = Verdict.REFUSED
    async with working(replace(errand, step=step, number=signal.SIGSTOP)) as frozen:
        await stopped(frozen)
        await take_over(chain, errand.batch)
        before = await batch_of(chain, errand.batch)
        assert frozen.pid is not None
        os.kill(frozen.pid, signal.SIGCONT)
        assert await ended(frozen) == 0
    after = await batch_of(chain, errand.batch)
    assert written(after) == written(before)
    assert set(after.outcomes) == {Outcome.ACCEPTED}
    assert len(sink.begun) == (CHUNK if step == "after send" else 0)
