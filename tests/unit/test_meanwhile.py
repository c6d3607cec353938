"""What is asked and what is worked out meanwhile end together, however either ends."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from geoalert.store.meanwhile import meanwhile


@dataclass
class Question:
    """One that is answered once the work is done."""

    answered: asyncio.Event = field(default_factory=asyncio.Event)
    story: list[str] = field(default_factory=list)

    async def ask(self) -> str:
        self.story.append("asked")
        try:
            await self.answered.wait()
        except asyncio.CancelledError:
            self.story.append("broken off")
            raise
        self.story.append("answered")
        return "answer"

    def work(self) -> str:
        self.story.append("worked")
        self.answered.set()
        return "made"

    def fail(self) -> str:
        self.work()
        raise ValueError("work")


async def test_the_work_is_done_while_the_question_is_on_its_way() -> None:
    question = Question()
    assert await meanwhile(question.ask(), question.work) == ("answer", "made")
    assert question.story == ["asked", "worked", "answered"]


async def test_where_the_work_fails_the_question_is_over_first() -> None:
    question = Question()
    with pytest.raises(ValueError, match="work"):
        await meanwhile(question.ask(), question.fail)
    assert question.story == ["asked", "worked", "answered"]


async def test_where_the_question_fails_that_is_said() -> None:
    async def fails() -> None:
        raise ConnectionError("away")

    with pytest.raises(ConnectionError, match="away"):
        await meanwhile(fails(), lambda: None)


@pytest.mark.parametrize("rounds", [1, 3])
async def test_where_nobody_waits_the_question_is_broken_off(rounds: int) -> None:
    question = Question()
    asking = asyncio.create_task(meanwhile(question.ask(), lambda: None))
    for _ in range(rounds):
        await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait({asking}, timeout=5)
    assert asking.cancelled()
    assert question.story in ([], ["asked", "broken off"])
    assert asyncio.all_tasks() == {asyncio.current_task()}
