"""Where the recipients of a chunk are reached now: looked up when the message leaves, not when it was planned."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.channels.channel import Delivery
from geoalert.dispatch.outcomes import Change, Outcome
from geoalert.dispatch.plan import recipients_of
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.reference import make_ref
from geoalert.dispatch.tables import Batch
from geoalert.errors import Invalid
from geoalert.store import keys_of
from geoalert.subscribers.register import bound_to

# One look at an index for each owner, whatever the planner believes of the tables: a list of a thousand values in one
# condition was compared with every address there is wherever statistics were missing. A usable address comes first.
POSTGRESQL: Final = text("""
    SELECT o.id, a.id, a.kind, a.sealed, a.state, s.state, s.consent
    FROM unnest(CAST(:owners AS bigint[])) AS o(id)
    CROSS JOIN LATERAL (
        SELECT id, kind, sealed, state FROM address
        WHERE owner_kind = CASE WHEN o.id > 0 THEN 'subscriber' ELSE 'handle' END
            AND owner_id = abs(o.id) AND channel = :channel
        ORDER BY state <> 'active', rank, id LIMIT 1
    ) AS a
    LEFT JOIN LATERAL (SELECT state, consent FROM subscriber WHERE id = o.id LIMIT 1) AS s ON true
""")
SQLITE: Final = text("""
    SELECT o.value, a.id, a.kind, a.sealed, a.state, s.state, s.consent
    FROM json_each(:owners) AS o
    CROSS JOIN address AS a ON a.owner_kind = iif(o.value > 0, 'subscriber', 'handle')
        AND a.owner_id = abs(o.value) AND a.channel = :channel
    LEFT JOIN subscriber AS s ON s.id = o.value
    ORDER BY a.state <> 'active', a.rank, a.id
""")

# By owner: their address (its id, kind, sealed value and state), and of a person their own state and consent.
Known = tuple[int, str, bytes, str, str | None, int | None]


async def addresses_of(
    session: AsyncSession, batch: Batch, positions: Sequence[int], *, needs_consent: bool
) -> tuple[dict[int, tuple[Delivery, int]], dict[int, Change]]:
    """By position: the delivery with its address's id, or what became of those whose address, consent or STOP changed
    since the release.
    """
    ids = recipients_of(batch)
    known = await _known(session, batch.channel, [ids[position] for position in positions])
    keys = keys_of(session)
    usable: dict[int, tuple[Delivery, int]] = {}
    gone: dict[int, Change] = {}
    batch_id, channel, name = batch.id, batch.channel, f"{batch.message_id}.{batch.channel}"
    for position in positions:
        owner = ids[position]
        found = known.get(owner)
        if found is None or found[3] == "gone":
            gone[position] = (Outcome.SUPPRESSED, Reason.ADDRESS_GONE)
            continue
        address_id, kind, sealed, state, person_state, consent = found
        withdrawn = owner > 0 and (person_state != "active" or (needs_consent and not consent))
        if state != "active" or withdrawn:
            gone[position] = (Outcome.SUPPRESSED, Reason.OPTED_OUT)
            continue
        try:
            value = keys.open(sealed, bound_to("subscriber" if owner > 0 else "handle", abs(owner), channel))
        except Invalid:
            gone[position] = (Outcome.SUPPRESSED, Reason.UNREADABLE)
            continue
        usable[position] = Delivery(value, kind, make_ref(keys, batch_id, position), f"{name}.{address_id}"), address_id
    return usable, gone


async def _known(session: AsyncSession, channel: int, owners: Sequence[int]) -> dict[int, Known]:
    on_postgresql = session.get_bind().dialect.name == "postgresql"
    asked = {"owners": list(owners) if on_postgresql else json.dumps(list(owners)), "channel": channel}
    known: dict[int, Known] = {}
    for owner, *found in await session.execute(POSTGRESQL if on_postgresql else SQLITE, asked):
        known.setdefault(owner, tuple(found))
    return known
