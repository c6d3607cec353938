"""Who issues: departments, the officers who answer for them, and the credentials both use."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Integer, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from geoalert.store import Base, BigId, Document, Instant


class Department(Base):
    __tablename__ = "department"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    code: Mapped[str] = mapped_column(String(60), unique=True)
    serial: Mapped[int | None] = mapped_column(Integer)  # in the annex of 19 July 2021
    kind: Mapped[str] = mapped_column(String(12))  # department, zone, office
    name_en: Mapped[str] = mapped_column(String(160))
    name_mr: Mapped[str] = mapped_column(String(160))
    printed_mr: Mapped[str] = mapped_column(String(160))  # as the annex prints it
    reading: Mapped[str] = mapped_column(String(20))  # as printed, inferred


class Officer(Base):
    __tablename__ = "officer"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    reference: Mapped[str] = mapped_column(String(36), unique=True)
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    post: Mapped[str] = mapped_column(String(120))
    roles: Mapped[list[str]] = mapped_column(Document)  # keys of departments.roles.ROLES
    state: Mapped[str] = mapped_column(String(10))  # active, left
    created_at: Mapped[datetime] = mapped_column(Instant())

    @property
    def signature(self) -> str:
        """As the audit names them."""
        return f"officer:{self.reference}"


class Credential(Base):
    """A key of a department (a machine) or of an officer (a person). The secret is 256 random bits, so its plain
    SHA-256 is enough; it is shown once.
    """

    __tablename__ = "credential"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    public: Mapped[str] = mapped_column(String(24), unique=True)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), index=True)
    officer_id: Mapped[int | None] = mapped_column(ForeignKey("officer.id"))
    rights: Mapped[list[str]] = mapped_column(Document)
    label: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(Instant())
    expires_at: Mapped[datetime | None] = mapped_column(Instant())
    revoked_at: Mapped[datetime | None] = mapped_column(Instant())


class RepeatedRequest(Base):
    """The answer to a request that carried an Idempotency-Key, kept to be given again."""

    __tablename__ = "repeated_request"
    __table_args__ = (UniqueConstraint("credential_id", "key"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    credential_id: Mapped[int] = mapped_column(BigInteger)
    key: Mapped[str] = mapped_column(String(255))
    request_hash: Mapped[str] = mapped_column(String(64))
    status: Mapped[int] = mapped_column(Integer)
    answer: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(Instant())
