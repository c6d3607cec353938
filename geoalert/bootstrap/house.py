"""The house: settings, store, city and channels, joined."""

from __future__ import annotations

import asyncio
import os
import random
import socket
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal

from sqlalchemy import MetaData, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from geoalert import compiled
from geoalert.alerts import load_categories
from geoalert.alerts import tables as alert_tables
from geoalert.audience.live import LiveGrid
from geoalert.audience.look import look_in_store
from geoalert.audience.parts import divided_in
from geoalert.audience.places import people_in
from geoalert.audit import Linker
from geoalert.audit import tables as audit_tables
from geoalert.bootstrap.folders import city_folder, city_of, data_folder, migration_scripts
from geoalert.bootstrap.paging import make_pager, make_staff
from geoalert.bootstrap.providers import make_channels
from geoalert.departments import load_departments
from geoalert.departments import tables as department_tables
from geoalert.dispatch import tables as dispatch_tables
from geoalert.dispatch.channels.channel import Channel
from geoalert.dispatch.courier import Courier
from geoalert.dispatch.engine import PostgresEngine, engine_for
from geoalert.dispatch.plan import Route
from geoalert.dispatch.watch import Watch
from geoalert.errors import Invalid, Unavailable
from geoalert.operations.desk import Desk
from geoalert.operations.preview_journal import PreviewJournal
from geoalert.settings import Settings
from geoalert.store import Base, KeyRing, Store, open_store
from geoalert.store.keys import new_keys, read_keys, write_keys
from geoalert.store.migrations import require_current, upgrade
from geoalert.subscribers import tables as subscriber_tables
from geoalert.subscribers.codes import CHANNELS
from geoalert.wards import City
from geoalert.wards import tables as ward_tables
from geoalert.wards.epochs import begin_packaged
from geoalert.wards.held import HeldCity

# Importing a room's tables puts them on the one metadata; naming them here keeps the list visible.
TABLES: Final = (
    alert_tables,
    audit_tables,
    department_tables,
    dispatch_tables,
    subscriber_tables,
    ward_tables,
)
BATCH_SIZES: Final[Mapping[str, int]] = {"push": 1000, "sms": 100, "post": 1}


def metadata() -> MetaData:
    """Every table of the product."""
    return Base.metadata


async def city_as_held(settings: Settings) -> City:
    """The city with the epochs of its store; as its files say where there is no store yet. Makes none.

    Raises:
        NotFound: no such city folder.
        Unavailable: the store is of another schema.
    """
    packaged = city_of(settings)
    if not _store_exists(settings):
        return packaged
    store = open_store(settings.store.url, KeyRing(0, {}, b"", b""))  # boundaries are not sealed
    try:
        await require_current(store, migration_scripts())
        held = HeldCity(packaged)
        async with store.reading() as session:
            await held.refresh(session)
        return held.city
    finally:
        await store.close()


@dataclass(frozen=True)
class House:
    """Everything joined: a desk for use cases, the channels for workers."""

    settings: Settings
    desk: Desk
    channels: Mapping[str, Channel]  # by provider
    journal: PreviewJournal
    grid: LiveGrid | None = None

    @property
    def store(self) -> Store:
        return self.desk.store

    @property
    def keys(self) -> KeyRing:
        return self.desk.store.keys

    @property
    def finds_by(self) -> Literal["store", "grid", "compiled grid"]:
        """What finds an audience now: the same people, more or less quickly."""
        if self.grid is None or not self.grid.loaded:
            return "store"
        return "grid" if compiled.loops() is None else "compiled grid"

    async def upgrade(self) -> None:
        """Brings the store to this program's schema and loads city and departments. Safe at every start."""
        await upgrade(self.store, migration_scripts(), metadata())
        if isinstance(self.desk.engine, PostgresEngine):
            await self.desk.engine.install()
        async with self.store.writing() as session:
            await begin_packaged(session, city_of(self.settings))
            await load_departments(session, city_folder(self.settings) / "departments.csv")
        await self.refresh()

    async def require_current(self) -> None:
        """Refuses a store of another schema, or one that acknowledges before it has written. From here on no
        transaction writes should the store be brought to another.
        """
        await self.store.refuse_unsafe()
        self.store.revision = await require_current(self.store, migration_scripts())

    async def refresh(self) -> None:
        """Follows the store's epochs. One statement and no transaction when nothing is new: every request asks."""
        async with self.store.looking() as session:
            if await self.desk.held.is_current(session):
                return
        async with self.store.reading() as session:
            await self.desk.refresh(session)

    async def answers(self) -> None:
        """Raises Unavailable unless the store answers."""
        try:
            async with self.store.reading() as session:
                await session.execute(select(1))
        except (OperationalError, OSError) as error:
            raise Unavailable(f"the store does not answer: {type(error).__name__}") from None

    def courier(self) -> Courier:
        """Who carries batches in this process."""
        return Courier(
            store=self.store,
            channels=self.channels,
            owner=f"{socket.gethostname()}.{os.getpid()}",
            spread=random.SystemRandom().random,
            lease=timedelta(seconds=self.settings.worker.lease),
            link=self.settings.api.page,
            zone=self.desk.zone,
        )

    def watch(self) -> Watch:
        """Who looks for alarms in this process."""
        return Watch(
            store=self.store,
            channels=self.channels,
            spread=random.SystemRandom().random,
            pager=make_pager(self.settings),
            staff=make_staff(self.settings, self.desk.city),
        )


