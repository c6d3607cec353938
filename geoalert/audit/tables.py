"""One table: the chain, and at its end what is still to be linked."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from geoalert.store import Base, BigId

WAITS = text("number IS NULL")


class AuditEntry(Base):
    """What somebody did. Without number and hash it was committed with its action and waits to be linked
    (`audit.linking`); with them nothing of it ever changes.
    """

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_waiting", "id", postgresql_where=WAITS, sqlite_where=WAITS),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    number: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    body: Mapped[str] = mapped_column(Text)  # linked: the hashed bytes as they were, RFC 8785
    action: Mapped[str] = mapped_column(String(40), index=True)
    subject: Mapped[str] = mapped_column(String(80), index=True)
    hash: Mapped[str | None] = mapped_column(String(64), unique=True)
