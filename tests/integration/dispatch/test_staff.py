"""The daily message to staff: once a local day through every provider of theirs, and an alarm where it is not taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr
from sqlalchemy import insert, select

from geoalert.bootstrap import House, open_house
from geoalert.dispatch.channels.channel import SendResult, Verdict
from geoalert.dispatch.overview import StaffSaid, staff_messages
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.staff import Staff
from geoalert.dispatch.tables import Alarm, StaffMessage
from geoalert.dispatch.watch import Watch
from geoalert.sandbox.faults import Fault
from geoalert.store import Store, database_now
from tests.command_line import Command
from tests.conftest import Providers
from tests.e2e.warm import shell
from tests.integration.dispatch.scripted import Scripted

PUNE = ZoneInfo("Asia/Kolkata")
DEVICE = "staff:a-device-of-the-staff-0001"
MOBILE = "+12025550119"
HALF_PAST_NINE = time(9, 30)


async def at(store: Store, clock: time, days: int = 0) -> None:
    """Moves the store's clock to this time of Pune's day, so many days on."""
    async with store.reading() as session:
        now = await database_now(session)
    local = now.astimezone(PUNE)
    wanted = datetime.combine(local.date() + timedelta(days=days), clock, PUNE)
    store.shift += wanted - now


async def look(*watches: Watch) -> None:
    for _ in range(2):
        await asyncio.gather(*(watch.look() for watch in watches))
        await asyncio.gather(*(watch.settled() for watch in watches))


async def said(store: Store) -> dict[str, StaffSaid]:
    async with store.reading() as session:
        return {row.provider: row for row in await staff_messages(session, await database_now(session))}


async def alarms(store: Store) -> list[str]:
    async with store.reading() as session:
        return sorted(await session.scalars(select(Alarm.words).where(Alarm.ended_at.is_(None))))


def watching(house: House, addresses: dict[str, Sequence[str]], *providers: Scripted) -> Watch:
    """A watch for staff at these addresses, with scripted providers in place of the sandbox's where there are any."""
    made = replace(house.watch(), staff=Staff(addresses, HALF_PAST_NINE, PUNE))
    return replace(made, channels={each.provider: each for each in providers}) if providers else made


@asynccontextmanager
async def two(house: House, *providers: Scripted) -> AsyncIterator[tuple[Watch, Watch]]:
    """Workers of two processes, with one clock."""
    async with open_house(house.settings) as other:
        await other.refresh()
        other.store.shift = house.store.shift
        yield watching(house, {"sms": [MOBILE]}, *providers), watching(other, {"sms": [MOBILE]}, *providers)


async def test_once_a_local_day_by_two_workers_through_every_provider(house: House) -> None:
    first, standby = Scripted("first"), Scripted("standby", weight=0)
    other_channel = Scripted("push", name="push")
    await at(house.store, time(9, 29), days=1)
    async with two(house, first, standby, other_channel) as watches:
        await look(*watches)
        assert (first.sent, standby.sent) == ([], [])
        for watch in watches:
            await at(watch.store, time(9, 31))
        for _ in range(3):
            await look(*watches)
        assert (first.sent, standby.sent, other_channel.sent) == ([1], [1], [])
        for clock in (time(23, 59), time(9, 29)):
            for watch in watches:
                await at(watch.store, clock, days=1 if clock < HALF_PAST_NINE else 0)
            await look(*watches)
        assert first.sent == [1]
        for watch in watches:
            await at(watch.store, time(9, 30))
        await look(*watches)
        assert (first.sent, standby.sent) == ([1, 1], [1, 1])
    assert {name: (row.channel, row.said) for name, row in (await said(house.store)).items()} == {
        "first": ("sms", "accepted"),
        "standby": ("sms", "accepted"),
    }
    assert await alarms(house.store) == []


async def test_a_restart_on_the_same_day_sends_nothing(house: House) -> None:
    provider = Scripted("first")
    await at(house.store, time(10), days=1)
    for _ in range(2):
        await look(watching(house, {"sms": [MOBILE]}, provider))
    assert provider.sent == [1]


@pytest.mark.parametrize(
    ("answer", "outcome", "words"),
    [
        (
            SendResult(Verdict.MISCONFIGURED, Reason.CREDENTIAL),
            ("failed", "credential"),
            "the daily message to staff failed at first: credential",
        ),
        (
            SendResult(Verdict.REFUSED, Reason.INVALID_ADDRESS),
            ("failed", "invalid_address"),
            "the daily message to staff failed at first: invalid address",
        ),
        (
            SendResult(Verdict.UNCERTAIN, Reason.TIMEOUT),
            ("unknown", "timeout"),
            "nobody knows whether the daily message to staff left by first",
        ),
    ],
)
async def test_a_failure_is_an_alarm_until_the_next_day_goes_well(
    house: House, answer: SendResult, outcome: tuple[str, str], words: str
) -> None:
    provider = Scripted("first", answer=lambda _: answer)
    await at(house.store, time(10), days=1)
    watch = watching(house, {"sms": [MOBILE]}, provider)
    await look(watch)
    row = (await said(house.store))["first"]
    assert (row.said, row.why) == outcome
    assert await alarms(house.store) == [words]
    provider.answer = lambda _: SendResult(Verdict.ACCEPTED)
    await look(watch)
    assert await alarms(house.store) == [words]
    await at(house.store, time(9, 30), days=1)
    await look(watch)
    assert provider.sent == [1, 1]
    assert await alarms(house.store) == []


