"""Which hours a reminder may have, and what becomes of one whose hour went by."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from geoalert.alerts.content import as_stored
from geoalert.errors import Conflict, Invalid
from geoalert.operations.reminders import remind_due
from geoalert.operations.schedule import release_due
from tests.integration.pipeline.planned import asks, entries, later, messages, passes, planned
from tests.workbench import Chain


@pytest.mark.parametrize(
    ("late", "onset", "why"),
    [
        (3.7, None, None),
        (0.9, 3.0, None),
        (1.1, 3.0, "begun"),
        (3.8, None, "ending"),
        (4.1, None, "ending"),
    ],
)
async def test_a_late_schedule_reminds_while_it_is_of_use(
    chain: Chain, late: float, onset: float | None, why: str | None
) -> None:
    await chain.settle()
    begins = None if onset is None else await later(chain, onset)
    identifier = await planned(chain, onset=begins)
    passes(chain, 2 + late)
    assert await remind_due(chain.house.desk) == (why is None)
    assert await remind_due(chain.house.desk) == 0
    original = (await messages(chain, identifier))[0]
    assert original.reminder_left_out == why
    assert [detail["why"] for detail in await entries(chain, "message.reminder_left_out")] == ([why] if why else [])


async def test_a_reminder_in_time_leaves_until_the_very_end(chain: Chain) -> None:
    await chain.settle()
    identifier = await planned(chain, onset=None, remind_at=await later(chain, 5.9))
    passes(chain, 5.9)
    assert await remind_due(chain.house.desk) == 1
    assert len(await messages(chain, identifier)) == 2


async def test_what_leaves_after_its_reminders_hour_has_no_reminder(chain: Chain) -> None:
    """By the clock it leaves all the same; a person is asked to look at it again."""
    await chain.settle()
    by_clock = await chain.approved(**await asks(chain, send_at=await later(chain, 1)))
    by_hand = await chain.approved(**await asks(chain, incident="another"))
    passes(chain, 2.5)
    with pytest.raises(Conflict, match="time of the reminder has passed") as refused:
        await chain.send(by_hand)
    assert refused.value.pointer == "/remind_at"
    assert await release_due(chain.house.desk) == 1
    assert await remind_due(chain.house.desk) == 0
    (message,) = await messages(chain, by_clock)
    assert (message.state, message.reminder_left_out) == ("released", "passed")


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        ({"remind_at": 0.0}, "has passed"),
        ({"remind_at": 1.0, "send_at": 1.0}, "before the message"),
        ({"remind_at": 6.0, "onset": None}, "after the alert expires"),
        ({"remind_at": 3.1}, "begun by then"),
    ],
)
async def test_an_hour_that_makes_no_sense_is_refused(chain: Chain, hours: dict[str, Any], words: str) -> None:
    now = await later(chain, 0)
    moments = {name: None if ahead is None else now + timedelta(hours=ahead) for name, ahead in hours.items()}
    with pytest.raises(Invalid, match=words) as refused:
        await chain.drafted(**await asks(chain) | {"expires": now + timedelta(hours=6)} | moments)
    assert refused.value.pointer == "/remind_at"


async def test_an_emergency_on_one_word_has_no_reminder_an_approved_one_may(chain: Chain) -> None:
    await chain.settle()
    with pytest.raises(Invalid, match="can wait for a second officer") as refused:
        await chain.broadcast(remind_at=await later(chain, 2))
    assert refused.value.pointer == "/remind_at"
    await planned(chain, severity="Extreme")
    passes(chain, 2)
    assert await remind_due(chain.house.desk) == 1


async def test_an_approval_is_for_the_reminder_too(chain: Chain) -> None:
    asked = await asks(chain)
    hashes = set()
    for remind_at in (None, asked["remind_at"], asked["remind_at"] + timedelta(minutes=1)):
        _, message = await chain.drafted(**asked | {"remind_at": remind_at})
        hashes.add(message.content_hash)
        assert ("remind_at" in json.loads(message.content)) == (remind_at is not None)
        assert as_stored(message.content, message.area).document() == message.content
    assert len(hashes) == 3
