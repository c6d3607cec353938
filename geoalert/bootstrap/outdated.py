"""Noticing that the store was brought to another schema while this process has it open."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from sqlalchemy.exc import DBAPIError

from geoalert.bootstrap.folders import migration_scripts
from geoalert.errors import Outdated
from geoalert.settings import Settings
from geoalert.store import KeyRing, Store, open_store
from geoalert.store.migrations import head_of, require_unmoved

LOOK_EVERY: Final = 0.5  # seconds; whoever writes before the next look is refused all the same


async def until_outdated(store: Store) -> Outdated:
    """Waits until the store is of another schema than this program's; what to say then."""
    revision = head_of(migration_scripts())
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(store.outdated.wait(), LOOK_EVERY)
        try:
            await require_unmoved(store, revision)
        except Outdated as refusal:
            store.outdated.set()
            return refusal
        except (DBAPIError, OSError):
            await asyncio.sleep(LOOK_EVERY)  # a store that is away comes back, or whoever needs it says so


async def until_outdated_at(settings: Settings) -> Outdated:
    """The same, by a connection of its own."""
    store = open_store(settings.store.url, KeyRing(0, {}, b"", b""), pool=1)  # a schema is not sealed
    try:
        return await until_outdated(store)
    finally:
        await store.close()
