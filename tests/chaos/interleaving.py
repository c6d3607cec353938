"""Every order in which two workers, three crashes and the clock can meet at one batch.

What a step does depends on the batch's row and on the one worker that takes it: so each pair of these is tried once, in
a transaction of the real store, and the orders are walked over what was seen there. Times are whole ticks, counted
from now; generations are counted back from the row's. That keeps the worlds finite in number though the clock goes on
for ever.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.lease import Locked, finish, give_back, held
from geoalert.dispatch.outcomes import Outcome, merge_outcomes
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch
from geoalert.store import Store
from tests.claiming import claim

TICK: Final = timedelta(minutes=10)  # against it what a step takes is nothing
LEASE: Final = 6  # ticks; the other two are the courier's shares of it
BEGINS: Final = 2  # from the renewal, a send may begin
CUT_OFF: Final = 3  # from the renewal, one that has not ended is cancelled
CRASHES: Final = 3
BASE: Final = 1_000  # any generation

Claim = Callable[[AsyncSession, int, str, timedelta], Awaitable[int | None]]
Held = Callable[[AsyncSession, int, int], Awaitable[Locked | None]]


@dataclass(frozen=True, slots=True)
class Row:
    """The batch of one recipient; `until` is how long its lease lasts, 0 where it has run out."""

    state: str = "queued"
    until: int = 0
    outcome: Outcome = Outcome.PENDING


@dataclass(frozen=True, slots=True)
class Hand:
    """A worker: where it is in its program, how many owners came after it, and how long it may still send."""

    at: str = "idle"  # then claimed, marked, sending, answered
    behind: int = 0
    left: int = 0
    answer: Outcome = Outcome.PENDING

    @property
    def live(self) -> bool:
        """Whether it may begin a send now, or has begun one that nobody has cut off."""
        return (self.at == "marked" and self.left > CUT_OFF - BEGINS) or (self.at == "sending" and self.left > 0)


# What a worker may do in the transaction that claims, and where it is then.
CLAIMING: Final = {"claim": Hand("claimed"), "claim and mark": Hand("marked", left=CUT_OFF)}


@dataclass(frozen=True, slots=True)
class World:
    row: Row = Row()
    hands: tuple[Hand, Hand] = (Hand(), Hand())
    crashes: int = 0


@dataclass
class Steps:
    """The real functions, each tried in a transaction that is taken back."""

    store: Store
    batch: int
    claim: Claim = claim
    held: Held = held
    seen: dict[tuple[Row, Hand, str], tuple[Row, Hand, bool]] = field(default_factory=dict)

    async def take(self, row: Row, hand: Hand, step: str) -> tuple[Row, Hand, bool]:
        """What becomes of both; whether the row's generation moved."""
        key = row, hand, step
        if key not in self.seen:
            self.seen[key] = await self._tried(row, hand, step)
        return self.seen[key]

    async def _tried(self, row: Row, hand: Hand, step: str) -> tuple[Row, Hand, bool]:
        now = datetime.now(UTC)
        async with self.store.writing() as session:
            await session.execute(
                update(Batch).values(
                    state=row.state,
                    not_before=now - TICK,
                    lease_owner=None if row.state != "leased" else "somebody",
                    lease_until=now + row.until * TICK if row.state == "leased" else None,
                    lease_generation=BASE,
                    outcomes=bytes([row.outcome]),
                )
            )
            after = await self._step(session, now, hand, step)
            await session.flush()
            batch = (await session.scalars(select(Batch).execution_options(populate_existing=True))).one()
            until = max(0, round((batch.lease_until - now) / TICK)) if batch.lease_until else 0
            found = Row(batch.state, until, Outcome(batch.outcomes[0]))
            moved = batch.lease_generation > BASE
            await session.rollback()
        return found, after, moved

    async def _step(self, session: AsyncSession, now: datetime, hand: Hand, step: str) -> Hand:
        """As the courier does it, one transaction of its a step."""
        if step in CLAIMING:
            generation = await self.claim(session, self.batch, "worker", LEASE * TICK)
            if generation is None:
                return Hand()
            if step == "claim and mark":
                await merge_outcomes(session, self.batch, {0: (Outcome.SENDING, Reason.NONE)})
            return CLAIMING[step]
        found = await self.held(session, self.batch, BASE - hand.behind)
        if found is None:
            return Hand()
        batch = found.batch
        if step == "mark":
            await merge_outcomes(session, batch.id, {0: (Outcome.SENDING, Reason.NONE)})
            batch.lease_until = now + LEASE * TICK
            return replace(hand, at="marked", left=CUT_OFF)
        if step == "record":
            await merge_outcomes(session, batch.id, {0: (hand.answer, Reason.NONE)})
            return Hand("claimed", hand.behind)
        if step == "give back":
            give_back(batch, now - TICK)
        else:
            finish(batch)
        return Hand()


