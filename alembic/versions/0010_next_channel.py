"""When a batch was first handed over, from when its people may need their next channel, and why others needed theirs"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from geoalert.store import columns

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SOMEBODY = sa.text("look_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("batch", sa.Column("handed_at", columns.Instant(), nullable=True))
    op.add_column("batch", sa.Column("look_at", columns.Instant(), nullable=True))
    op.add_column("batch", sa.Column("moved_for", sa.SmallInteger(), nullable=True))
    op.create_index(
        "ix_batch_look",
        "batch",
        ["message_id", "look_at"],
        unique=False,
        postgresql_where=SOMEBODY,
        sqlite_where=SOMEBODY,
    )


def downgrade() -> None:
    op.drop_index("ix_batch_look", "batch")
    op.drop_column("batch", "moved_for")
    op.drop_column("batch", "look_at")
    op.drop_column("batch", "handed_at")
