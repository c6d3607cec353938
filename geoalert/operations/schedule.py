"""What happens on its own, by the database's clock: messages approved for later leave when their time has come, those
told are reminded where the message asks for it, who joins a live one late is told, whom a channel did not tell is told
by their next, and the log of changes is cut.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress

from sqlalchemy import select

from geoalert.alerts.tables import Alert, Message
from geoalert.audience.changes import prune
from geoalert.errors import Outdated, Refusal
from geoalert.operations.desk import Desk
from geoalert.operations.latecomers import Latecomers
from geoalert.operations.next_channel import NextChannel
from geoalert.operations.release import release_approved
from geoalert.operations.reminders import remind_due
from geoalert.store import database_now

log = logging.getLogger(__name__)

LOOK_EVERY = 1.0  # seconds
PRUNE_EVERY = 3600.0
SCHEDULER = "scheduler"


async def release_due(desk: Desk) -> int:
    """Releases what is due, each alert in a transaction of its own; returns how many. An empty audience is no
    obstacle: whoever approved the hour was asked where there was nobody then.
    """
    async with desk.store.reading() as session:
        now = await database_now(session)
        waiting = select(Message.alert_id).where(Message.state == "approved", Message.send_at <= now)
        due = list(await session.scalars(waiting.where(Message.expires > now)))
    released = 0
    for alert_id in due:
        try:
            async with desk.store.writing() as session:
                alert = await session.get_one(Alert, alert_id)
                await release_approved(session, desk, SCHEDULER, alert, confirm_empty=True)
                released += 1
        except Outdated:
            raise
        except Refusal as refusal:
            # Another worker was first, or it was edited meanwhile; the alert itself shows which.
            log.info("a scheduled message was not sent: %s", refusal.reason)
        except Exception:
            # One alert that cannot leave must not hold up those behind it.
            log.exception("a scheduled message could not be sent")
    return released


async def keep_schedule(desk: Desk, stopping: asyncio.Event) -> None:
    """Looks every second until `stopping` is set; cuts the log at the beginning and once an hour."""
    latecomers, next_channel = Latecomers(desk), NextChannel(desk)
    prune_at = time.monotonic()
    while not stopping.is_set():
        try:
            await release_due(desk)
            await remind_due(desk)
            await latecomers.look()
            await next_channel.look()
            if time.monotonic() >= prune_at:
                prune_at = time.monotonic() + PRUNE_EVERY
                async with desk.store.writing() as session:
                    await prune(session)
        except Outdated:
            return
        except Exception as error:  # noqa: BLE001 - the schedule outlives whatever went wrong once
            log.warning("the schedule waits: %s", type(error).__name__)
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), LOOK_EVERY)
