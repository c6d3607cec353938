"""An operator's second try: what was set aside of one alert, and on request those of whom nobody knows."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.states import LIVE
from geoalert.alerts.tables import Alert, Message
from geoalert.audit import append
from geoalert.dispatch.lease import give_back
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.parked import let_go
from geoalert.dispatch.plan import PARKED, Announced, Route
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch
from geoalert.errors import Conflict
from geoalert.store import database_now


async def try_again(
    session: AsyncSession, alert: Alert, routes: Mapping[int, Route], by: str, *, uncertain: bool
) -> list[Announced]:
    """Queues what was set aside of the alert's live messages; with `uncertain` also tells those again of whom nobody
    knows whether they were told. The caller holds the alert. The audit says who wanted it.

    Raises:
        Conflict: no message of the alert is live.
    """
    live = list(await session.scalars(select(Message.id).where(Message.alert_id == alert.id, Message.state.in_(LIVE))))
    if not live:
        raise Conflict("no message of this alert is live: nothing of it is sent any more")
    mine = Batch.message_id.in_(live)
    found = await let_go(
        session, routes, mine & (Batch.state == PARKED) & (Batch.parked_for != Reason.AWAITS_PUBLISHER)
    )
    again = [batch for batch in found if batch.state != PARKED]
    if uncertain:
        again += await _doubtful(session, live)
    if again:
        detail = {"batches": len(again), "recipients": sum(batch.size for batch in again), "uncertain": uncertain}
        await append(session, by, "dispatch.retried", alert.identifier, detail)
    return [Announced(batch.id, batch.priority, batch.channel) for batch in again]


async def _doubtful(session: AsyncSession, live: list[int]) -> list[Batch]:
    """Those that are over but for their doubts, queued for one more try; those that still wait come back anyway."""
    now = await database_now(session)
    waiting = await session.scalars(
        select(Batch)
        .where(Batch.message_id.in_(live), Batch.state.in_(["done", "queued"]), Batch.expires > now)
        .order_by(Batch.id)
        .with_for_update()
    )
    found = [batch for batch in waiting if Outcome.UNCERTAIN in batch.outcomes]
    for batch in found:
        batch.risk = True
        give_back(batch, now)
    return found
