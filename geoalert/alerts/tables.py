"""An alert is an event with its life; its messages are the CAP chain: Alert, Update, Cancel."""

from __future__ import annotations

from datetime import datetime

from shapely.geometry.base import BaseGeometry
from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from geoalert.store import Base, BigId, Document, Geometry, Instant

REMINDS = text("remind_at IS NOT NULL AND reminded_at IS NULL AND reminder_left_out IS NULL")


class Alert(Base):
    __tablename__ = "alert"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    identifier: Mapped[str] = mapped_column(String(36), unique=True)
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), index=True)
    category: Mapped[str] = mapped_column(String(40))
    drill: Mapped[bool] = mapped_column(Boolean)
    incident: Mapped[str | None] = mapped_column(String(60), index=True)  # the event it shares with others
    created_at: Mapped[datetime] = mapped_column(Instant())


class Message(Base):
    """Content lives in `content` (RFC 8785 text) and never changes after approval; `content_hash` is what approvals
    are bound to. `state` moves only along `alerts.states.MOVES`.
    """

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("alert_id", "number"),
        Index("ix_message_area", "area", postgresql_using="gist").ddl_if(dialect="postgresql"),
        # Looked at each second: of the messages of years, few have a reminder to come.
        Index("ix_message_remind", "remind_at", postgresql_where=REMINDS, sqlite_where=REMINDS),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"), index=True)
    identifier: Mapped[str] = mapped_column(String(36), unique=True)
    number: Mapped[int] = mapped_column(Integer)  # 1, 2, … along the chain
    msg_type: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(12), index=True)
    severity: Mapped[str] = mapped_column(String(8))
    expires: Mapped[datetime] = mapped_column(Instant())
    send_at: Mapped[datetime | None] = mapped_column(Instant())
    remind_at: Mapped[datetime | None] = mapped_column(Instant())  # what became of it, once its time has come:
    reminded_at: Mapped[datetime | None] = mapped_column(Instant())
    reminder_left_out: Mapped[str | None] = mapped_column(String(12))  # why, as `operations.reminders.LEFT_OUT`
    content: Mapped[str] = mapped_column(Text)
    content_hash: Mapped[str] = mapped_column(String(64))
    says: Mapped[str | None] = mapped_column(String(64))  # `alerts.facts.says`; empty in those older than it
    area: Mapped[BaseGeometry] = mapped_column(Geometry())
    author: Mapped[str] = mapped_column(String(60))
    author_officers: Mapped[list[int]] = mapped_column(Document)  # everyone who wrote on it; none of them approves
    created_at: Mapped[datetime] = mapped_column(Instant())
    released_at: Mapped[datetime | None] = mapped_column(Instant())
    trace: Mapped[str | None] = mapped_column(String(55))  # of the request that released it (W3C traceparent)
    audience_hash: Mapped[str | None] = mapped_column(String(64))
    audience_size: Mapped[int | None] = mapped_column(BigInteger)
    audience_people: Mapped[int | None] = mapped_column(BigInteger)
    audience_counts: Mapped[dict[str, int] | None] = mapped_column(Document)  # by channel name
    # Size, people, counts and hash grow with those who join late. The next two say how far that was followed.
    audience_mark: Mapped[str | None] = mapped_column(Text)  # as `audience.changes.Position.seen`
    audience_followed_at: Mapped[datetime | None] = mapped_column(Instant())
    # Messages of other alerts of the event, by id, that were found to speak for this one to some of its people.
    audience_beside: Mapped[list[int] | None] = mapped_column(Document)


class Approval(Base):
    """A named person's word on one exact content. One-word releases open a review that another person closes."""

    __tablename__ = "approval"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"), index=True)
    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id"))
    kind: Mapped[str] = mapped_column(String(12))  # approval, one_word, review, return; reminder: carried over
    content_hash: Mapped[str] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(Instant())
    review_due: Mapped[datetime | None] = mapped_column(Instant())
    reviewed_at: Mapped[datetime | None] = mapped_column(Instant())
