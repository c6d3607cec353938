"""Epochs of the wards"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from geoalert.store import columns

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    epoch = op.create_table(
        "epoch",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("city", sa.String(length=40), nullable=False),
        sa.Column("label", sa.String(length=20), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("imported_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_epoch")),
        sa.UniqueConstraint("city", "label", name=op.f("uq_epoch_city_label")),
        sa.UniqueConstraint("city", "valid_from", name=op.f("uq_epoch_city_valid_from")),
    )
    version = op.create_table(
        "ward_version",
        sa.Column("city", sa.String(length=40), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("city", name=op.f("pk_ward_version")),
    )
    # What an older program loaded was the packaged product; where it came from was not kept.
    connection = op.get_bind()
    ward = sa.table("ward", sa.column("city"), sa.column("epoch"), sa.column("valid_from", sa.Date()))
    held = connection.execute(
        sa.select(ward.c.city, ward.c.epoch, sa.func.min(ward.c.valid_from)).group_by(ward.c.city, ward.c.epoch)
    ).all()
    now = datetime.now(UTC)
    for city, label, since in held:
        facts = {"city": city, "label": label, "valid_from": since, "valid_to": None, "note": ""}
        origin = {"source": "packaged", "sha256": "", "imported_at": now}
        connection.execute(sa.insert(epoch).values(facts | origin))
    for city in sorted({row[0] for row in held}):
        connection.execute(sa.insert(version).values(city=city, version=1))


def downgrade() -> None:
    op.drop_table("ward_version")
    op.drop_table("epoch")
