"""Taking a store back to an older schema, as an operator would with Alembic."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from geoalert.bootstrap import metadata, migration_scripts
from geoalert.store import Store


async def back_to(store: Store, revision: str) -> None:
    def run(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(migration_scripts()))
        config.set_main_option("path_separator", "os")
        config.attributes.update(connection=connection, metadata=metadata())
        command.downgrade(config, revision)

    async with store.engine.execution_options(geoalert_begin="BEGIN IMMEDIATE").begin() as connection:
        await connection.run_sync(run)
