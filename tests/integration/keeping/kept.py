"""Stores that commands keep: where they stand, what is in them read by other means than the product's, and commands."""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import select

from geoalert.bootstrap import House, metadata, open_house
from geoalert.operations.demo_city import Credentials, seat_officers
from geoalert.operations.keeping import BEGINS_ANEW, COLUMNS_ANEW
from geoalert.settings import Settings
from geoalert.store import digest
from tests.e2e.commands import environment
from tests.e2e.warm import Shell
from tests.stores import Stores
from tests.workbench import Chain

Rows = dict[str, list[dict[str, Any]]]


@dataclass
class Kept:
    """A store that nobody has open unless a test says so, and an empty place of the same kind."""

    settings: Settings
    stores: Stores
    folder: Path
    elsewhere: str
    numbers: count[int] = field(default_factory=lambda: count(1))
    officers: Credentials | None = None

    @property
    def url(self) -> str:
        return self.settings.store.url

    @property
    def keys(self) -> Path:
        return self.folder / "keys.json"

    @property
    def postgresql(self) -> bool:
        return self.url.startswith("postgresql")

    def environment(self, url: str = "", keys: Path | None = None, **changes: str) -> dict[str, str]:
        return environment(
            GEOALERT_STORE_URL=url or self.url,
            GEOALERT_STORE_KEY_FILE=str(keys or self.keys),
            GEOALERT_SANDBOX_CREDENTIALS=str(self.settings.sandbox.credentials),
            GEOALERT_API_PUBLIC_URL="http://127.0.0.1:9",  # the discard port: nobody hears the callbacks
            **changes,
        )

    def shell(self, url: str = "", keys: Path | None = None) -> Shell:
        """Commands on this store, or on another."""
        return Shell(self.folder, self.environment(url, keys))

    def _at(self, url: str) -> Settings:
        settings = copy.deepcopy(self.settings)
        settings.store.url = url or self.url
        return settings

    @asynccontextmanager
    async def house(self, url: str = "") -> AsyncIterator[House]:
        async with open_house(self._at(url)) as opened:
            await opened.refresh()
            yield opened

    @asynccontextmanager
    async def chain(self) -> AsyncIterator[Chain]:
        """Officers at work for the length of a block."""
        async with self.house() as opened:
            if self.officers is None:
                async with opened.store.writing() as session:
                    self.officers = await seat_officers(session)
            yield Chain(opened, self.officers, self.numbers)

    async def full(self) -> str:
        """People, an alert that was sent to them and one that was approved; returns the first."""
        async with self.chain() as chain:
            for _ in range(3):
                await chain.settle(channels=("push", "sms"))
            remind_at = (await chain.request()).expires - timedelta(hours=1)
            identifier, _ = await chain.sent(remind_at=remind_at)
            await chain.carry()
            await chain.approved()
        return identifier

    async def rows(self, url: str = "") -> Rows:
        """Every row by the models, without what begins anew in each store."""
        found: Rows = {}
        async with self.house(url) as opened, opened.store.reading() as session:
            for table in metadata().sorted_tables:
                if table.name in BEGINS_ANEW:
                    continue
                anew = COLUMNS_ANEW.get(table.name, ())
                rows = await session.execute(select(table).order_by(*table.primary_key.columns))
                found[table.name] = [
                    {name: value for name, value in row._mapping.items() if name not in anew} for row in rows
                ]
        return found

    def backup(self, name: str = "copy", *options: str, url: str = "") -> Path:
        ran = self.shell(url)("db", "backup", name, *options)
        assert ran.code == 0, ran.err
        return self.folder / name

    def verified(self, url: str) -> None:
        """The chain of the record and the audience, as an operator checks them."""
        shell = self.shell(url)
        for command in (("audit", "verify"), ("audience", "verify"), ("db", "check")):
            ran = shell(*command)
            assert ran.code == 0, ran.err


def different(one: Rows, other: Rows) -> list[str]:
    """Tables in which two stores do not hold the same."""
    return [name for name in one if one[name] != other.get(name)] + [name for name in other if name not in one]


def rewrite(folder: Path, **changes: Any) -> None:
    """The manifest as another program would have written it."""
    path = folder / "manifest.json"
    document: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    document = {name: value for name, value in document.items() if name != "sha256"} | changes
    path.write_text(json.dumps({**document, "sha256": digest(document)}), encoding="utf-8")
