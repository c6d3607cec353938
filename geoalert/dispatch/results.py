"""Writing down what a provider answered: verdict to outcome as a table, references for receipts, dead addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.channels.channel import Channel, SendResult, Verdict
from geoalert.dispatch.outcomes import Change, Outcome, merge_outcomes
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch, ProviderRef
from geoalert.store import database_now, insert_for
from geoalert.subscribers.tables import Address

OUTCOME: Final = MappingProxyType(
    {
        Verdict.ACCEPTED: Outcome.ACCEPTED,
        Verdict.REFUSED: Outcome.FAILED,
        Verdict.RETRY: Outcome.PENDING,
        Verdict.UNCERTAIN: Outcome.UNCERTAIN,
        Verdict.MISCONFIGURED: Outcome.PENDING,
    }
)
# What a refusal says of the address itself.
ADDRESS_STATE: Final[Mapping[Reason, str]] = MappingProxyType(
    {Reason.UNREGISTERED: "gone", Reason.INVALID_ADDRESS: "gone", Reason.STOPPED: "stopped"}
)
BY_REF: Final = frozenset({"sms", "post"})  # channels whose own reference is asked for later


async def record_results(
    session: AsyncSession,
    batch: Batch,
    channel: Channel,
    positions: Sequence[int],
    results: Sequence[SendResult],
    addresses: Mapping[int, int],
) -> None:
    """Merges outcomes, keeps provider references, and retires addresses that the provider says are dead. `addresses`
    gives the id of the address that was used, by position.
    """
    changes: dict[int, Change] = {
        position: (OUTCOME[result.verdict], result.reason) for position, result in zip(positions, results, strict=True)
    }
    await merge_outcomes(session, batch.id, changes)
    now = await database_now(session)
    refs = [
        {
            "provider": channel.provider,
            "ref": result.provider_ref[:120],
            "batch_id": batch.id,
            "position": position,
            "at": now,
            "units": result.units,
            "cost": result.cost,
            "url": result.url,
        }
        for position, result in zip(positions, results, strict=True)
        if result.provider_ref and channel.name in BY_REF
    ]
    if refs:
        await session.execute(insert_for(session)(ProviderRef).on_conflict_do_nothing(), refs)
    for reason, state in ADDRESS_STATE.items():
        dead = [
            addresses[position]
            for position, result in zip(positions, results, strict=True)
            if result.verdict is Verdict.REFUSED and result.reason is reason
        ]
        if dead:
            await session.execute(update(Address).where(Address.id.in_(dead)).values(state=state))