async def test_who_crashed_after_claiming_leaves_a_doubt_and_nobody_sends_again(house: House) -> None:
    provider = Scripted("first")
    await at(house.store, time(9, 40), days=1)
    watch = watching(house, {"sms": [MOBILE]}, provider)
    async with house.store.writing() as session:
        now = await database_now(session)
        row: dict[str, Any] = {"provider": "first", "channel": "sms", "state": "sending", "reason": 0, "at": now}
        await session.execute(insert(StaffMessage).values(day=now.astimezone(PUNE).date().isoformat(), **row))
    await look(watch)
    assert ((await said(house.store))["first"].said, await alarms(house.store)) == ("sending", [])
    await at(house.store, time(9, 43))
    await look(watch)
    assert provider.sent == []
    assert (await said(house.store))["first"].said == "unknown"
    assert await alarms(house.store) == ["nobody knows whether the daily message to staff left by first"]


async def test_it_is_a_real_message_and_shown_without_anybodys_address(
    house: House, providers: Providers, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    house.settings.staff.to = SecretStr(f" sms:{MOBILE}, push:{DEVICE}")
    providers.sandbox.mischief.plan(Fault("fcm", "status", status=500))
    await at(house.store, time(10), days=1)
    watch = house.watch()
    await look(watch)
    async with house.store.reading() as session:
        day = (await database_now(session)).astimezone(PUNE).date().isoformat()
    (sms,) = providers.sandbox.twilio.by_number[MOBILE]
    assert (sms.to, sms.body) == (MOBILE, f"geoalert daily test, {day}")
    command = shell(
        tmp_path,
        GEOALERT_STORE_URL=house.settings.store.url,
        GEOALERT_STORE_KEY_FILE=str(house.settings.store.key_file),
        GEOALERT_SANDBOX_CREDENTIALS=str(providers.credentials),
        GEOALERT_STAFF=f"sms:{MOBILE},push:{DEVICE}",
    )
    shown = command("dispatch", "status", "--json")
    assert [(row["provider"], row["day"], row["said"], row["why"]) for row in shown.document["staff"]] == [
        ("fcm", day, "unknown", "provider_error"),
        ("twilio", day, "accepted", ""),
    ]
    assert [row["key"] for row in shown.document["alarms"]] == ["staff:fcm"]
    text = command("dispatch", "status")
    assert "the last daily message to staff" in text.out
    for secret in (MOBILE, MOBILE[2:], DEVICE, DEVICE[6:]):
        assert secret not in shown.out + shown.err + text.out + text.err + caplog.text + repr(watch)
    await watch.close()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("GEOALERT_STAFF", MOBILE, "entry 1 of GEOALERT_STAFF"),
        ("GEOALERT_STAFF", f"sms:{MOBILE},post:pune_mr", "entry 2 of GEOALERT_STAFF"),
        ("GEOALERT_STAFF", f"sms:{MOBILE},", "entry 2 of GEOALERT_STAFF"),
        ("GEOALERT_STAFF", "sms:98220123", "entry 1 of GEOALERT_STAFF: not a valid phone number"),
        ("GEOALERT_STAFF", "push:two words", "entry 1 of GEOALERT_STAFF: not a push token"),
        ("GEOALERT_STAFF_AT", "half past nine", "GEOALERT_STAFF_AT"),
        ("GEOALERT_STAFF_AT", "09:30+05:30", "GEOALERT_STAFF_AT"),
        ("GEOALERT_PAGER_URL", "ftp://pager.example/x", "GEOALERT_PAGER_URL"),
        ("GEOALERT_PAGER_URL", "pager.example", "GEOALERT_PAGER_URL"),
        ("GEOALERT_PAGER_URL", "https://", "GEOALERT_PAGER_URL"),
        ("GEOALERT_PAGER_URL", "https://pager.example:port/x", "GEOALERT_PAGER_URL"),
        ("GEOALERT_PAGER_URL", "https://me:secret@pager.example/x", "GEOALERT_PAGER_TOKEN"),
        ("GEOALERT_PAGER_TOKEN", "two\nlines", "GEOALERT_PAGER_TOKEN"),
    ],
)
@pytest.mark.parametrize("command", [("db", "upgrade"), ("worker",)])
def test_what_is_no_setting_is_refused_at_the_start(
    geoalert: Command, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], name: str, value: str, words: str
) -> None:
    monkeypatch.setenv("GEOALERT_PAGER_URL", "https://pager.example/x")
    monkeypatch.setenv(name, value)
    ran = geoalert(*command)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("refused: ")
    assert words in ran.stderr
    assert value not in ran.stderr
    assert "secret" not in ran.stderr
    assert not Path("var").exists()
