"""Entries of the audit are committed with their action and linked into the chain afterwards"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from geoalert.store import canonical, digest

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

WAITS = sa.text("number IS NULL")


def _alone() -> None:
    # Ahead of whoever links in a process that is still open: met half-way, each would wait for the other.
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SELECT pg_advisory_xact_lock(7262)")
        op.execute("LOCK TABLE audit IN ACCESS EXCLUSIVE MODE")


def upgrade() -> None:
    _alone()
    op.execute("CREATE TABLE audit_before AS SELECT * FROM audit")
    op.drop_table("audit")
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sa.UniqueConstraint("number", name=op.f("uq_audit_number")),
        sa.UniqueConstraint("hash", name=op.f("uq_audit_hash")),
    )
    _bring_back("number, number, body, action, subject, hash", "id, number, body, action, subject, hash")
    op.create_index(op.f("ix_audit_waiting"), "audit", ["id"], unique=False, postgresql_where=WAITS, sqlite_where=WAITS)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SELECT setval(pg_get_serial_sequence('audit', 'id'), (SELECT max(id) + 1 FROM audit), false)")


def _bring_back(read: str, written: str) -> None:
    op.execute(f"INSERT INTO audit ({written}) SELECT {read} FROM audit_before")  # noqa: S608 - names of ours
    op.drop_table("audit_before")
    op.create_index(op.f("ix_audit_action"), "audit", ["action"], unique=False)
    op.create_index(op.f("ix_audit_subject"), "audit", ["subject"], unique=False)


def _link_what_waits() -> None:
    # As geoalert.audit.linking did when this was written; nobody else is at work on the store.
    run = op.get_bind()
    newest = "SELECT number, hash FROM audit WHERE number IS NOT NULL ORDER BY number DESC LIMIT 1"
    number, previous = run.execute(sa.text(newest)).one_or_none() or (0, "0" * 64)
    for id_, body in run.execute(sa.text("SELECT id, body FROM audit WHERE number IS NULL ORDER BY id")).all():
        number += 1
        linked = json.loads(body) | {"number": number, "previous": previous}
        previous = digest(linked)
        row = {"id": id_, "number": number, "body": canonical(linked).decode(), "hash": previous}
        run.execute(sa.text("UPDATE audit SET number = :number, body = :body, hash = :hash WHERE id = :id"), row)


def downgrade() -> None:
    _alone()
    _link_what_waits()
    op.execute("CREATE TABLE audit_before AS SELECT number, body, action, subject, hash FROM audit")
    op.drop_table("audit")
    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit")),
        sa.UniqueConstraint("hash", name=op.f("uq_audit_hash")),
    )
    _bring_back("number, body, action, subject, hash", "number, body, action, subject, hash")
