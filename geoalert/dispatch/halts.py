"""What stands still until a person acts, and what a provider's answer makes stand still."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy import bindparam, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audit import append
from geoalert.dispatch.carrier import ANY_MESSAGE
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Halt
from geoalert.store import database_now, insert_for

BY_ITSELF: Final = "dispatch"
# Whether what is wrong is wrong for every message, or for this one (its template, its text).
WHOLE_PROVIDER: Final[Mapping[Reason, bool]] = MappingProxyType(
    {
        Reason.CREDENTIAL: True,
        Reason.QUOTA: True,
        Reason.TEMPLATE: False,
        Reason.PAYLOAD: False,
        Reason.SENDER_MISMATCH: False,
    }
)

# Shared lock: who lifts one waits for those that set a batch aside because of it, and then finds them.
CONCERNING: Final = (
    select(Halt)
    .where(
        Halt.provider.in_(bindparam("providers", expanding=True)),
        or_(Halt.message_id == ANY_MESSAGE, Halt.message_id == bindparam("message")),
    )
    .order_by(Halt.message_id)
    .with_for_update(read=True)
)


async def halt(
    session: AsyncSession,
    provider: str,
    message_id: int,
    reason: Reason,
    by: str = BY_ITSELF,
    *,
    emergencies: bool = True,
) -> bool:
    """Lets a provider (or a message at it) stand still; False when it already does, at least as much. What a provider
    answered outweighs a pause, and one that holds emergencies, too, one that does not. The audit says who did it.
    """
    row = {
        "provider": provider,
        "message_id": message_id,
        "reason": reason,
        "at": await database_now(session),
        "by": by,
        "emergencies": emergencies,
    }
    added = insert_for(session)(Halt).values(**row).on_conflict_do_nothing().returning(Halt.provider)
    if (await session.execute(added)).first() is None:
        query = select(Halt).where(Halt.provider == provider, Halt.message_id == message_id).with_for_update()
        held = (await session.scalars(query.execution_options(populate_existing=True))).one_or_none()
        graver = held is not None and held.reason == Reason.PAUSED != reason
        if held is None or not (graver or emergencies > held.emergencies):
            return False
        held.emergencies, held.by = held.emergencies or emergencies, by
        held.reason = reason if graver else held.reason
    detail = {"reason": reason.name.lower(), "message": message_id or None, "emergencies": emergencies}
    await append(session, by, "dispatch.halted", provider or "all providers", detail)
    return True


async def lift(session: AsyncSession, by: str, provider: str | None = None) -> int:
    """Lets everything (or one provider's) go on; returns how many halts there were. The audit says who did it."""
    query = delete(Halt).returning(Halt.provider)
    if provider is not None:
        query = query.where(Halt.provider == provider)
    lifted = list((await session.execute(query)).scalars())
    if lifted:
        await append(session, by, "dispatch.lifted", provider or "all providers", {"halts": len(lifted)})
    return len(lifted)
