"""Kill -9 at every step of a chunk, for every kind of provider: nobody is lost, and a second telling happens only
where nothing can prevent it, one chunk a kill, to people who had been marked before.
"""

from __future__ import annotations

import asyncio
import signal
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import update

from geoalert.dispatch.channels.channel import Idempotency
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.plan import Route
from geoalert.dispatch.tables import Batch
from geoalert.store import database_now
from tests.chaos.cells import DOUBTFUL, Cell, batch_of, channel_of, lay, released, settle
from tests.chaos.dying import STEPS, Errand
from tests.chaos.extent import KILLS
from tests.chaos.processes import ended, working
from tests.chaos.sink import Sink, SinkChannel
from tests.figures import Figure
from tests.workbench import Chain

CHUNK = 2
SIZE = CHUNK * (KILLS + 2)
LEASE = 60.0  # seconds: a busy machine is not to look like a slow provider
AT_ONCE = 4  # processes
KINDS = (
    (Idempotency.KEYED, False),
    (Idempotency.REPLACED, False),
    (Idempotency.LOOKUP, False),
    (Idempotency.NONE, False),
    (Idempotency.NONE, True),
)
IN_DOUBT = STEPS[1:5]  # killed there, a chunk is marked and nothing is written of what became of it
LEFT = STEPS[3:5]  # all of it had left


async def cells_of(chain: Chain) -> list[Cell]:
    """A batch for each kind of provider and step, all routed to providers of their own."""
    alerts = {emergency: await released(chain, "Extreme" if emergency else "Moderate") for emergency in (False, True)}
    people = iter(await settle(chain, len(KINDS) * len(STEPS) * SIZE))
    cells = []
    for kind, emergency in KINDS:
        for number, step in enumerate(STEPS):
            theirs = [next(people) for _ in range(SIZE)]
            provider = f"{kind}.{int(emergency)}.{number}"
            channel = channel_of(emergency=emergency)
            route = Route(provider, SIZE)
            (batch,) = await lay(chain, alerts[emergency], channel, route, [owner for owner, _ in theirs])
            cells.append(Cell(kind, emergency, step, provider, batch, [address[channel] for _, address in theirs]))
    return cells


async def free(chain: Chain, cell: Cell) -> None:
    """The lease of whoever was killed has run out; how long that takes is not what is asked here."""
    async with chain.house.store.writing() as session:
        ago = await database_now(session) - timedelta(seconds=1)
        killed = (Batch.id == cell.batch) & (Batch.state == "leased")
        await session.execute(update(Batch).where(killed).values(lease_until=ago))


async def kill(chain: Chain, sink: Sink, cell: Cell, errand: Errand) -> None:
    """One worker from its claim to its end, and what it left in the store."""
    before = await batch_of(chain, cell.batch)
    async with working(errand) as worker:
        assert await ended(worker) == -signal.SIGKILL, cell
    after = await batch_of(chain, cell.batch)
    assert (after.state, after.lease_generation) == ("leased", before.lease_generation + 1)
    sending = {position for position, outcome in enumerate(after.outcomes) if outcome == Outcome.SENDING}
    # After a look-up the chunk is those whom the provider never had.
    least = 1 if cell.kind is Idempotency.LOOKUP else CHUNK
    assert least <= len(sending) <= CHUNK if cell.step in IN_DOUBT else not sending, cell
    for position, address in enumerate(cell.addresses):
        told = sink.shown[cell.provider][address] > 0
        assert not told or after.outcomes[position] != Outcome.PENDING, (cell, position)
    cell.marked |= {position for position, outcome in enumerate(after.outcomes) if outcome in DOUBTFUL}
    cell.kills += 1


async def finish(chain: Chain, sink: Sink, cell: Cell) -> None:
    """A worker that lives carries what is left."""
    channel = SinkChannel(cell.channel, cell.provider, cell.kind, sink.port, chunk=SIZE)
    courier = replace(chain.house.courier(), channels={cell.provider: channel}, lease=timedelta(seconds=60))
    assert await courier.carry(cell.batch) is None
    await channel.close()


def judge(cell: Cell, sink: Sink, batch: Batch) -> tuple[int, int, int]:
    """Lost nobody, doubled nobody beyond what its provider makes unavoidable. Returns how many were lost, told again,
    and held as uncertain.
    """
    shown = sink.shown[cell.provider]
    extra = cell.told_again(shown)
    held = {position for position, outcome in enumerate(batch.outcomes) if outcome == Outcome.UNCERTAIN}
    lost = [p for p, address in enumerate(cell.addresses) if p not in held and shown[address] == 0]
    assert batch.state == "done"
    assert set(batch.outcomes) <= {Outcome.ACCEPTED, Outcome.UNCERTAIN}, cell
    assert lost == [], cell
    assert set(extra) <= cell.marked, cell
    assert held <= cell.marked, cell
    holds = cell.kind is Idempotency.NONE and not cell.emergency
    assert len(held) == (CHUNK * cell.kills if holds and cell.step in IN_DOUBT else 0), cell
    if cell.kind is Idempotency.NONE and cell.emergency:
        # The window is real: whoever looks for it here finds it.
        begun = {"during send": cell.kills, **dict.fromkeys(LEFT, CHUNK * cell.kills)}
        assert sum(extra.values()) == begun.get(cell.step, 0), cell
    else:
        assert extra == {}, cell
    return len(lost), sum(extra.values()), len(held)


async def test_kill_9_at_every_step_for_every_kind_of_provider(
    chain: Chain, sink: Sink, tmp_path: Path, figure: Figure
) -> None:
    cells = await cells_of(chain)
    url = chain.house.store.engine.url.render_as_string(hide_password=False)
    slots = asyncio.Semaphore(AT_ONCE)

    async def through(cell: Cell) -> None:
        errand = Errand(
            url, tmp_path / "keys.json", cell.channel, cell.provider, cell.kind, sink.port, cell.batch, cell.step, LEASE
        )
        for _ in range(KILLS):
            await free(chain, cell)
            async with slots:
                await kill(chain, sink, cell, errand)
        await free(chain, cell)
        async with slots:
            await finish(chain, sink, cell)

    async with asyncio.TaskGroup() as group:
        for cell in cells:
            group.create_task(through(cell))
    for start in range(0, len(cells), len(STEPS)):
        row = cells[start : start + len(STEPS)]
        judged = [judge(cell, sink, await batch_of(chain, cell.batch)) for cell in row]
        found = "; ".join(f"{cell.step} {'/'.join(map(str, each))}" for cell, each in zip(row, judged, strict=True))
        policy = ", emergency" if row[0].emergency else ""
        figure(f"{row[0].kind}{policy}: {KILLS} kills a step; lost/told again/uncertain: {found}")
    assert {cell.kills for cell in cells} == {KILLS}
