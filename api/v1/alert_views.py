"""Alerts as they are shown."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts import messages_of
from geoalert.alerts.tables import Alert, Approval, Message
from geoalert.departments.tables import Department, Officer
from geoalert.operations.desk import Desk
from geoalert.operations.release import Released
from geoalert.wards.contacts import contacts_for


class ApprovalView(BaseModel):
    kind: str
    officer: str
    post: str
    content_hash: str
    note: str
    at: datetime
    review_due: datetime | None
    reviewed_at: datetime | None


class AudienceView(BaseModel):
    """`people` are distinct persons; `audience` counts each of their channels, and the city's accounts."""

    people: int
    audience: int
    by_channel: dict[str, int]
    audience_hash: str


class MessageView(BaseModel):
    identifier: str
    number: int
    msg_type: str
    state: str
    severity: str
    expires: datetime
    send_at: datetime | None
    remind_at: datetime | None
    reminded_at: datetime | None
    reminder_left_out: Literal["passed", "begun", "ending"] | None = Field(
        description="why nobody was reminded: its time had passed when the message left; or the reminder was late,"
        " and the event had begun, or the alert was about to end"
    )
    content: dict[str, Any]
    content_hash: str
    author: str
    created_at: datetime
    released_at: datetime | None
    audience: AudienceView | None
    approvals: list[ApprovalView]


class AlertSummary(BaseModel):
    """`state`, `msg_type` and what follows are the newest message's."""

    identifier: str
    department: str
    category: str
    drill: bool
    incident: str | None
    created_at: datetime
    state: str
    msg_type: str
    severity: str
    expires: datetime
    headline: dict[str, str]


class ContactView(BaseModel):
    """An office the newest message touches, and the number to give to people about it: its own only if verified."""

    office_code: str
    names: dict[str, str]
    phone: str
    whose: Literal["office", "city"]


class AlertView(AlertSummary):
    messages: list[MessageView]
    contacts: list[ContactView]


class AlertPage(BaseModel):
    alerts: list[AlertSummary]
    next: str | None


class ReleasedView(BaseModel):
    alert: str
    message: str
    people: int
    audience: int
    audience_hash: str
    batches: int
    spared: dict[str, int] = Field(
        description="inside, and left in peace: told of the event already, or of enough this week"
    )


class CountView(BaseModel):
    """How many posts were let go, or reviews closed."""

    count: int


def released_view(alert: str, released: Released) -> ReleasedView:
    """What was put on its way."""
    return ReleasedView(
        alert=alert,
        message=released.message,
        people=released.people,
        audience=released.audience,
        audience_hash=released.audience_hash,
        batches=released.batches,
        spared=dict(released.spared),
    )


def summary(alert: Alert, department: str, newest: Message) -> AlertSummary:
    """One line of a list."""
    texts = json.loads(newest.content)["texts"]
    return AlertSummary(
        identifier=alert.identifier,
        department=department,
        category=alert.category,
        drill=alert.drill,
        incident=alert.incident,
        created_at=alert.created_at,
        state=newest.state,
        msg_type=newest.msg_type,
        severity=newest.severity,
        expires=newest.expires,
        headline={language: text["headline"] for language, text in texts.items()},
    )


async def alert_view(session: AsyncSession, alert: Alert, desk: Desk) -> AlertView:
    """The alert with its whole chain, everybody's word on it, and whom people may call."""
    chain = await messages_of(session, alert)
    department = (
        await session.execute(select(Department.code).where(Department.id == alert.department_id))
    ).scalar_one()
    approvals = await _approvals(session, chain)
    authors = await _names(session, sorted({officer for message in chain for officer in message.author_officers}))
    messages = [
        _message(
            message,
            ", ".join(authors[officer] for officer in message.author_officers) or message.author,
            approvals[message.id],
        )
        for message in chain
    ]
    current = next((message for message in reversed(chain) if message.state != "withdrawn"), chain[-1])
    line = summary(alert, department, current).model_dump()
    return AlertView(**line, messages=messages, contacts=_contacts(current, desk))


def _contacts(message: Message, desk: Desk) -> list[ContactView]:
    """By the offices of the day it was released or, before that, written: an old alert keeps the old ones."""
    on = desk.day(message.released_at or message.created_at)
    return [
        ContactView(office_code=office.code, names=dict(office.names), phone=call.phone, whose=call.whose)
        for office, call in contacts_for(desk.city, message.area, on)
    ]


def _message(message: Message, author: str, approvals: list[ApprovalView]) -> MessageView:
    audience = None
    if message.released_at is not None:
        audience = AudienceView(
            people=message.audience_people or 0,
            audience=message.audience_size or 0,
            by_channel=message.audience_counts or {},
            audience_hash=message.audience_hash or "",
        )
    return MessageView(
        identifier=message.identifier,
        number=message.number,
        msg_type=message.msg_type,
        state=message.state,
        severity=message.severity,
        expires=message.expires,
        send_at=message.send_at,
        remind_at=message.remind_at,
        reminded_at=message.reminded_at,
        reminder_left_out=message.reminder_left_out,
        content=json.loads(message.content),
        content_hash=message.content_hash,
        author=author,
        created_at=message.created_at,
        released_at=message.released_at,
        audience=audience,
        approvals=approvals,
    )


async def _approvals(session: AsyncSession, chain: Sequence[Message]) -> dict[int, list[ApprovalView]]:
    rows = await session.execute(
        select(Approval, Officer)
        .join(Officer, Officer.id == Approval.officer_id)
        .where(Approval.message_id.in_([message.id for message in chain]))
        .order_by(Approval.id)
    )
    found: dict[int, list[ApprovalView]] = defaultdict(list)
    for approval, officer in rows:
        found[approval.message_id].append(
            ApprovalView(
                kind=approval.kind,
                officer=officer.name,
                post=officer.post,
                content_hash=approval.content_hash,
                note=approval.note,
                at=approval.at,
                review_due=approval.review_due,
                reviewed_at=approval.reviewed_at,
            )
        )
    return found


async def _names(session: AsyncSession, ids: Sequence[int]) -> dict[int, str]:
    rows = await session.execute(select(Officer.id, Officer.name).where(Officer.id.in_(ids)))
    return dict(rows.all())