@asynccontextmanager
async def open_house(
    settings: Settings | None = None, *, create: bool = False, live: bool = False
) -> AsyncIterator[House]:
    """The joined product for the length of a block. Only with `create` is an embedded store made where there is none.
    With `live` audiences are found in memory, for processes that stay: it is loaded beside the first answers.

    Raises:
        Unavailable: there is no store, its folder cannot be written, or its keys are missing.
        Invalid: a setting is wrong.
    """
    settings = settings or Settings()
    if settings.store.clock_shift and settings.sandbox.credentials is None:
        raise Invalid("a shifted clock is for the sandbox only", pointer="/store/clock_shift")
    city = city_of(settings)
    make_pager(settings), make_staff(settings, city)  # refused here rather than by the worker
    keys = keys_of_store(settings, create=create)
    channels = make_channels(settings, keys)
    store = open_store(
        settings.store.url, keys, shift=timedelta(seconds=settings.store.clock_shift), pool=settings.store.pool
    )
    routes = {CHANNELS[name]: _route(name, channels.values()) for name in {found.name for found in channels.values()}}
    grid = LiveGrid(store) if live else None
    desk = Desk(
        store=store,
        engine=engine_for(store),
        held=HeldCity(city),
        categories=load_categories(data_folder(settings) / "categories.toml"),
        routes=routes,
        find=people_in if grid is None else grid,
        find_divided=divided_in if grid is None else grid.divided,
        look=look_in_store if grid is None else grid.look,
        widen_m=settings.alerts.widen_m,
        weekly_budget=settings.alerts.weekly_budget,
        next_channel_after=timedelta(minutes=settings.alerts.next_channel_minutes),
    )
    journal, linker = PreviewJournal(store), Linker(store)
    stopping = asyncio.Event()
    keeping: list[asyncio.Task[object]] = [
        asyncio.create_task(kept.keep(stopping)) for kept in (grid, journal, linker) if kept is not None
    ]
    if live:
        compiled.switch(on=settings.audience.compiled)
        if settings.audience.compiled:
            keeping.append(asyncio.create_task(asyncio.to_thread(compiled.prepare)))
    try:
        yield House(settings, desk, channels, journal, grid)
    finally:
        stopping.set()
        await asyncio.gather(*keeping, return_exceptions=True)  # what one of them met must not keep the store open
        await linker.close()
        for channel in channels.values():
            await channel.close()
        await store.close()


def _route(name: str, channels: Iterable[Channel]) -> Route:
    """Of a channel's providers the one that carries most is planned with."""
    heaviest = max((found for found in channels if found.name == name), key=lambda found: found.traits.weight)
    return Route(heaviest.provider, BATCH_SIZES[name], heaviest)


def _store_exists(settings: Settings) -> bool:
    """Whether there is something to read; a server is taken to hold one."""
    address = make_url(settings.store.url)
    return address.get_backend_name() != "sqlite" or Path(address.database or "").exists()


def keys_of_store(settings: Settings, *, create: bool = False) -> KeyRing:
    """The key ring; a fresh one beside a new embedded store, never beside one that holds data."""
    path = settings.store.key_file
    address = make_url(settings.store.url)
    try:
        if address.get_backend_name() == "sqlite" and address.database and not Path(address.database).exists():
            if not create:
                raise Unavailable(f"there is no store at {address.database}; run: geoalert db upgrade")
            Path(address.database).parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                write_keys(path, new_keys())
    except FileExistsError:
        pass  # another process was first
    except OSError as error:
        raise Unavailable(f"cannot write {error.filename}: {error.strerror}") from None
    return read_keys(path)
