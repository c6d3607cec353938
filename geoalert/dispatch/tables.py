"""What is to be sent and what became of it. These tables are the truth; the queue only wakes workers."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import (
    BigInteger,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from geoalert.store import Base, BigId, Codes, Instant

NUMBER: Final = 24  # bits of a batch's id that are its number; those above are its message's id


def id_of(message_id: int, number: int) -> int:
    """A batch's id: nobody has to ask the store for it. Within a message they ascend with the numbers; of two messages
    the one that was drafted later has the greater, whichever left first.

    Raises:
        ValueError: no message has so many batches.
    """
    if number >> NUMBER:
        raise ValueError(f"a message has fewer than {1 << NUMBER} batches")
    return message_id << NUMBER | number


class Batch(Base):
    """Up to N recipients of one message, channel and language: the unit of durable work.

    `number` counts the message's batches from 1. `id` is made of both by `id_of`, but for batches of before there was a
    rule: theirs are the numbers from 1 on.

    `recipients` holds owner ids, ascending (a subscriber's, or the negative of an account's), as `owners` writes them,
    `outcomes` and `reasons` one byte each, same positions; where all are alike the store holds six. Only
    `merge_outcomes` writes the last two.
    """

    __tablename__ = "batch"
    __table_args__ = (
        UniqueConstraint("message_id", "channel", "number"),
        Index("ix_batch_due", "state", "priority", "not_before"),
        Index(
            "ix_batch_look",
            "message_id",
            "look_at",
            postgresql_where=text("look_at IS NOT NULL"),
            sqlite_where=text("look_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"))
    channel: Mapped[int] = mapped_column(SmallInteger)
    number: Mapped[int] = mapped_column(Integer)
    language: Mapped[int] = mapped_column(SmallInteger)
    provider: Mapped[str] = mapped_column(String(20))
    priority: Mapped[int] = mapped_column(SmallInteger)  # 0 Extreme … 9 routine
    not_before: Mapped[datetime] = mapped_column(Instant())
    expires: Mapped[datetime] = mapped_column(Instant())
    size: Mapped[int] = mapped_column(Integer)
    owner_from: Mapped[int] = mapped_column(BigInteger)  # the least of them …
    owner_to: Mapped[int] = mapped_column(BigInteger)  # … and the greatest
    recipients: Mapped[bytes] = mapped_column(LargeBinary)
    outcomes: Mapped[bytes] = mapped_column(Codes())
    reasons: Mapped[bytes] = mapped_column(Codes())
    state: Mapped[str] = mapped_column(String(10))  # queued, leased, done, parked
    parked_for: Mapped[int] = mapped_column(SmallInteger)  # a Reason, 0 unless parked
    lease_owner: Mapped[str | None] = mapped_column(String(60))
    lease_generation: Mapped[int] = mapped_column(Integer)
    lease_until: Mapped[datetime | None] = mapped_column(Instant())
    attempts: Mapped[int] = mapped_column(Integer)
    joined_at: Mapped[datetime | None] = mapped_column(Instant())  # after the release; empty: in it from the release
    unasked_since: Mapped[datetime | None] = mapped_column(Instant())  # those in doubt could first not be asked about
    risk: Mapped[bool]  # an operator would rather tell those in doubt twice than not at all
    # Providers that carried it before (joined by commas), and by position which of them had the recipient last, counted
    # from 1; 0, or nothing at all, is `provider`.
    earlier: Mapped[str | None] = mapped_column(String(100))
    handed: Mapped[bytes | None] = mapped_column(LargeBinary)
    handed_at: Mapped[datetime | None] = mapped_column(Instant())  # when the first of them was handed over
    # From when somebody in it may need their next channel, until that was looked at; empty: nobody.
    look_at: Mapped[datetime | None] = mapped_column(Instant())
    moved_for: Mapped[int | None] = mapped_column(SmallInteger)  # a Reason: what their channel before this one met


class ReceiptRow(Base):
    """What a provider or device told us, kept before it is understood; unique, so that repeats change nothing."""

    __tablename__ = "receipt"
    __table_args__ = (
        UniqueConstraint("provider", "ref", "status"),
        Index("ix_receipt_open", "folded", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider: Mapped[str] = mapped_column(String(20))
    ref: Mapped[str] = mapped_column(String(80))
    status: Mapped[str] = mapped_column(String(20))
    raw_status: Mapped[str] = mapped_column(String(40))
    reason: Mapped[int] = mapped_column(SmallInteger)
    batch_id: Mapped[int] = mapped_column(BigInteger)
    position: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime] = mapped_column(Instant())
    folded: Mapped[int] = mapped_column(SmallInteger)  # 0 waiting, 1 folded, 2 set aside


class ProviderRef(Base):
    """The provider's own name for what we handed it: for receipts, look-ups and cost."""

    __tablename__ = "provider_ref"

    provider: Mapped[str] = mapped_column(String(20), primary_key=True)
    ref: Mapped[str] = mapped_column(String(120), primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("batch.id"), index=True)
    position: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime] = mapped_column(Instant())
    units: Mapped[int] = mapped_column(Integer)
    cost: Mapped[float] = mapped_column(Float)
    url: Mapped[str | None] = mapped_column(String(300))


