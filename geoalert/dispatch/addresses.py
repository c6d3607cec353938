"""Where the recipients of a chunk are reached now: looked up when the message leaves, not when it was planned."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audience.rules import quiet_until
from geoalert.dispatch.channels.channel import Delivery
from geoalert.dispatch.outcomes import Change, Outcome
from geoalert.dispatch.plan import recipients_of
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.reference import make_refs
from geoalert.dispatch.tables import Batch
from geoalert.errors import Invalid
from geoalert.store import keys_of
from geoalert.subscribers.register import bound_to

# One look at an index for each owner, whatever the planner believes of the tables: a list of a thousand values in one
# condition was compared with every address there is wherever statistics were missing. A usable address comes first.
POSTGRESQL: Final = text("""
    SELECT o.id, a.id, a.kind, a.sealed, a.state, s.state, s.consent, s.quiet_from, s.quiet_to
    FROM unnest(CAST(:owners AS bigint[])) AS o(id)
    CROSS JOIN LATERAL (
        SELECT id, kind, sealed, state FROM address
        WHERE owner_kind = CASE WHEN o.id > 0 THEN 'subscriber' ELSE 'handle' END
            AND owner_id = abs(o.id) AND channel = :channel
        ORDER BY state <> 'active', rank, id LIMIT 1
    ) AS a
    LEFT JOIN LATERAL (
        SELECT state, consent, quiet_from, quiet_to FROM subscriber WHERE id = o.id LIMIT 1
    ) AS s ON true
""")
SQLITE: Final = text("""
    SELECT o.value, a.id, a.kind, a.sealed, a.state, s.state, s.consent, s.quiet_from, s.quiet_to
    FROM json_each(:owners) AS o
    CROSS JOIN address AS a ON a.owner_kind = iif(o.value > 0, 'subscriber', 'handle')
        AND a.owner_id = abs(o.value) AND a.channel = :channel
    LEFT JOIN subscriber AS s ON s.id = o.value
    ORDER BY a.state <> 'active', a.rank, a.id
""")

# The owner, their address (its id, kind, sealed value and state), and of a person their state, consent, quiet hours.
Known = tuple[int, int, str, bytes, str, str | None, int | None, int | None, int | None]


@dataclass(frozen=True, slots=True)
class Reached:
    """By position: the delivery with its address's id; what became of those whose address, consent or STOP changed
    since the release; and until when others do not want to be woken.
    """

    usable: dict[int, tuple[Delivery, int]] = field(default_factory=dict)
    gone: dict[int, Change] = field(default_factory=dict)
    quiet: dict[int, datetime] = field(default_factory=dict)


async def addresses_of(
    session: AsyncSession,
    batch: Batch,
    positions: Sequence[int],
    *,
    needs_consent: bool,
    quiet: tuple[datetime, tzinfo] | None = None,
) -> Reached:
    """How these recipients of a batch are reached now. `quiet` is now and the city's zone, where quiet hours are kept:
    a batch that waited for longer than it was planned to may have come into them.
    """
    ids = recipients_of(batch)
    known = await _known(session, batch.channel, [ids[position] for position in positions])
    keys, reached = keys_of(session), Reached()
    channel, name = batch.channel, f"{batch.message_id}.{batch.channel}"
    usable, gone = reached.usable, (Outcome.SUPPRESSED, Reason.ADDRESS_GONE)
    for position, ref in zip(positions, make_refs(keys, batch.id, positions), strict=True):
        owner = ids[position]
        found = known.get(owner)
        if found is None:
            reached.gone[position] = gone
            continue
        _, address_id, kind, sealed, state, person_state, consent, quiet_from, quiet_to = found
        if state != "active" or (owner > 0 and (person_state != "active" or (needs_consent and not consent))):
            reached.gone[position] = gone if state == "gone" else (Outcome.SUPPRESSED, Reason.OPTED_OUT)
            continue
        if quiet and quiet_from is not None and quiet_to is not None:
            until = quiet_until(quiet_from, quiet_to, *quiet)
            if until is not None:
                reached.quiet[position] = until
                continue
        try:
            value = keys.open(sealed, bound_to("subscriber" if owner > 0 else "handle", abs(owner), channel))
        except Invalid:
            reached.gone[position] = (Outcome.SUPPRESSED, Reason.UNREADABLE)
            continue
        usable[position] = Delivery(value, kind, ref, f"{name}.{address_id}"), address_id
    return reached


async def _known(session: AsyncSession, channel: int, owners: Sequence[int]) -> dict[int, Known]:
    on_postgresql = session.get_bind().dialect.name == "postgresql"
    asked = {"owners": list(owners) if on_postgresql else json.dumps(list(owners)), "channel": channel}
    rows = (await session.execute(POSTGRESQL if on_postgresql else SQLITE, asked)).all()
    return {row[0]: row for row in reversed(rows)}  # of an owner's addresses the first
