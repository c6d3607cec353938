"""How providers answer, what stands still, and by whom a recipient was carried"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from geoalert.store import columns

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


# Lanes of the queue were named by provider and are named by channel now: jobs under the old names would keep the new
# ones of the same batches out. The queue may lose everything; batches are announced again by the workers.
FORGET = """
DO $$ BEGIN
  IF to_regclass('pgqueuer') IS NOT NULL THEN DELETE FROM pgqueuer; END IF;
END $$
"""


def _forget_the_queue() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(FORGET)


def upgrade() -> None:
    _forget_the_queue()
    op.add_column("message", sa.Column("trace", sa.String(length=55), nullable=True))
    op.add_column("batch", sa.Column("unasked_since", columns.Instant(), nullable=True))
    op.add_column("batch", sa.Column("risk", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("batch", sa.Column("earlier", sa.String(length=100), nullable=True))
    op.add_column("batch", sa.Column("handed", sa.LargeBinary(), nullable=True))
    op.create_table(
        "provider_health",
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("answers", sa.Float(), nullable=False),
        sa.Column("ill", sa.Float(), nullable=False),
        sa.Column("streak", sa.Integer(), nullable=False),
        sa.Column("opens", sa.Integer(), nullable=False),
        sa.Column("open_until", columns.Instant(), nullable=True),
        sa.Column("returning_since", columns.Instant(), nullable=True),
        sa.Column("probe_until", columns.Instant(), nullable=True),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("balance", sa.Float(), nullable=True),
        sa.Column("checked_at", columns.Instant(), nullable=True),
        sa.Column("check_said", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_provider_health")),
    )
    op.create_table(
        "halt",
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("reason", sa.SmallInteger(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("emergencies", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "message_id", name=op.f("pk_halt")),
    )


def downgrade() -> None:
    _forget_the_queue()
    op.drop_table("halt")
    op.drop_table("provider_health")
    op.drop_column("batch", "handed")
    op.drop_column("batch", "earlier")
    op.drop_column("batch", "risk")
    op.drop_column("batch", "unasked_since")
    op.drop_column("message", "trace")
