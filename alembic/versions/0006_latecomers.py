"""How far each message's audience has followed the log of changes, and which batches came after the release"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from geoalert.store import columns

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("message", sa.Column("audience_mark", sa.Text(), nullable=True))
    op.add_column("message", sa.Column("audience_followed_at", columns.Instant(), nullable=True))
    op.add_column("batch", sa.Column("joined_at", columns.Instant(), nullable=True))


def downgrade() -> None:
    op.drop_column("batch", "joined_at")
    op.drop_column("message", "audience_followed_at")
    op.drop_column("message", "audience_mark")
