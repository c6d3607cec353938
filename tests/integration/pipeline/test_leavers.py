"""Who was told hears how it goes on and how it ends, wherever they are by then; unless they do not want to."""

from __future__ import annotations

from typing import Any

import pytest

from geoalert.alerts import find_alert, messages_of
from geoalert.dispatch.packed import packed
from geoalert.operations.demo_story import ALL_CLEAR
from geoalert.operations.latecomers import Latecomers
from tests.changes import forget, move_to, set_addresses
from tests.conftest import Providers
from tests.workbench import HADAPSAR, KOTHRUD, Chain


async def updated(chain: Chain, identifier: str, **changes: Any) -> int:
    """Sends an update; returns how many people it is for."""
    message = await chain.updating(identifier, **changes)
    await chain.approve(identifier, message.content_hash)
    return (await chain.send(identifier)).people


@pytest.mark.requirement("S002-14")
async def test_who_left_hears_the_update_and_the_all_clear(chain: Chain, providers: Providers) -> None:
    _, moved, gone, stopped = [await chain.settle() for _ in range(4)]
    identifier, _ = await chain.sent()
    await chain.carry()
    await move_to(chain.house, moved, HADAPSAR)
    await forget(chain.house, gone)
    await set_addresses(chain.house, stopped, "stopped")
    assert await updated(chain, identifier) == 4
    await chain.carry()
    # A mover who comes back is in the update already.
    await move_to(chain.house, moved, KOTHRUD)
    assert await Latecomers(chain.house.desk).look() == 0
    cleared = await chain.cancel(identifier, ALL_CLEAR)
    await chain.carry()
    assert cleared.people == 4  # the first message told them all; what they want and have is looked at when it leaves
    report = await chain.report(identifier)
    assert report["balanced"]
    _, update, clear = report["messages"]
    assert update["channels"]["push"]["accepted"] == 2
    assert update["channels"]["push"]["suppressed"] == 2
    assert update["reasons"] == {"address_gone": 1, "opted_out": 1}
    assert (clear["channels"]["push"]["accepted"], clear["channels"]["push"]["suppressed"]) == (2, 2)
    assert providers.sandbox.channels()["push"]["accepted"] == 4 + 2 + 2


@pytest.mark.requirement("S002-14")
async def test_a_shrinking_update_tells_those_it_leaves_out(chain: Chain, providers: Providers) -> None:
    await chain.settle()
    left_out = await chain.settle(at=HADAPSAR)
    identifier, released = await chain.sent(wards=["kothrud-bavdhan", "hadapsar-mundhwa"])
    assert released.people == 2
    await chain.carry()
    assert await updated(chain, identifier, wards=["kothrud-bavdhan"]) == 2
    await chain.settle(at=HADAPSAR)  # no longer inside: not a latecomer
    assert await Latecomers(chain.house.desk).look() == 0
    await chain.carry()
    assert providers.sandbox.channels()["push"]["accepted"] == 4
    async with chain.house.store.reading() as session:
        _, second = await messages_of(session, await find_alert(session, identifier))
        assert left_out in (await packed(session, second.id)).owner
