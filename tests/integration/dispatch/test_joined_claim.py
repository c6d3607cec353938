"""A batch is claimed and marked as one; what goes wrong between the two costs nobody anything, and is counted."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import pytest

from geoalert.dispatch.channels.channel import Traits
from geoalert.dispatch.courier import Courier
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.tables import Batch
from tests.integration.dispatch.conftest import Depot
from tests.integration.dispatch.moments import told
from tests.integration.dispatch.scripted import Scripted

ACCEPTED, PENDING = Outcome.ACCEPTED, Outcome.PENDING


@dataclass
class Stumbling(Scripted):
    """Its traits cannot be read so many times."""

    falls: int = 0

    @property
    def traits(self) -> Traits:
        if self.falls:
            self.falls -= 1
            raise RuntimeError
        return super().traits


async def half_told(depot: Depot, a: Scripted) -> tuple[Courier, int]:
    """A courier that has carried the first of two batches of a message, and the second."""
    courier = await told(depot, 200, a)
    first, second = await depot.batches()
    await courier.carry(first.id)
    assert await depot.outcomes() == {ACCEPTED: 100, PENDING: 100}
    return courier, second.id


async def second_of(depot: Depot) -> Batch:
    return (await depot.batches())[1]


async def test_of_one_that_goes_well_there_is_one_claim(depot: Depot) -> None:
    a = Stumbling("a", chunk=1_000)
    courier, second = await half_told(depot, a)
    await courier.carry(second)
    batch = await second_of(depot)
    assert (batch.state, batch.attempts, batch.lease_generation) == ("done", 1, 1)
    assert (await depot.outcomes(), a.sent) == ({ACCEPTED: 200}, [5, 95, 100])


async def test_a_failure_before_the_marks_is_made_good_at_once(depot: Depot, caplog: pytest.LogCaptureFixture) -> None:
    a = Stumbling("a", chunk=1_000)
    courier, second = await half_told(depot, a)
    a.falls = 1
    with caplog.at_level(logging.WARNING):
        await courier.carry(second)
    assert "is claimed by itself: RuntimeError" in caplog.text
    batch = await second_of(depot)
    assert (batch.state, batch.attempts, batch.lease_generation) == ("done", 1, 1)
    assert (await depot.outcomes(), a.sent) == ({ACCEPTED: 200}, [5, 95, 100])


async def test_one_that_fails_again_is_a_try_and_leaves_nobody_marked(depot: Depot) -> None:
    a = Stumbling("a", chunk=1_000)
    courier, second = await half_told(depot, a)
    a.falls = 2
    with pytest.raises(RuntimeError):
        await courier.carry(second)
    batch = await second_of(depot)
    assert (batch.state, batch.attempts, await depot.outcomes()) == ("queued", 1, {ACCEPTED: 100, PENDING: 100})
    await depot.later()
    await courier.carry(second)
    assert (await depot.outcomes(), a.sent) == ({ACCEPTED: 200}, [5, 95, 100])
