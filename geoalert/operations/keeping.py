"""Keeping a store for years: a copy of it while it runs, that copy made a store again, a store moved to another home.

What says something only of the store it stands in begins anew: the log of whose places changed, with which a process
follows one store, and how far each message has followed it. A message without a mark looks at everybody once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import MetaData, func, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from geoalert.audience.live import tell_to_reload
from geoalert.audit import append
from geoalert.dispatch.engine import PostgresEngine, engine_for
from geoalert.dispatch.tables import Batch
from geoalert.errors import Conflict, Outdated
from geoalert.operations.needed_keys import needed_keys
from geoalert.store import Store, database_now
from geoalert.store.in_use import refuse_open_database, refuse_open_file
from geoalert.store.keys import write_keys
from geoalert.store.landing import Place, landing
from geoalert.store.loading import Carried, load
from geoalert.store.manifest import FORMAT, Manifest
from geoalert.store.migrations import head_of, require_known, revision_within, upgrade_within
from geoalert.store.parts import FolderSource, Progress, check_parts, new_folder, write_manifest, write_part
from geoalert.store.source import PATIENT, Source, StoreSource, forms_of

BEGINS_ANEW: Final = ("audience_change",)
COLUMNS_ANEW: Final[Mapping[str, tuple[str, ...]]] = {"message": ("audience_mark", "audience_followed_at")}
LAPSED: Final = datetime(1970, 1, 1, tzinfo=UTC)  # before any clock, shifted or wrong
KEY_FILE: Final = "keys.json"


@dataclass(frozen=True)
class Schema:
    """The program's own."""

    scripts: Path
    metadata: MetaData

    @property
    def head(self) -> str:
        return head_of(self.scripts)


@dataclass(frozen=True)
class Restored:
    """What was carried and compared, and how many batches workers will go on with."""

    carried: list[Carried]
    waiting: int


@asynccontextmanager
async def _all_of(store: Store, schema: Schema) -> AsyncIterator[tuple[AsyncSession, StoreSource]]:
    """Every row, in one snapshot; nobody waits for it.

    Raises:
        Outdated: there is no schema, or a newer program's.
        Conflict: an embedded store does not pass SQLite's own check.
    """
    async with store.reading() as session:
        connection = await session.connection()
        revision = await connection.run_sync(revision_within)
        if revision is None:
            raise Outdated("the store has no schema yet: there is nothing to keep")
        require_known(revision, schema.scripts, "the store")
        forms = await forms_of(connection, schema.metadata, BEGINS_ANEW, COLUMNS_ANEW)
        if store.dialect == "postgresql":
            await connection.execute(PATIENT)
            tables = ", ".join(form.table for form in forms)
            await connection.execute(text(f"LOCK TABLE {tables} IN ACCESS SHARE MODE"))  # nobody alters them
        elif list(await session.scalars(text("PRAGMA integrity_check(1)"))) != ["ok"]:
            raise Conflict("the store does not pass SQLite's own check; keep its file, and restore the last good copy")
        yield session, StoreSource(connection, revision, forms)


async def back_up(
    store: Store, schema: Schema, folder: Path, version: str, progress: Progress, *, with_keys: bool = False
) -> Manifest:
    """Copies the store as it is at one moment, while others go on with it. Its keys go along only where asked for."""
    with new_folder(folder) as draft:
        async with _all_of(store, schema) as (session, source):
            shift: timedelta = session.info["shift"]
            taken = await database_now(session) - shift
            keys = await needed_keys(session, store.keys)
            parts = [
                await write_part(draft, number, source, form, progress) for number, form in enumerate(source.forms, 1)
            ]
        if with_keys:
            write_keys(draft / KEY_FILE, store.keys)
        manifest = Manifest(
            format=FORMAT,
            version=version,
            schema_revision=source.revision,
            store=store.dialect,
            taken=taken,
            keys=keys,
            key_file=KEY_FILE if with_keys else "",
            parts=tuple(parts),
            begins_anew=(*BEGINS_ANEW, *(f"{table}.{name}" for table, of in COLUMNS_ANEW.items() for name in of)),
        )
        write_manifest(draft, manifest)
    return manifest


async def restore(
    folder: Path, manifest: Manifest, place: Place, schema: Schema, progress: Progress, key_file: Path | None
) -> Restored:
    """Makes a store of a backup whose keys were found to be at hand; writes them to `key_file` where one is named.

    Raises:
        Invalid: a part is missing or was altered.
        Outdated: a newer program wrote it.
        Conflict: the place is in use or has rows.
    """
    require_known(manifest.schema_revision, schema.scripts, str(folder))
    check_parts(folder, manifest)
    async with _settling(FolderSource(folder, manifest), place, schema, progress) as (session, carried):
        detail = {"taken": manifest.taken.isoformat(), "rows": manifest.rows, "schema": manifest.schema_revision}
        await append(session, "command line", "store.restored", "store", detail)
        if key_file is not None:
            key_file.parent.mkdir(parents=True, exist_ok=True)
            write_keys(key_file, place.keys)
        waiting = select(func.count()).select_from(Batch).where(Batch.state.in_(["queued", "leased"]))
        return Restored(carried, (await session.execute(waiting)).scalar_one())


async def move(store: Store, place: Place, schema: Schema, progress: Progress) -> list[Carried]:
    """Puts every row into an empty store of either kind. The store itself is only read.

    Raises:
        Conflict: either is in use, or the place has rows.
    """
    address, to = store.engine.url, make_url(place.url)
    await _refuse_open(store)
    if (address.get_backend_name(), address.host, address.port, address.database) == (
        to.get_backend_name(),
        to.host,
        to.port,
        to.database,
    ):
        raise Conflict("the store is there already")
    async with (
        _all_of(store, schema) as (_, source),
        _settling(source, place, schema, progress) as (_, carried),
    ):
        return carried


async def _refuse_open(store: Store) -> None:
    """Who goes on working on the old store would send what the new one sends, too."""
    if store.dialect == "postgresql":
        await refuse_open_database(store)
    else:
        refuse_open_file(Path(store.engine.url.database or ""))


@asynccontextmanager
async def _settling(
    source: Source, place: Place, schema: Schema, progress: Progress
) -> AsyncIterator[tuple[AsyncSession, list[Carried]]]:
    """The source's rows in the place, at this program's schema and ready for its workers; kept when the block ends."""
    async with landing(place, _prepare) as (store, connection):
        await connection.run_sync(upgrade_within, schema.scripts, schema.metadata, source.revision)
        carried = await load(connection, source, progress)
        if source.revision != schema.head:
            await connection.run_sync(upgrade_within, schema.scripts, schema.metadata, schema.head)
        await _hand_over(store, connection)
        async with AsyncSession(connection, info={"keys": place.keys, "shift": timedelta(0)}) as session:
            yield session, carried
            await session.flush()


async def _prepare(store: Store) -> None:
    engine = engine_for(store)
    if isinstance(engine, PostgresEngine):
        await engine.install()


async def _hand_over(store: Store, connection: AsyncConnection) -> None:
    """Whoever held a batch is gone: it lapses at once, and who takes it over finds what was `sending` uncertain. The
    queue holds no job of before; workers sweep for what is due.
    """
    await connection.execute(update(Batch).where(Batch.state == "leased").values(lease_until=LAPSED))
    engine = engine_for(store)
    if isinstance(engine, PostgresEngine):
        await engine.forget(connection)
    await tell_to_reload(connection)
