"""The event an alert shares with others, what a message says, and which other messages spoke for it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from geoalert.store import columns

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alert", sa.Column("incident", sa.String(60), nullable=True))
    op.create_index("ix_alert_incident", "alert", ["incident"])
    op.add_column("message", sa.Column("says", sa.String(64), nullable=True))
    op.add_column("message", sa.Column("audience_beside", columns.Document, nullable=True))


def downgrade() -> None:
    op.drop_column("message", "audience_beside")
    op.drop_column("message", "says")
    op.drop_index("ix_alert_incident", table_name="alert")
    op.drop_column("alert", "incident")
