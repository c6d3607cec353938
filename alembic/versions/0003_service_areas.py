"""Service areas"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from geoalert.store import columns

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "service_area",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("city", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=False),
        sa.Column("name_mr", sa.String(length=120), nullable=False),
        sa.Column("name_hi", sa.String(length=120), nullable=False),
        sa.Column("department", sa.String(length=60), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("illustrative", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(length=300), nullable=False),
        sa.Column("geometry", columns.Geometry("GEOMETRY"), nullable=False),
        sa.ForeignKeyConstraint(["department"], ["department.code"], name=op.f("fk_service_area_department")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_area")),
        sa.UniqueConstraint("city", "code", "valid_from", name=op.f("uq_service_area_city_code_valid_from")),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.create_index("ix_service_area_geometry", "service_area", ["geometry"], unique=False, postgresql_using="gist")


def downgrade() -> None:
    op.drop_table("service_area")
