"""Taking back an epoch that was brought in by mistake, before anybody was told anything by it."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.tables import Message
from geoalert.audit import append
from geoalert.errors import Conflict
from geoalert.operations.desk import Desk
from geoalert.store import database_now
from geoalert.subscribers.tables import AreaPlace
from geoalert.wards.epochs import Withdrawn, lock_city, read_tree, withdraw_epoch


async def withdraw(session: AsyncSession, desk: Desk, label: str, by: str) -> Withdrawn:
    """As if it had never been imported; the record of who did what keeps both.

    Raises:
        NotFound: no such epoch is held.
        Conflict: it holds already, it is the city's own, or something rests on it.
    """
    city = desk.city.config.key
    await lock_city(session, city)
    tree = await read_tree(session, city)
    (epoch,) = tree.of_epoch(label).epochs
    if epoch.valid_from <= desk.day(await database_now(session)):
        raise Conflict(f"the epoch {label} holds since {epoch.valid_from}; import the right one from a later day")
    named = Message.content.contains(f'"epoch":"{label}"', autoescape=True)
    messages = await session.scalar(select(func.count()).select_from(Message).where(named))
    if messages:
        raise Conflict(f"{messages} messages name the epoch {label}")
    # Their ground would be unknown, and with it who is told.
    only_here = {
        code for code, held in tree.by_code.items() if all(ward.valid_from >= epoch.valid_from for ward in held)
    }
    only_here -= {ward.code for ward in tree.wards if epoch.valid_to and ward.valid_from >= epoch.valid_to}
    chosen = select(func.count()).select_from(AreaPlace).where(AreaPlace.code.in_(only_here))
    places = await session.scalar(chosen)
    if places:
        raise Conflict(f"{places} people chose a ward that only the epoch {label} has")
    gone = await withdraw_epoch(session, city, epoch)
    facts = {"valid_from": epoch.valid_from.isoformat(), "sha256": gone.sha256, "wards": gone.wards}
    await append(session, by, "wards.withdrawn", f"{city} {label}", facts | {"opened": gone.opened})
    return gone
