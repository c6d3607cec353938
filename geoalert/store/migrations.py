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

from geoalert.errors import Unavailable
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

    def run(connection: Connection) -> None:
        config = _config(scripts)
        config.attributes.update(connection=connection, metadata=metadata)
        command.upgrade(config, revision)

    async with store.engine.execution_options(geoalert_begin="BEGIN IMMEDIATE").begin() as connection:
        if store.dialect == "postgresql":
            await connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7261)")  # two starters, one upgrade
        await connection.run_sync(run)


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


async def require_current(store: Store, scripts: Path) -> None:
    """Refuses a store of another schema: a worker of an older one could undo what a newer one promised.

    Raises:
        Unavailable: says which side is behind.
    """
    head = ScriptDirectory.from_config(_config(scripts)).get_current_head()

    def current(connection: Connection) -> str | None:
        return MigrationContext.configure(connection).get_current_revision()

    async with store.engine.connect() as connection:
        found = await connection.run_sync(current)
    if found != head:
        raise Unavailable(f"the store is at schema {found or 'none'}, this program at {head}; run: geoalert db upgrade")
