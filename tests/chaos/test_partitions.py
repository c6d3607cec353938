"""Cut cables between a worker, its database and its provider: all goes on when they are mended, and nobody is told
twice whom the provider or the device would show it twice unmarked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy.engine import make_url

from geoalert.dispatch.channels.channel import Idempotency
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.plan import Route
from geoalert.operations.demo_story import FLOOD
from geoalert.settings import Settings
from tests.chaos.cells import DOUBTFUL, Cell, batch_of, lay, released, settle
from tests.chaos.dying import Errand
from tests.chaos.extent import FULL, PARTED
from tests.chaos.fault_proxy import FAIR, FaultProxy, Weather, proxied
from tests.chaos.kept import kept
from tests.chaos.processes import stay
from tests.chaos.sink import Sink
from tests.conftest import Providers
from tests.e2e.crowd import Crowd, worker_environment
from tests.figures import Figure
from tests.stores import ON_POSTGRESQL
from tests.waiting import until
from tests.workbench import Chain

PEOPLE: Final = 60
BATCH: Final = 15
CHUNK: Final = 5
LEASE: Final = 3.0  # seconds: less than any partition lasts
DELAY: Final = 0.02  # seconds the provider takes for one recipient
DRAINED: Final = 30.0  # seconds after which all is done once the cable is mended
CUT: Final = Weather(black_hole=True)
KINDS: Final = ((Idempotency.REPLACED, "push", "Moderate"), (Idempotency.NONE, "sms", "Extreme"))


@dataclass
class Line:
    """Workers at work on cells, one kind of provider each, and the cables that lead them anywhere."""

    chain: Chain
    sink: Sink
    cells: list[Cell]
    to_provider: FaultProxy
    to_database: FaultProxy | None
    stays: list[asyncio.Task[None]] = field(default_factory=list)

    async def watch(self) -> bool:
        """Notes who is in doubt now; whether all is done."""
        batches = [await batch_of(self.chain, cell.batch) for cell in self.cells]
        for cell, batch in zip(self.cells, batches, strict=True):
            cell.marked |= {position for position, outcome in enumerate(batch.outcomes) if outcome in DOUBTFUL}
        assert not any(stays.done() for stays in self.stays), "a supervisor ended"
        return all(batch.state == "done" for batch in batches)

    async def underway(self) -> None:
        """Waits until some of every kind are told, and not all."""
        for kind, _, _ in KINDS:
            theirs = [cell for cell in self.cells if cell.kind is kind]
            await until(lambda theirs=theirs: sum(self.told(cell) for cell in theirs) > BATCH, "some are told")  # type: ignore[misc]
        assert not await self.watch()

    def told(self, cell: Cell) -> int:
        return sum(self.sink.shown[cell.provider][address] > 0 for address in cell.addresses)

    async def drained(self) -> float:
        began = time.monotonic()
        await until(self.watch, "all is done", 3 * DRAINED)
        return time.monotonic() - began

    async def judge(self) -> dict[Idempotency, tuple[int, int]]:
        """Nobody is lost. By kind how many were told twice, and how many had been marked."""
        found: dict[Idempotency, tuple[int, int]] = {}
        for cell in self.cells:
            batch = await batch_of(self.chain, cell.batch)
            assert set(batch.outcomes) == {Outcome.ACCEPTED}, cell
            assert self.told(cell) == len(cell.addresses), cell
            again = cell.told_again(self.sink.shown[cell.provider])
            assert set(again) <= (cell.marked if cell.kind is Idempotency.NONE else set()), cell
            twice, marked = found.get(cell.kind, (0, 0))
            found[cell.kind] = twice + sum(again.values()), marked + len(cell.marked)
        return found


@asynccontextmanager
async def at_work(chain: Chain, sink: Sink, folder: Path) -> AsyncIterator[Line]:
    sink.delay = DELAY
    alerts = [await released(chain, severity) for _, _, severity in KINDS]  # before anybody lives there
    people = await settle(chain, PEOPLE)
    owners = [owner for owner, _ in people]
    cells = []
    for alert, (kind, channel, severity) in zip(alerts, KINDS, strict=True):
        ids = await lay(chain, alert, channel, Route(kind.value, BATCH), owners)
        for number, id_ in enumerate(ids):
            addresses = [address[channel] for _, address in people[number * BATCH : (number + 1) * BATCH]]
            cells.append(Cell(kind, severity == "Extreme", "", kind.value, id_, addresses))
    async with AsyncExitStack() as stack:
        to_provider = await stack.enter_async_context(proxied(sink.port))
        url, to_database = chain.house.store.engine.url, None
        if url.get_backend_name() == "postgresql":
            to_database = await stack.enter_async_context(proxied(url.port or 5432))
            url = url.set(host="127.0.0.1", port=to_database.port)
        line = Line(chain, sink, cells, to_provider, to_database)
        for kind, channel, _ in KINDS:
            written = url.render_as_string(hide_password=False)
            keys = folder / "keys.json"
            errand = Errand(written, keys, channel, kind.value, kind, to_provider.port, None, "", LEASE, chunk=CHUNK)
            line.stays.append(asyncio.create_task(stay(errand)))
        try:
            yield line
        finally:
            for task in line.stays:
                task.cancel()
            await asyncio.gather(*line.stays, return_exceptions=True)


async def parted(line: Line, cable: FaultProxy, weather: Weather) -> float:
    """Cuts it for a while; returns in how many seconds all was done after it was mended."""
    await line.underway()
    await cable.turn(weather)
    ends = time.monotonic() + PARTED
    with suppress(TimeoutError):
        async with asyncio.timeout_at(ends):
            while True:
                await line.watch()
                await asyncio.sleep(0.1)
    assert not await line.watch()
    await cable.turn(FAIR)
    return await line.drained()


def said(line: Line, took: float, found: dict[Idempotency, tuple[int, int]], where: str) -> str:
    doubles = "; ".join(f"{kind} {twice} of {marked} marked" for kind, (twice, marked) in found.items())
    people = sum(len(cell.addresses) for cell in line.cells)
    return f"{where} cut for {PARTED:.0f} s: {people} recipients, lost 0, all done {took:.1f} s later; twice: {doubles}"


@pytest.mark.parametrize("cut", [CUT, Weather(answers_lost=True)] if FULL else [CUT], ids=str)
async def test_cut_off_from_its_provider(
    cut: Weather, chain: Chain, sink: Sink, tmp_path: Path, figure: Figure
) -> None:
    async with at_work(chain, sink, tmp_path) as line:
        took = await parted(line, line.to_provider, cut)
    figure(said(line, took, await line.judge(), "worker and provider"))
    assert took <= DRAINED


@ON_POSTGRESQL
async def test_cut_off_from_its_database(chain: Chain, sink: Sink, tmp_path: Path, figure: Figure) -> None:
    async with at_work(chain, sink, tmp_path) as line:
        assert line.to_database is not None
        took = await parted(line, line.to_database, CUT)
    figure(said(line, took, await line.judge(), "worker and database"))
    assert took <= DRAINED


@ON_POSTGRESQL
async def test_forgotten_on_the_way_to_its_database(
    chain: Chain, providers: Providers, settings: Settings, tmp_path: Path, figure: Figure
) -> None:
    """Its connections are open and dead, as behind a gateway that was restarted: nobody will ever close them."""
    crowd = Crowd(chain, providers, tmp_path, {})
    await crowd.settle(push=PEOPLE)
    url = make_url(settings.store.url)
    async with proxied(url.port or 5432) as cable:
        to_cable = url.set(host="127.0.0.1", port=cable.port).render_as_string(hide_password=False)
        env = worker_environment(settings, tmp_path / "keys.json", providers.credentials, GEOALERT_STORE_URL=to_cable)
        async with kept("worker", folder=tmp_path, env=env) as worker:
            await chain.sent(channels=("push",))
            await crowd.all_done()
            cable.forget()
            began = time.monotonic()
            await chain.sent(channels=("push",), texts=FLOOD)
            await crowd.all_done()
            took = time.monotonic() - began
        assert [ran.code for ran in worker.by_itself()] == [1], "it went on with dead connections"
        assert worker.by_itself()[0].lines[-1].startswith("refused: the connection to PostgreSQL broke")
        assert "Traceback" not in worker.by_itself()[0].err
    figure(f"all was done {took:.1f} s after the worker's connections died without a word")
    assert took <= DRAINED
