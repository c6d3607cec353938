"""Batches name owners, not addresses: which address is used is decided when the message leaves for them"""

from __future__ import annotations

import numpy as np
import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BATCH = sa.table("batch", sa.column("id"), sa.column("channel"), sa.column("recipients", sa.LargeBinary()))
ADDRESS = sa.table(
    "address", *(sa.column(name) for name in ("id", "owner_kind", "owner_id", "channel", "state", "rank"))
)
NOBODY = 0  # whose address is gone: no owner has this id


def upgrade() -> None:
    rows = op.get_bind().execute(sa.select(ADDRESS.c.id, ADDRESS.c.owner_kind, ADDRESS.c.owner_id))
    owner = {id_: owner_id if kind == "subscriber" else -owner_id for id_, kind, owner_id in rows}
    _rewrite(lambda _channel, ids: [owner.get(id_, NOBODY) for id_ in ids])


def downgrade() -> None:
    rows = op.get_bind().execute(
        sa.select(ADDRESS.c.owner_kind, ADDRESS.c.owner_id, ADDRESS.c.channel, ADDRESS.c.id).order_by(
            ADDRESS.c.state == "active", ADDRESS.c.rank.desc()
        )
    )
    address = {(channel, owner if kind == "subscriber" else -owner): id_ for kind, owner, channel, id_ in rows}
    _rewrite(lambda channel, owners: [address.get((channel, owner), NOBODY) for owner in owners])


def _rewrite(translate) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - as the two above call it
    connection = op.get_bind()
    for id_, channel in connection.execute(sa.select(BATCH.c.id, BATCH.c.channel)).all():
        held = connection.execute(sa.select(BATCH.c.recipients).where(BATCH.c.id == id_)).scalar_one()
        made = np.array(translate(channel, np.frombuffer(held, dtype="<i8").tolist()), dtype="<i8").tobytes()
        connection.execute(sa.update(BATCH).where(BATCH.c.id == id_).values(recipients=made))
