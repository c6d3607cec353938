"""Bringing a store to the schema this code was written for."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from geoalchemy2 import alembic_helpers
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import AsyncConnection

from geoalert.errors import Outdated
from geoalert.store.revision import LOCK, moved
from geoalert.store.sessions import Store

NOT_OURS = ("pgqueuer",)  # the queue engine looks after its own tables


def _config(scripts: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts))
    config.set_main_option("path_separator", "os")
    return config


def include(thing: object, name: str | None, kind: str, reflected: bool, against: object) -> bool:
    """Whether a migration concerns this object: neither PostGIS's tables nor the queue engine's."""
    if kind == "table" and name and name.startswith(NOT_OURS):
        return False
    return bool(alembic_helpers.include_object(thing, name, kind, reflected, against))  # type: ignore[no-untyped-call]


async def upgrade(store: Store, scripts: Path, metadata: MetaData, revision: str = "head") -> None:
    """Runs the migrations that are missing, in one transaction each. Safe to call at every start."""
    async with store.engine.execution_options(geoalert_begin="BEGIN IMMEDIATE").begin() as connection:
        await alone(connection)
        await connection.run_sync(upgrade_within, scripts, metadata, revision)


async def alone(connection: AsyncConnection) -> None:
    """Until the transaction ends nobody else upgrades, and nobody who holds the schema fast writes."""
    if connection.dialect.name == "postgresql":
        await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")


def upgrade_within(connection: Connection, scripts: Path, metadata: MetaData, revision: str) -> None:
    """As `upgrade`, in the caller's transaction.

    Raises:
        Outdated: the store is of a newer program.
    """
    found = revision_within(connection)
    if found is not None:
        require_known(found, scripts, "the store")
    config = _config(scripts)
    config.attributes.update(connection=connection, metadata=metadata)
    command.upgrade(config, revision)


async def differences(store: Store, metadata: MetaData) -> list[str]:
    """What the schema lacks against the models; empty when they agree."""

    def compare(connection: Connection) -> list[str]:
        def included(thing: object, name: str | None, kind: str, reflected: bool, against: object) -> bool:
            other_dialect = getattr(getattr(thing, "_ddl_if", None), "dialect", connection.dialect.name)
            return other_dialect == connection.dialect.name and include(thing, name, kind, reflected, against)

        context = MigrationContext.configure(connection, opts={"include_object": included, "compare_type": False})
        return [repr(change) for change in compare_metadata(context, metadata)]

    async with store.engine.connect() as connection:
        return await connection.run_sync(compare)


def head_of(scripts: Path) -> str:
    """The schema this program was written for."""
    head = ScriptDirectory.from_config(_config(scripts)).get_current_head()
    assert head is not None  # noqa: S101 - there are migrations
    return head


def require_known(revision: str, scripts: Path, what: str) -> None:
    """Refuses what a newer program wrote.

    Raises:
        Outdated: names both schemas.
    """
    known = {script.revision for script in ScriptDirectory.from_config(_config(scripts)).walk_revisions()}
    if revision not in known:
        raise Outdated(
            f"{what} is of schema {revision}, which this program, of {head_of(scripts)}, does not know;"
            " install the version of geoalert that wrote it, or a newer one"
        )


def revision_within(connection: Connection) -> str | None:
    """As `revision_of`, in the caller's transaction."""
    return MigrationContext.configure(connection).get_current_revision()


async def revision_of(store: Store) -> str | None:
    """The store's schema; None where there is none yet."""
    async with store.engine.connect() as connection:
        return await connection.run_sync(revision_within)


async def require_current(store: Store, scripts: Path) -> str:
    """The schema that store and program share. A program of an older one could undo what a newer one promised.

    Raises:
        Outdated: says which side is behind.
    """
    head = head_of(scripts)
    found = await revision_of(store)
    if found != head:
        if found is not None:
            require_known(found, scripts, "the store")
        raise Outdated(f"the store is at schema {found or 'none'}, this program at {head}; run: geoalert db upgrade")
    return head


async def require_unmoved(store: Store, revision: str) -> None:
    """Refuses a store that was brought to another schema since it was opened.

    Raises:
        Outdated: it was.
    """
    found = await revision_of(store)
    if found != revision:
        raise moved(found or "none", revision)
