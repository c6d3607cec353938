"""Telling a pager of alarms: at least once each that one began and that it ended, in this order, over any number of
workers and restarts. A page holds no person's number, token or place and no alert's text.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.alarms import to_tell
from geoalert.dispatch.channels.wire import Answer, Wire
from geoalert.dispatch.tables import Alarm
from geoalert.store import Store, database_now

log = logging.getLogger(__name__)

DEADLINE: Final = 10.0  # seconds
# An alarm whose page is under way is nobody else's for as long: more than the deadline, so no two are under way.
CLAIMED: Final = timedelta(seconds=30)
AT_A_TIME: Final = 8
STEPS: Final = (2, 5, 15, 60, 300)  # seconds to the next try, by how many have failed; the last one stays


@dataclass
class Pager:
    """Where alarms go. `city` says whose they are."""

    url: str = field(repr=False)
    token: str = field(repr=False)
    city: str
    deadline: float = DEADLINE

    def __post_init__(self) -> None:
        self._wire = Wire(AT_A_TIME, self.deadline)

    async def post(self, document: dict[str, str]) -> str:
        """Hands one page over; returns what went wrong, or nothing when it was taken. Follows no redirect."""
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        body = json.dumps(document | {"city": self.city}, ensure_ascii=False).encode()
        answer = await self._wire.request("POST", self.url, ends=self._wire.ends(), headers=headers, data=body)
        if isinstance(answer, Answer):
            return "" if answer.ok else f"it answered {answer.status}"
        return answer.reason.name.lower().replace("_", " ")

    async def close(self) -> None:
        await self._wire.close()


@dataclass(frozen=True, slots=True)
class _Page:
    """One event of one alarm, claimed; `attempt` fences it."""

    key: str
    event: str
    attempt: int
    document: dict[str, str]


async def send_pages(store: Store, pager: Pager, spread: Callable[[], float]) -> None:
    """Hands over what is due, several at a time. What is not taken is tried again later, for as long as it takes.
    `spread` gives numbers in [0, 1).
    """
    async with store.writing() as session:
        pages = await _claimed(session)
    await asyncio.gather(*(_send(store, pager, page, spread) for page in pages))


async def _claimed(session: AsyncSession) -> list[_Page]:
    now = await database_now(session)
    open_ = Alarm.ended_at.is_(None) & (Alarm.told != "alarm")
    waiting = select(Alarm).where(
        Alarm.said_at.is_not(None), Alarm.next_try <= now, or_(open_, Alarm.ended_at.is_not(None))
    )
    rows = await session.scalars(waiting.order_by(Alarm.said_at).limit(AT_A_TIME).with_for_update(skip_locked=True))
    pages = []
    for row in rows:
        event = to_tell(row.said_at, row.ended_at, row.told)
        row.attempts, row.next_try = row.attempts + 1, now + CLAIMED
        pages.append(_Page(row.key, event, row.attempts, _document(row, event)))
    return pages


def _document(row: Alarm, event: str) -> dict[str, str]:
    found = {
        "event": event,
        "key": row.key,
        "severity": row.severity,
        "words": row.words,
        "since": row.since.isoformat(),
    }
    return found | ({"ended": _moment(row.ended_at)} if event == "ended" else {})


def _moment(at: datetime | None) -> str:
    return "" if at is None else at.isoformat()


async def _send(store: Store, pager: Pager, page: _Page, spread: Callable[[], float]) -> None:
    wrong = await pager.post(page.document)
    async with store.writing() as session:
        now = await database_now(session)
        found = select(Alarm).where(Alarm.key == page.key).with_for_update().execution_options(populate_existing=True)
        row = (await session.scalars(found)).one_or_none()
        if row is None or row.attempts != page.attempt:
            return  # it took longer than the claim: another has told of it since
        if wrong:
            step = STEPS[min(row.attempts, len(STEPS)) - 1]
            row.next_try = now + timedelta(seconds=step * (0.5 + spread() / 2))
        else:
            row.told, row.attempts, row.next_try = page.event, 0, now
            if page.event == "ended" and row.ended_at is not None:
                await session.delete(row)
    if wrong and page.attempt == 1:
        log.warning("the pager has not taken %s: %s; it is tried again until it does", page.key, wrong)
