"""Which alerts an actor may see. Another department's alert is as if it were not there."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, true
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts import find_alert
from geoalert.alerts.tables import Alert
from geoalert.departments import Actor
from geoalert.errors import NotFound

# The cell prepares for every department; whoever oversees reads every department.
OF_ALL: Final = frozenset({"prepare", "oversee"})


def within_reach(actor: Actor) -> ColumnElement[bool]:
    """The condition on `Alert`."""
    return true() if OF_ALL & actor.rights else Alert.department_id == actor.department_id


async def alert_within_reach(session: AsyncSession, actor: Actor, identifier: UUID, *, lock: bool = False) -> Alert:
    """The alert, locked where it is to be changed.

    Raises:
        Forbidden: no right to read.
        NotFound: there is none, or it is another department's.
    """
    actor.require("read")
    alert = await find_alert(session, str(identifier), lock=lock)
    if alert.department_id != actor.department_id and not OF_ALL & actor.rights:
        raise NotFound("no such alert")
    return alert
