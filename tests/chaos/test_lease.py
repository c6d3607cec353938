"""The lease, walked through every order of events: never two who may send, never two who may write."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.lease import Locked, locked
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.tables import Batch
from tests.chaos.interleaving import CRASHES, Explored, Hand, Steps, World, explore
from tests.claiming import claim
from tests.figures import Figure
from tests.stores import ON_SQLITE
from tests.workbench import Chain

LENGTH = 20  # events
MANY = 2_000  # worlds among which a broken lease shows


async def laid(chain: Chain) -> int:
    await chain.settle()
    await chain.sent()
    async with chain.house.store.reading() as session:
        return (await session.scalars(select(Batch.id))).one()


def _owns(world: World, hand: Hand) -> bool:
    return hand.at != "idle" and hand.behind == 0 and world.row.state == "leased"


def faults(explored: Explored) -> set[str]:
    """What must never be so, and is in some world."""
    found = set()
    for world, further in explored.worlds.items():
        live = [hand for hand in world.hands if hand.live]
        if len(live) > 1:
            found.add("two may send")
        if any(not _owns(world, hand) or world.row.until == 0 for hand in live):
            found.add("one may send who does not own the batch")
        if sum(_owns(world, hand) for hand in world.hands) > 1:
            found.add("two own the batch")
        if world.row.state == "done" and world.row.outcome is not Outcome.ACCEPTED:
            found.add("a batch is done, and its recipient was not told")
        for next_ in further:
            before, after = world.row.outcome, next_.row.outcome
            if before is Outcome.ACCEPTED and after is not before:
                found.add("an answer was overwritten")
            # Who claims may mark in the same transaction: the batch is theirs from then on.
            by_other = not any(_owns(in_, hand) for in_ in (world, next_) for hand in in_.hands)
            if by_other and after is not before and (before, after) != (Outcome.SENDING, Outcome.UNCERTAIN):
                found.add("one wrote who does not own the batch")
    return found


@ON_SQLITE
async def test_in_no_order_are_there_two_owners(chain: Chain, figure: Figure) -> None:
    explored = await explore(Steps(chain.house.store, await laid(chain)))
    assert faults(explored) == set()
    worlds = explored.worlds
    assert {world.crashes for world in worlds} == set(range(CRASHES + 1))
    # It got everywhere: a batch was taken over in mid-send, and somebody came too late to write.
    assert any(hand.behind and hand.at == "sending" for world in worlds for hand in world.hands)
    assert any(world.row.state == "done" for world in worlds)
    figure(
        f"{len(worlds):,} worlds, {sum(map(len, worlds.values())):,} events between them, {explored.tried} kinds of "
        f"step tried on the store; {explored.orders(LENGTH):,} orders of {LENGTH} events: 0 with two owners"
    )


async def careless_held(session: AsyncSession, batch_id: int, generation: int) -> Locked | None:
    del generation
    found = await locked(session, batch_id)
    return found if found is not None and found.batch.state == "leased" else None


async def greedy_claim(session: AsyncSession, batch_id: int, owner: str, lease: timedelta) -> int | None:
    found = await locked(session, batch_id)
    if found is not None and found.batch.state == "leased":
        found.batch.state = "queued"  # whoever has it
        await session.flush()
    return await claim(session, batch_id, owner, lease)


@ON_SQLITE
async def test_a_lease_that_does_not_hold_is_found(chain: Chain) -> None:
    store, batch = chain.house.store, await laid(chain)
    assert "one wrote who does not own the batch" in faults(
        await explore(Steps(store, batch, held=careless_held), MANY)
    )
    assert "one may send who does not own the batch" in faults(
        await explore(Steps(store, batch, claim=greedy_claim), MANY)
    )
