"""When those told are reminded, and what became of it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from geoalert.store import columns

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

REMINDS = sa.text("remind_at IS NOT NULL AND reminded_at IS NULL AND reminder_left_out IS NULL")


def upgrade() -> None:
    op.add_column("message", sa.Column("remind_at", columns.Instant(), nullable=True))
    op.add_column("message", sa.Column("reminded_at", columns.Instant(), nullable=True))
    op.add_column("message", sa.Column("reminder_left_out", sa.String(12), nullable=True))
    op.create_index(
        "ix_message_remind",
        "message",
        ["remind_at"],
        unique=False,
        postgresql_where=REMINDS,
        sqlite_where=REMINDS,
    )


def downgrade() -> None:
    op.drop_index("ix_message_remind", "message")
    op.drop_column("message", "reminder_left_out")
    op.drop_column("message", "reminded_at")
    op.drop_column("message", "remind_at")
