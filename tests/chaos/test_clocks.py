"""Workers whose clocks are wrong, on a server whose clock is right: nobody is told twice, too early or too late.

On an embedded store the worker's machine is the store's, and there is one clock.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from geoalert.alerts import find_alert
from geoalert.alerts.tables import Message
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.tables import Batch
from geoalert.operations.demo_story import ALL_CLEAR, FLOOD, WATER
from geoalert.operations.release import release
from geoalert.settings import Settings
from tests.chaos.extent import FULL
from tests.conftest import Providers
from tests.e2e.crowd import Crowd, worker_environment
from tests.figures import Figure
from tests.stores import ON_POSTGRESQL, REQUIRED
from tests.waiting import until
from tests.workbench import WATER_SUPPLY, Chain

CLOCKS = ("+3600", "-3600", "+86400", "-86400") if FULL else ("-3600", "+86400")  # seconds
STEPS = ("+0", "-3600")  # of the one whose clock is set back while it works
PEOPLE = 120
RATE = "60"
IN_FLIGHT = timedelta(seconds=1)  # a chunk that began in time, and is half a second of the rate
SCHEDULED = {language: text | {"headline": FLOOD[language]["headline"]} for language, text in WATER.items()}

TEXTS = {"at once": WATER, "scheduled": SCHEDULED, "held": FLOOD, "expiring": ALL_CLEAR}
WHOLE = ("at once", "scheduled", "held")


def faked(**how: str) -> dict[str, str]:
    """The environment of a process whose wall clock is another; what measures durations goes on as it does."""
    command = shutil.which("faketime")
    if command is None and REQUIRED:
        pytest.fail("no faketime: install Debian's package of that name, as .ci/run does")
    if command is None:
        pytest.skip("no faketime: install Debian's package of that name")
    asked = [command, "-f", "+0", "printenv", "LD_PRELOAD"]
    library = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    return {"LD_PRELOAD": library, "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1", **how}


def wall_clock(env: dict[str, str]) -> float:
    """How far a process that starts so is from our time."""
    program = "import time; print(time.time())"
    answer = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    return float(answer.stdout) - time.time()


async def leaves(
    chain: Chain,
    texts: dict[str, dict[str, str]],
    *,
    not_before: datetime | None = None,
    expires: datetime | None = None,
) -> None:
    """Releases an alert with times of its own, in one transaction: workers hear of it with its times or not at all."""
    identifier = await chain.approved(channels=("sms",), texts=texts)
    officer = await chain.actor(chain.officers.officers[WATER_SUPPLY][1])
    async with chain.house.store.writing() as session:
        alert = await find_alert(session, identifier)
        await release(session, chain.house.desk, officer, alert)
        theirs = select(Message.id).where(Message.alert_id == alert.id)
        if not_before is not None:
            await session.execute(update(Batch).where(Batch.message_id.in_(theirs)).values(not_before=not_before))
        if expires is not None:
            await session.execute(update(Message).where(Message.alert_id == alert.id).values(expires=expires))
            await session.execute(update(Batch).where(Batch.message_id.in_(theirs)).values(expires=expires))


def arrivals(providers: Providers, texts: Mapping[str, Mapping[str, str]]) -> dict[str, list[datetime]]:
    """By number, when an SMS with one of these texts came."""
    found: dict[str, list[datetime]] = {}
    for number, messages in providers.sandbox.twilio.by_number.items():
        for sms in messages:
            if any(text["headline"] in sms.body and text["instruction"] in sms.body for text in texts.values()):
                found.setdefault(number, []).append(sms.created)
    return found


@ON_POSTGRESQL
async def test_no_clock_but_the_databases_decides(
    chain: Chain, providers: Providers, settings: Settings, tmp_path: Path, figure: Figure
) -> None:
    """One alert leaves at once, one has a time of its own, one is held, and one expires while it is being carried."""
    ours = worker_environment(settings, tmp_path / "keys.json", providers.credentials)
    ours["GEOALERT_SANDBOX_SMS_RATE"] = RATE
    clock = tmp_path / "clock"
    clock.write_text(STEPS[0])
    shifted = {offset: ours | faked(FAKETIME=offset) for offset in CLOCKS}
    for offset, env in shifted.items():
        assert abs(wall_clock(env) - float(offset)) < 60
    steps = ours | faked(FAKETIME_TIMESTAMP_FILE=str(clock), FAKETIME_NO_CACHE="1")
    crowd = Crowd(chain, providers, tmp_path, ours)
    await crowd.settle(sms=PEOPLE)
    async with AsyncExitStack() as stack:
        workers = [
            await stack.enter_async_context(replace(crowd, env=env).worker()) for env in (*shifted.values(), steps)
        ]
        await until(lambda: all("carries" in worker.err.read_text() for worker in workers), "all are at work")
        now = datetime.now(UTC)  # the server's machine is ours
        sent, held = now + timedelta(seconds=4), now + timedelta(seconds=5)
        scheduled = await chain.approved(channels=("sms",), texts=SCHEDULED, send_at=sent)
        await leaves(chain, FLOOD, not_before=held)
        await leaves(chain, WATER)
        ends = datetime.now(UTC) + timedelta(seconds=2)
        await leaves(chain, ALL_CLEAR, expires=ends)
        assert datetime.now(UTC) < sent
        await crowd.more_seen(PEOPLE // 4)
        clock.write_text(STEPS[1])
        assert abs(wall_clock(steps) - float(STEPS[1])) < 60
        await until(lambda: len(arrivals(providers, SCHEDULED)) == PEOPLE, "the scheduled one has gone")
        await crowd.all_done()
        for worker in workers:
            assert worker.process.returncode is None, worker.err.read_text()
    told = {name: arrivals(providers, texts) for name, texts in TEXTS.items()}
    assert {len(times) for each in told.values() for times in each.values()} == {1}
    assert {name: len(each) for name, each in told.items() if name != "expiring"} == dict.fromkeys(WHOLE, PEOPLE)
    assert min(min(times) for times in told["scheduled"].values()) >= sent
    assert min(min(times) for times in told["held"].values()) >= held
    assert max(max(times) for times in told["expiring"].values()) <= ends + IN_FLIGHT
    outcomes = Counter(outcome for batch in await crowd.batches() for outcome in batch.outcomes)
    assert outcomes[Outcome.EXPIRED] == PEOPLE - len(told["expiring"])
    assert 0 < len(told["expiring"]) < PEOPLE
    assert (await chain.report(scheduled))["balanced"]
    figure(
        f"{len(workers)} workers off by {', '.join(CLOCKS)} s and stepping by {STEPS[1]} s: told twice 0, too early 0, "
        f"after the end 0 of {PEOPLE * len(told)}"
    )
