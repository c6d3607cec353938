"""Submitting, approving, returning. Two different people stand behind everything that is not an emergency."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.drafting import newest
from geoalert.alerts.states import move
from geoalert.alerts.tables import Alert, Approval, Message
from geoalert.audit import append
from geoalert.departments import SEATS, Actor, active_seats
from geoalert.departments.tables import Officer
from geoalert.errors import Conflict, Forbidden, Invalid
from geoalert.store import database_now

REVIEW_WITHIN: Final = timedelta(hours=24)


async def submit(session: AsyncSession, actor: Actor, alert: Alert) -> Message:
    """Hands the newest message to the owning department's officers."""
    actor.require("submit")
    actor.require_department(alert.department_id)
    message = await newest(session, alert, lock=True)
    await _refuse_expired(session, message)
    await refuse_late_reminder(session, message)
    if actor.officer_id is not None and not message.author_officers:
        message.author_officers = [actor.officer_id]  # whoever hands in what a machine wrote answers for it
    move(message, "submit")
    await append(session, actor.name, "message.submitted", message.identifier, {"content_hash": message.content_hash})
    return message


async def approve(
    session: AsyncSession, actor: Actor, alert: Alert, content_hash: str | None, note: str = ""
) -> Message:
    """One named officer's approval of exactly this content.

    Raises:
        Forbidden: not a person, not of the owning department, or the author.
        Conflict: the content is not the one the officer saw, the department has too few named officers, or the
            message is not waiting for approval.
    """
    actor.require("approve")
    officer = own_officer(actor, alert)
    message = await newest(session, alert, lock=True)
    if officer in message.author_officers:
        raise Forbidden("the author cannot approve; the department's other officer must")
    if content_hash is not None and content_hash != message.content_hash:
        raise Conflict("the content has changed since you read it; read it again", pointer="/content_hash")
    if (await active_seats(session))[alert.department_id] < SEATS:
        raise Conflict(f"the department has fewer than {SEATS} named officers; name them first")
    await _refuse_expired(session, message)
    await refuse_late_reminder(session, message)
    if message.send_at is not None and not message.author_officers:
        raise Conflict(
            "no named person wrote or submitted this; it cannot leave by the clock on one officer's approval"
        )
    move(message, "approve")
    await record(session, actor, message, "approval", note)
    return message


async def send_back(session: AsyncSession, actor: Actor, alert: Alert, note: str) -> Message:
    """Returns a submitted message to its author with a reason."""
    actor.require("approve")
    own_officer(actor, alert)
    if not note.strip():
        raise Invalid("say what should change", pointer="/note")
    message = await newest(session, alert, lock=True)
    move(message, "return")
    await record(session, actor, message, "return", note)
    return message


async def withdraw(session: AsyncSession, actor: Actor, alert: Alert) -> Message:
    """Ends a message that has not left. Nobody was told, so nobody is."""
    actor.require("draft")
    actor.require_department(alert.department_id)
    message = await newest(session, alert, lock=True)
    move(message, "withdraw")
    await append(session, actor.name, "message.withdrawn", message.identifier, {})
    return message


async def record(session: AsyncSession, actor: Actor, message: Message, kind: str, note: str = "") -> Approval:
    """Writes one person's word on one content. `one_word` leaves a review open for another person."""
    now = await database_now(session)
    approval = Approval(
        message_id=message.id,
        officer_id=actor.person,
        kind=kind,
        content_hash=message.content_hash,
        note=note,
        at=now,
        review_due=now + REVIEW_WITHIN if kind == "one_word" else None,
    )
    session.add(approval)
    await session.flush()
    await append(session, actor.name, f"message.{kind}", message.identifier, {"content_hash": message.content_hash})
    return approval


async def require_approval(session: AsyncSession, message: Message) -> None:
    """Refuses a message whose approval is missing or was for other words.

    Raises:
        Conflict: nobody but the author stands behind this content.
    """
    if not await _standing(session, message):
        raise Conflict("this content has no approval")


async def _standing(session: AsyncSession, message: Message) -> list[tuple[Approval, Officer]]:
    """The approvals of exactly this content, by who did not write on it."""
    words = await session.execute(
        select(Approval, Officer)
        .join(Officer, Officer.id == Approval.officer_id)
        .where(
            Approval.message_id == message.id,
            Approval.kind == "approval",
            Approval.content_hash == message.content_hash,
        )
        .order_by(Approval.id)
    )
    return [(word, officer) for word, officer in words if officer.id not in message.author_officers]


async def require_second_person(session: AsyncSession, message: Message, officer: int) -> None:
    """Refuses to let one person both approve and send what only a machine wrote.

    Raises:
        Forbidden: the department's other officer must send it.
    """
    if message.author_officers:
        return
    approvers = await session.scalars(
        select(Approval.officer_id).where(Approval.message_id == message.id, Approval.kind == "approval")
    )
    if set(approvers) == {officer}:
        raise Forbidden("no named person wrote this; whoever approved it cannot also send it")


async def review(session: AsyncSession, actor: Actor, alert: Alert, note: str) -> int:
    """Closes the reviews that one person's word left open; returns how many.

    Raises:
        Forbidden: the reviewer gave that word.
    """
    actor.require("review")
    officer = own_officer(actor, alert)
    open_reviews = list(
        await session.scalars(
            select(Approval)
            .join(Message, Message.id == Approval.message_id)
            .where(Message.alert_id == alert.id, Approval.kind == "one_word", Approval.reviewed_at.is_(None))
        )
    )
    if any(word.officer_id == officer for word in open_reviews):
        raise Forbidden("whoever sent on one word cannot review it")
    now = await database_now(session)
    for word in open_reviews:
        word.reviewed_at = now
    if open_reviews:
        await append(session, actor.name, "alert.reviewed", alert.identifier, {"note": note})
    return len(open_reviews)


def own_officer(actor: Actor, alert: Alert) -> int:
    """The officer's id, if they belong to the department that owns the alert; Forbidden otherwise."""
    officer = actor.person
    if actor.department_id != alert.department_id:
        raise Forbidden("only an officer of the owning department can do this")
    return officer


async def _refuse_expired(session: AsyncSession, message: Message) -> None:
    if message.expires <= await database_now(session):
        raise Conflict("the alert has expired; edit its times first", pointer="/expires")


async def refuse_late_reminder(session: AsyncSession, message: Message) -> None:
    """Refuses what has not left and asks for a reminder at a time that has passed.

    Raises:
        Conflict: it has.
    """
    if message.remind_at is not None and message.remind_at <= await database_now(session):
        raise Conflict("the time of the reminder has passed; edit it first", pointer="/remind_at")


async def carry_over(session: AsyncSession, original: Message, reminder: Message) -> list[str]:
    """Puts the approvals that the original left on beside its reminder, each for the content that was read and of the
    time it was given; returns whose they are, as the audit names them.

    Raises:
        Conflict: nobody approved the original.
    """
    await require_approval(session, original)
    standing = await _standing(session, original)
    for word, officer in standing:
        session.add(
            Approval(
                message_id=reminder.id,
                officer_id=officer.id,
                kind="reminder",
                content_hash=word.content_hash,
                note=f"approved with message {original.identifier}",
                at=word.at,
                review_due=None,
            )
        )
    await session.flush()
    return [officer.signature for _, officer in standing]
