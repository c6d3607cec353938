"""Batches say how they hold their owners, from now on by the steps between them, and whom they span"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sqlalchemy as sa
from alembic import op

from geoalert.dispatch.owners import owners_in

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

SPAN = ("owner_from", "owner_to")
BATCH = sa.table("batch", *(sa.column(name) for name in ("id", *SPAN)), sa.column("recipients", sa.LargeBinary()))
WHOLE = b"\x08"  # the form of `dispatch.owners` that the bytes of before have
# A batch of a thousand mostly has room in one row, half a page: written out of line it cost a fifth more.
ROOM = 4080
PART = 200


def upgrade() -> None:
    for name in SPAN:
        op.add_column("batch", sa.Column(name, sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER TABLE batch SET (toast_tuple_target = {ROOM})")
    _rewrite(_spanned)


def downgrade() -> None:
    _rewrite(lambda held: {"recipients": owners_in(held).astype("<i8").tobytes()})
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE batch RESET (toast_tuple_target)")
    for name in reversed(SPAN):
        op.drop_column("batch", name)


def _spanned(held: bytes) -> dict[str, Any]:
    if not held:
        return {"owner_from": 0, "owner_to": 0, "recipients": b""}
    owners = np.frombuffer(held, dtype="<i8")  # of a far older store perhaps in any order
    return {"owner_from": int(owners.min()), "owner_to": int(owners.max()), "recipients": WHOLE + held}


def _rewrite(made: Callable[[bytes], dict[str, Any]]) -> None:
    """Some at a time: a store of years holds more than fits into memory."""
    connection = op.get_bind()
    some = sa.select(BATCH.c.id, BATCH.c.recipients).order_by(BATCH.c.id).limit(PART)
    last = 0  # ids are far apart: those of one message begin 16 million after the last one's
    while rows := connection.execute(some.where(BATCH.c.id > last)).all():
        changes = [{"this": id_, **made(held)} for id_, held in rows]
        names = [name for name in changes[0] if name != "this"]
        change = sa.update(BATCH).where(BATCH.c.id == sa.bindparam("this"))
        connection.execute(change.values({name: sa.bindparam(name) for name in names}), changes)
        last = rows[-1].id
