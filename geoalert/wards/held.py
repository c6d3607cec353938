"""The city as the store holds it, kept in the process and never behind the store.

A look-up reads the tree of this process. Whether it is still the store's is one row, asked once in the request or
transaction that uses it; only when an epoch came in since is the tree read again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.wards.epochs import read_tree, read_version
from geoalert.wards.index import WardIndex
from geoalert.wards.product import City


@dataclass(frozen=True, slots=True)
class _Held:
    """One version, put in place whole: who looks sees the city and the index of the same tree."""

    version: int
    city: City
    index: WardIndex


class HeldCity:
    """A city that begins with its own files and follows the store from the first `refresh`."""

    def __init__(self, packaged: City) -> None:
        self._now = _Held(0, packaged, WardIndex(packaged.tree, packaged.config.note))

    @property
    def city(self) -> City:
        return self._now.city

    @property
    def index(self) -> WardIndex:
        return self._now.index

    async def is_current(self, session: AsyncSession) -> bool:
        """Whether `city` and `index` are of the store's version, in one statement."""
        return await read_version(session, self._now.city.config.key) == self._now.version

    async def refresh(self, session: AsyncSession) -> bool:
        """Makes `city` and `index` what this session sees; whether anything was new. One row when nothing was."""
        key = self._now.city.config.key
        version = await read_version(session, key)
        if version == self._now.version:
            return False
        tree = await read_tree(session, key)
        self._now = _Held(version, replace(self._now.city, tree=tree), WardIndex(tree))
        return True
