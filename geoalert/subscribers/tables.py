"""People, where they want to hear about, and how to reach them.

A place has no geometry column: homes are not published. `x`, `y` are lon, lat in units of 1e-7 degree; `cell` is
derived from them (see `subscribers.cells`) and carries the covering index that audiences are resolved by. `attr` and
`categories` beside every place are the person's, packed (see `subscribers.attributes`); triggers keep them.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from geoalert.store import Base, BigId, Instant

COVERED = ("subscriber_id", "attr", "categories")


class Subscriber(Base):
    __tablename__ = "subscriber"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    reference: Mapped[str] = mapped_column(String(36), unique=True)
    language: Mapped[int] = mapped_column(SmallInteger)
    categories: Mapped[int] = mapped_column(BigInteger)  # one bit per category of categories.toml
    min_severity: Mapped[int] = mapped_column(SmallInteger)
    quiet_from: Mapped[int | None] = mapped_column(SmallInteger)  # minute of the city's day, inclusive
    quiet_to: Mapped[int | None] = mapped_column(SmallInteger)  # exclusive; smaller than quiet_from over midnight
    consent: Mapped[int] = mapped_column(SmallInteger)  # 1 while consent to routine alerts stands
    state: Mapped[str] = mapped_column(String(10))  # active, paused, erased
    created_at: Mapped[datetime] = mapped_column(Instant())
    updated_at: Mapped[datetime] = mapped_column(Instant())


class Place(Base):
    __tablename__ = "place"
    __table_args__ = (
        Index("ix_place_cell", "cell", "x", "y", *COVERED).ddl_if(dialect="sqlite"),
        Index("ix_place_cell_covering", "cell", postgresql_include=["x", "y", *COVERED]).ddl_if(dialect="postgresql"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id", ondelete="CASCADE"), index=True)
    label: Mapped[str] = mapped_column(String(40))
    x: Mapped[int] = mapped_column(Integer)
    y: Mapped[int] = mapped_column(Integer)
    cell: Mapped[int] = mapped_column(BigInteger)
    attr: Mapped[int] = mapped_column(BigInteger, server_default="0")
    categories: Mapped[int] = mapped_column(BigInteger, server_default="0")


class AreaPlace(Base):
    """A ward, or a rounded cell of the map (`subscribers.rounded`), for a person who gave no point."""

    __tablename__ = "area_place"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id", ondelete="CASCADE"), index=True)
    label: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(10))  # ward, cell
    code: Mapped[str] = mapped_column(String(60), index=True)
    attr: Mapped[int] = mapped_column(BigInteger, server_default="0")
    categories: Mapped[int] = mapped_column(BigInteger, server_default="0")


class AudienceChange(Base):
    """Whose places, wishes or addresses changed, in the transaction that changed them; written by triggers alone.

    `xid` is that transaction's number on PostgreSQL: a transaction can take its `seq` early and commit late, so whoever
    follows the log there reads by `xid`. SQLite has one writer at a time; there `seq` is enough and `xid` is 0.
    """

    __tablename__ = "audience_change"
    __table_args__ = ({"sqlite_autoincrement": True},)

    seq: Mapped[int] = mapped_column(BigId, primary_key=True)
    xid: Mapped[int] = mapped_column(BigInteger, index=True)
    subscriber_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(Instant())


class Address(Base):
    """Where a message can be put. `sealed` is the encrypted value, `blind` its index; neither is ever logged."""

    __tablename__ = "address"
    __table_args__ = (
        UniqueConstraint("channel", "kind", "blind"),
        Index("ix_address_owner", "owner_kind", "owner_id", "channel"),
        # Batches hold owners (a subscriber's id, or minus a handle's). An address's own id is held by whoever sends to
        # it, and by providers in the key that tells a repeat: a freed number must never name somebody else's.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    owner_kind: Mapped[str] = mapped_column(String(12))  # subscriber, handle
    owner_id: Mapped[int] = mapped_column(BigInteger)
    channel: Mapped[int] = mapped_column(SmallInteger)
    kind: Mapped[str] = mapped_column(String(14))  # phone, token, installation, email, handle
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    blind: Mapped[bytes] = mapped_column(LargeBinary)
    rank: Mapped[int] = mapped_column(SmallInteger)  # the person's order, 0 first
    state: Mapped[str] = mapped_column(String(10))  # unverified, active, stopped, gone
    created_at: Mapped[datetime] = mapped_column(Instant())
    verified_at: Mapped[datetime | None] = mapped_column(Instant())


class Consent(Base):
    """The ledger: what was agreed to, in which words, when, and when it was taken back. Rows are never changed but
    for `withdrawn_at`.
    """

    __tablename__ = "consent"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[str] = mapped_column(String(20))  # routine
    basis: Mapped[str] = mapped_column(String(40))  # web, sms, app, import:<source>
    notice: Mapped[str] = mapped_column(String(20))  # version of the notice shown
    language: Mapped[str] = mapped_column(String(8))
    given_at: Mapped[datetime] = mapped_column(Instant())
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant())


class Handle(Base):
    """An account of the city on a social network. Handles are data: many per network, per language, per office."""

    __tablename__ = "handle"
    __table_args__ = (UniqueConstraint("network", "name"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    network: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(80))
    language: Mapped[int] = mapped_column(SmallInteger)
    ward: Mapped[str | None] = mapped_column(String(60))  # empty: the whole city
    state: Mapped[str] = mapped_column(String(10))  # active, retired