class ProviderHealth(Base):
    """How a provider has answered lately, as all workers together have seen it; rules in `health`."""

    __tablename__ = "provider_health"

    provider: Mapped[str] = mapped_column(String(20), primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant())  # the two counts fade from here
    answers: Mapped[float] = mapped_column(Float)
    ill: Mapped[float] = mapped_column(Float)
    streak: Mapped[int] = mapped_column(Integer)  # chunks in a row without one good answer
    opens: Mapped[int] = mapped_column(Integer)  # times in a row that it was left alone
    open_until: Mapped[datetime | None] = mapped_column(Instant())  # left alone until then, and until asked
    returning_since: Mapped[datetime | None] = mapped_column(Instant())
    probe_until: Mapped[datetime | None] = mapped_column(Instant())  # somebody is trying it
    day: Mapped[str] = mapped_column(String(10))  # UTC, of `used`
    used: Mapped[int] = mapped_column(Integer)  # recipients handed over on that day
    balance: Mapped[float | None] = mapped_column(Float)  # what the provider last said, in its own currency
    checked_at: Mapped[datetime | None] = mapped_column(Instant())
    check_said: Mapped[int] = mapped_column(SmallInteger)  # a Reason, 0 when all was well


class Halt(Base):
    """What stands still until a person acts: a provider (`message_id` 0), a message at a provider, or routine work
    everywhere (`provider` empty).
    """

    __tablename__ = "halt"

    provider: Mapped[str] = mapped_column(String(20), primary_key=True)
    message_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    reason: Mapped[int] = mapped_column(SmallInteger)
    at: Mapped[datetime] = mapped_column(Instant())
    by: Mapped[str] = mapped_column(String(80))
    emergencies: Mapped[bool]  # whether the emergency lane stands still, too


class Pace(Base):
    """One GCRA row per provider and lane, shared by all workers. `tat` is when the next call may leave."""

    __tablename__ = "pace"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    tat: Mapped[float] = mapped_column(Float)  # seconds since 1970, database clock


class Alarm(Base):
    """Something is wrong and a person should know: one row from when it is seen until the pager has heard that it
    ended; rules in `alarms`.
    """

    __tablename__ = "alarm"

    key: Mapped[str] = mapped_column(String(60), primary_key=True)
    severity: Mapped[str] = mapped_column(String(10))
    words: Mapped[str] = mapped_column(String(200))
    since: Mapped[datetime] = mapped_column(Instant())
    said_at: Mapped[datetime | None] = mapped_column(Instant())  # an alarm from then on; empty: it may pass by itself
    ended_at: Mapped[datetime | None] = mapped_column(Instant())
    told: Mapped[str] = mapped_column(String(5))  # what the pager last took: alarm, ended; empty: nothing yet
    attempts: Mapped[int] = mapped_column(Integer)  # since it last took something
    next_try: Mapped[datetime] = mapped_column(Instant())


class StaffMessage(Base):
    """The one real message of a local day to staff through a provider. The row is made, and committed, before it is
    sent: one that stays `sending` is in doubt and is not sent again.
    """

    __tablename__ = "staff_message"

    day: Mapped[str] = mapped_column(String(10), primary_key=True)  # the city's date
    provider: Mapped[str] = mapped_column(String(20), primary_key=True)
    channel: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10))  # sending, accepted, failed, unknown
    reason: Mapped[int] = mapped_column(SmallInteger)  # a Reason, 0 unless it failed
    at: Mapped[datetime] = mapped_column(Instant())
