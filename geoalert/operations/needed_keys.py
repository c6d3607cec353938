"""Which keys a store's rows need, told by marks that tell no key."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.errors import Unavailable
from geoalert.store import KeyRing
from geoalert.store.manifest import KeysNeeded

# A sealed value has the number of its key in its second and third byte.
BY_KEY: Mapping[str, str] = {
    "sqlite": "SELECT hex(substr(sealed, 2, 2)), count(*) FROM address GROUP BY 1 ORDER BY 1",
    "postgresql": "SELECT encode(substring(sealed FROM 2 FOR 2), 'hex'), count(*) FROM address GROUP BY 1 ORDER BY 1",
}


async def needed_keys(session: AsyncSession, ring: KeyRing) -> KeysNeeded:
    """What the addresses in the session's snapshot are sealed with, and the two keys every store needs."""
    rows = await session.execute(text(BY_KEY[session.get_bind().dialect.name]))
    sealed = {int(number, 16): count for number, count in rows}
    marks = ring.marks()
    return KeysNeeded(
        encryption={number: marks.get(str(number), "") for number in sealed},
        sealed=sealed,
        blind=marks["blind"],
        hook=marks["hook"],
    )


def require_keys(needed: KeysNeeded, ring: KeyRing, at: str) -> None:
    """Refuses a ring that cannot read the rows, or would look people up by another key.

    Raises:
        Unavailable: names the key by its number or use, and where it was looked for.
    """
    marks = ring.marks()
    sealing = {str(number): mark for number, mark in needed.encryption.items()}
    for name, mark in (sealing | {"blind": needed.blind, "hook": needed.hook}).items():
        found = marks.get(name)
        if mark and found is None:
            raise Unavailable(
                f"{at} has no key {name}, which seals {needed.sealed[int(name)]} addresses of this backup;"
                " bring back the key file that belongs to it"
            )
        if mark and found != mark:
            raise Unavailable(f"key {name} in {at} is not the one of this backup; bring back its own key file")
