"""A pager hears of each alarm once when it begins and once when it ends: over workers, restarts and its own absence."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest
from pydantic import SecretStr

from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.pager import Pager
from geoalert.dispatch.worker import work
from tests.e2e.commands import Running, running
from tests.integration.dispatch.guard import BEARER, BEGUN, ENDED, Guard, another
from tests.integration.dispatch.pagers import SILENT
from tests.waiting import until


async def test_a_refused_credential_pages_once_and_its_end_once(
    guard: Guard, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with another(guard) as house:
        guard.watch(), guard.watch(house)
        await guard.look()
        assert guard.pager.asked == []
        await guard.refuse_the_credential()
        caplog.clear()
        for _ in range(3):
            await guard.look()
        assert guard.pager.events == [BEGUN]
        (page,) = guard.pager.asked
        assert {name: page[name] for name in page if name != "since"} == {
            "event": "alarm",
            "key": "halt:twilio:0",
            "severity": "critical",
            "words": "twilio stands still until somebody acts: credential",
            "city": "pune",
        }
        assert page["since"].endswith("+00:00")
        assert guard.pager.headers[0]["Authorization"] == f"Bearer {BEARER}"
        said = guard.shell(tmp_path)("dispatch", "status", "--json").document["alarms"]
        assert [(row["key"], row["severity"], row["paged"]) for row in said] == [("halt:twilio:0", "critical", True)]
        assert "critical" in guard.shell(tmp_path)("dispatch", "status").out
        assert guard.shell(tmp_path)("dispatch", "resume").out == "1 batches go on\n"
        for _ in range(3):
            await guard.look()
    assert guard.pager.events == [BEGUN, ENDED]
    assert await guard.alarms() == {}
    logged = [record.getMessage() for record in caplog.records if record.name.startswith("geoalert.dispatch.alarm")]
    assert logged == [
        "alarm: twilio stands still until somebody acts: credential",
        "an alarm is over: twilio stands still until somebody acts: credential",
    ]
    for secret in (BEARER, guard.pager.url, "+915", "test-token", "Kothrud"):
        assert secret not in caplog.text
        assert secret not in str(guard.pager.taken)


async def test_a_restart_repeats_nothing(guard: Guard) -> None:
    guard.watch()
    await guard.refuse_the_credential()
    await guard.look()
    async with another(guard) as house:
        guard.watches.clear()
        guard.watch(house)
        guard.later(hours=3)
        for _ in range(3):
            await guard.look()
    assert guard.pager.events == [BEGUN]


async def test_what_is_not_taken_is_tried_again_and_neither_is_a_redirect_followed(guard: Guard) -> None:
    guard.watch()
    guard.pager.script.extend([500, 500, 307, 204])
    await guard.refuse_the_credential()
    await guard.look()
    assert (len(guard.pager.asked), guard.pager.taken) == (1, [])
    for tries in (2, 3, 4, 4, 4):
        guard.later(seconds=29)
        await guard.look()
        assert len(guard.pager.asked) == tries
    assert guard.pager.events == [BEGUN]
    assert guard.pager.elsewhere == 0


async def test_a_silent_pager_hears_of_both_when_it_is_back(guard: Guard, tmp_path: Path) -> None:
    async with another(guard) as house:
        for watch in (guard.watch(), guard.watch(house)):
            watch.pager = Pager(guard.pager.url, "", "pune", deadline=0.3)
        guard.pager.script.extend([SILENT, SILENT])
        await guard.refuse_the_credential()
        await guard.look()
        assert len(guard.pager.asked) == 1
        guard.shell(tmp_path)("dispatch", "resume")
        await guard.look()
        row = (await guard.alarms())["halt:twilio:0"]
        assert (row.ended_at is not None, row.told) == (True, "")
        assert guard.shell(tmp_path)("dispatch", "status", "--json").document["alarms"] == []
        for _ in range(4):
            guard.later(seconds=40)
            await guard.look()
    assert guard.pager.events == [BEGUN, ENDED]
    assert guard.pager.most_at_once == 1


async def test_a_pager_that_is_away_holds_up_nobody(guard: Guard) -> None:
    """A worker as it runs: the page is under way for its ten seconds, and everything else goes on and ends."""
    guard.pager.script.extend([SILENT] * 10)
    await guard.refuse_the_credential()
    house = guard.depot.chain.house
    courier = house.courier()
    working = asyncio.create_task(work(courier, house.desk.engine, house.watch()))
    try:
        await until(lambda: guard.pager.asked, "it was paged")
        await guard.depot.settle(1, "push")
        await guard.depot.chain.sent(channels=("push",))

        async def told() -> bool:
            return (await guard.depot.outcomes())[Outcome.ACCEPTED] == 1

        await until(told, "somebody was told", 8)
    finally:
        courier.stopping.set()
        await asyncio.wait_for(working, 10)
    assert len(guard.pager.asked) == 1


async def test_two_workers_as_they_run_page_once_and_say_nothing_personal(guard: Guard, tmp_path: Path) -> None:
    guard.pager.script.extend([500, 500])
    env = guard.environment(GEOALERT_PAGER_URL=guard.pager.url, GEOALERT_PAGER_BEARER=BEARER)
    async with (
        running("worker", cwd=tmp_path, env=env, name="one") as one,
        running("worker", cwd=tmp_path, env=env, name="two") as two,
    ):
        for each in (one, two):
            await until(lambda each=each: "carries" in each.err.read_text(), "it has started")  # type: ignore[misc]
        guard.depot.spoil("twilio", "status", times=9, status=401)
        await guard.depot.settle(1, "sms")
        await guard.depot.chain.sent(channels=("sms",))
        await until(lambda: guard.pager.taken, "it was paged")
        guard.depot.providers.sandbox.mischief.script.clear()
        await asyncio.to_thread(guard.shell(tmp_path), "dispatch", "resume")
        await until(lambda: len(guard.pager.taken) > 1, "it was said to be over")
        words = [(await _stopped(each)) for each in (one, two)]
    assert guard.pager.events == [BEGUN, ENDED]
    assert len(guard.pager.asked) == 4
    for secret in (BEARER, guard.pager.url, "Traceback"):
        assert secret not in "".join(words)
    assert "".join(words).count("alarm: twilio stands still") == 1


async def _stopped(worker: Running) -> str:
    worker.signal(signal.SIGTERM)
    ran = (await worker.ended()).polite()
    assert ran.code == 0
    return ran.err


async def test_without_a_pager_alarms_are_kept_and_logged_once(
    guard: Guard, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    guard.depot.chain.house.settings.pager.url = SecretStr("")
    guard.watch()
    await guard.refuse_the_credential()
    for _ in range(3):
        await guard.look()
    assert list(await guard.alarms()) == ["halt:twilio:0"]
    guard.shell(tmp_path)("dispatch", "resume")
    for _ in range(3):
        await guard.look()
    assert await guard.alarms() == {}
    assert caplog.text.count("alarm: twilio") == 1
    assert caplog.text.count("is over: twilio") == 1
    assert guard.pager.asked == []
