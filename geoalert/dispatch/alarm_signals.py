"""Everything that alarms are made of, in one statement: every few seconds each worker asks it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Float,
    Integer,
    Select,
    SmallInteger,
    String,
    and_,
    cast,
    func,
    literal,
    null,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlalchemy.types import TypeEngine

from geoalert.dispatch.alarms import Known, Signal, to_tell
from geoalert.dispatch.plan import EMERGENCY, PARKED
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Alarm, Batch, Halt, ProviderHealth, StaffMessage
from geoalert.store import Instant, database_now

COLUMNS: Final[dict[str, TypeEngine[Any]]] = {
    "kind": String(),
    "subject": String(),
    "number": Integer(),
    "reason": SmallInteger(),
    "at": Instant(),
    "amount": Float(),
    "state": String(),
    "said_at": Instant(),
    "ended_at": Instant(),
    "next_try": Instant(),
}


@dataclass(frozen=True, slots=True)
class Look:
    """The store at one moment: what it says, which alarms it has, and whether a page is due."""

    now: datetime
    signals: list[Signal]
    known: dict[str, Known]
    page_due: bool


async def look(session: AsyncSession) -> Look:
    """One statement on either store."""
    asked = [
        _halts(),
        *_health(),
        *_emergencies(),
        _staff(),
        _alarms(),
    ]
    server = session.get_bind().dialect.name == "postgresql"
    if server:  # its clock comes along; an embedded store's is the machine's
        asked.append(_part("clock", at=type_coerce(func.clock_timestamp(), Instant())))
    rows = (await session.execute(union_all(*asked))).all()
    if server:
        now = next(row.at for row in rows if row.kind == "clock") + session.info["shift"]
    else:
        now = await database_now(session)
    alarms = [row for row in rows if row.kind == "alarm"]
    return Look(
        now,
        [
            Signal(
                row.kind, row.subject, row.number or 0, Reason(row.reason or 0), row.at, row.amount or 0.0, row.state
            )
            for row in rows
            if row.kind not in {"alarm", "clock"} and row.at is not None
        ],
        {row.subject: Known(row.subject, row.at, row.said_at, row.ended_at, row.state) for row in alarms},
        any(to_tell(row.said_at, row.ended_at, row.state) and row.next_try <= now for row in alarms),
    )


def _part(kind: str, **given: Any) -> Select[Any]:  # noqa: ANN401 - columns and expressions
    """Rows of one kind; what is not given is empty."""
    values = {"kind": literal(kind), "subject": literal(""), "state": literal(""), **given}
    return select(*(values.get(name, cast(null(), type_)).label(name) for name, type_ in COLUMNS.items()))


def _halts() -> Select[Any]:
    """What dispatch made stand still; a pause is somebody's wish."""
    part = _part("halted", subject=Halt.provider, number=Halt.message_id, reason=Halt.reason, at=Halt.at)
    return part.where(Halt.reason != Reason.PAUSED)


def _health() -> list[Select[Any]]:
    row = ProviderHealth
    alone, back = row.open_until.is_not(None), row.returning_since.is_not(None)
    return [
        _part("unwell", subject=row.provider, reason=row.check_said, at=row.checked_at).where(row.check_said != 0),
        _part("left alone", subject=row.provider, at=row.open_until).where(alone),
        _part("returning", subject=row.provider, at=row.returning_since).where(~alone, back, row.streak > 0),
        _part("balance", subject=row.provider, at=row.checked_at, amount=row.balance).where(row.balance.is_not(None)),
    ]


def _emergencies() -> list[Select[Any]]:
    """The batch that waits longest: for a worker, for another one when its own is gone, for a person. A post that
    waits for the cell is where it should be.
    """
    urgent = Batch.priority <= EMERGENCY
    parked = and_(Batch.state == PARKED, Batch.parked_for != Reason.AWAITS_PUBLISHER)
    return [
        _part("waits", at=func.min(Batch.not_before)).where(urgent, Batch.state == "queued"),
        _part("waits", at=func.min(Batch.lease_until)).where(urgent, Batch.state == "leased"),
        _part("parked", at=func.min(Batch.not_before)).where(urgent, parked),
    ]


def _staff() -> Select[Any]:
    """The last message of each provider."""
    other = aliased(StaffMessage)
    last = select(func.max(other.day)).where(other.provider == StaffMessage.provider).scalar_subquery()
    part = _part(
        "staff",
        subject=StaffMessage.provider,
        reason=StaffMessage.reason,
        at=StaffMessage.at,
        state=StaffMessage.state,
    )
    return part.where(StaffMessage.day == last)


def _alarms() -> Select[Any]:
    return _part(
        "alarm",
        subject=Alarm.key,
        at=Alarm.since,
        state=Alarm.told,
        said_at=Alarm.said_at,
        ended_at=Alarm.ended_at,
        next_try=Alarm.next_try,
    )
