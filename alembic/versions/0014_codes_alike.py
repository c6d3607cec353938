"""Where all in a batch are alike, what became of them takes six bytes; a program of before would misread those"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ALIKE = 0xFF  # the first byte of what is short
CODES = ("outcomes", "reasons")
BATCH = sa.table("batch", sa.column("id"), *(sa.column(name, sa.LargeBinary()) for name in CODES))
PART = 200


def upgrade() -> None:
    """Nothing: a byte each is read as before, and becomes short when it is next written."""


def downgrade() -> None:
    """Some at a time: a store of years holds more than fits into memory."""
    connection = op.get_bind()
    change = sa.update(BATCH).where(BATCH.c.id == sa.bindparam("this"))
    some = sa.select(BATCH).order_by(BATCH.c.id).limit(PART)
    last = 0  # ids are far apart: those of one message begin 16 million after the last one's
    while rows := connection.execute(some.where(BATCH.c.id > last)).all():
        changes = [
            {"this": row.id, **{f"new_{name}": _a_byte_each(getattr(row, name)) for name in CODES}} for row in rows
        ]
        connection.execute(change.values({name: sa.bindparam(f"new_{name}") for name in CODES}), changes)
        last = rows[-1].id


def _a_byte_each(held: bytes) -> bytes:
    if not held or held[0] != ALIKE:
        return held
    return held[1:2] * int.from_bytes(held[2:], "little")