def _choices(row: Row, hand: Hand) -> Iterator[tuple[str, Hand | None]]:
    """What a worker can do next: a step on the store, or, without one, what it becomes by itself."""
    if hand.at == "idle":
        yield "claim", None
        if row.outcome is Outcome.PENDING:  # there is somebody to mark
            yield "claim and mark", None
    elif hand.at == "claimed":
        # Which of the two it wants depends on the batch as it finds it, and that is checked in the same transaction.
        yield ("finish" if row.outcome is Outcome.ACCEPTED else "mark"), None
        yield "give back", None
    elif hand.at == "marked":
        refused = replace(hand, at="answered", answer=Outcome.PENDING)  # too late to begin
        yield "send", replace(hand, at="sending") if hand.live else refused
    elif hand.at == "sending":
        for answer in (Outcome.UNCERTAIN, *((Outcome.ACCEPTED, Outcome.PENDING) if hand.left else ())):
            yield "answer", replace(hand, at="answered", answer=answer)
    else:
        yield "record", None


async def after(steps: Steps, world: World) -> list[World]:
    """Every world one event away."""
    row, found = world.row, []
    for mine, hand in enumerate(world.hands):
        other = world.hands[1 - mine]

        def with_(row: Row, hand: Hand, other: Hand, crashes: int, *, mine: int = mine) -> World:
            return World(row, (hand, other) if mine == 0 else (other, hand), crashes)

        for step, alone in _choices(row, hand):
            if alone is not None:
                found.append(with_(row, alone, other, world.crashes))
                continue
            new, next_, moved = await steps.take(row, hand, step)
            # Two owners later is as far behind as any.
            behind = min(2, other.behind + 1) if moved and other.at != "idle" else other.behind
            found.append(with_(new, next_, replace(other, behind=behind), world.crashes))
        if hand.at != "idle" and world.crashes < CRASHES:
            found.append(with_(row, Hand(), other, world.crashes + 1))
    first, second = (replace(hand, left=max(0, hand.left - 1)) for hand in world.hands)
    ticked = replace(world, row=replace(row, until=max(0, row.until - 1)), hands=(first, second))
    return found if ticked == world else [*found, ticked]


@dataclass(frozen=True)
class Explored:
    worlds: Mapping[World, list[World]]
    tried: int

    def orders(self, length: int) -> int:
        """How many different orders of so many events there are from the beginning."""
        ways = Counter({World(): 1})
        for _ in range(length):
            further: Counter[World] = Counter()
            for world, count in ways.items():
                for next_ in self.worlds[world]:
                    further[next_] += count
            ways = further
        return ways.total()


async def explore(steps: Steps, most: int = 1_000_000) -> Explored:
    """Every world that can be reached, nearest first and `most` of them, with those one event away from it."""
    worlds: dict[World, list[World]] = {}
    waiting = deque([World()])
    while waiting and len(worlds) < most:
        world = waiting.popleft()
        if world not in worlds:
            worlds[world] = await after(steps, world)
            waiting.extend(worlds[world])
    return Explored(worlds, len(steps.seen))
