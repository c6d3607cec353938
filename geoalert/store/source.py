"""Reading all rows of a store, or of a backup: whoever carries them need not know of which."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Protocol

from sqlalchemy import Connection, MetaData, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from geoalert.store.carried import FROM_STORE, Form, Row, changed, kind_of, lines

AT_ONCE: Final = 1_000  # rows held in memory
PATIENT: Final = text("SET LOCAL idle_in_transaction_session_timeout = 0")  # what is read may take long to be put


class Source(Protocol):
    """Where rows come from."""

    @property
    def revision(self) -> str:
        """The schema the rows are of."""

    @property
    def forms(self) -> tuple[Form, ...]:
        """The tables, parents before children."""

    def rows(self, form: Form) -> AsyncIterator[list[Row]]:
        """All rows of a table in the order of its key, some at a time."""

    async def expected(self, form: Form) -> int:
        """How many there are."""

    async def highest(self, form: Form) -> int:
        """The highest number that the table ever gave; 0 where its rows are not numbered."""


@dataclass(frozen=True)
class Tally:
    """What a table's rows come to."""

    rows: int
    content: str  # SHA-256 over the lines of all of them


class Count:
    """Adds up a tally."""

    def __init__(self) -> None:
        self.rows, self._hash = 0, sha256()

    def add(self, rows: list[Row]) -> bytes:
        """Returns the rows' lines."""
        made = lines(rows)
        self.rows += len(rows)
        self._hash.update(made)
        return made

    @property
    def tally(self) -> Tally:
        return Tally(self.rows, self._hash.hexdigest())


def _forms(
    connection: Connection, metadata: MetaData, without: Collection[str], anew: Mapping[str, tuple[str, ...]]
) -> tuple[Form, ...]:
    """The product's tables as they are in the store, parents before children. A store that is yet to be upgraded lacks
    some of the columns that the models have, or has others.
    """
    found = inspect(connection)
    forms = []
    for table, _ in found.get_sorted_table_and_fkc_names():
        if table is None or table not in metadata.tables or table in without:
            continue
        known = metadata.tables[table].columns
        held = {column["name"]: column["type"] for column in found.get_columns(table)}
        kinds = {name: kind_of(known[name].type if name in known else type_) for name, type_ in held.items()}
        key = tuple(found.get_pk_constraint(table)["constrained_columns"])
        forms.append(
            Form(
                table=table,
                columns=tuple(kinds.items()),
                key=key,
                numbered=[kinds[name] for name in key] == ["integer"],
                anew=tuple(name for name in anew.get(table, ()) if name in held),
            )
        )
    return tuple(forms)


async def forms_of(
    connection: AsyncConnection, metadata: MetaData, without: Collection[str], anew: Mapping[str, tuple[str, ...]]
) -> tuple[Form, ...]:
    """Every table that is carried; `without` names those that begin anew, `anew` the columns that do."""
    return await connection.run_sync(_forms, metadata, without, anew)


@dataclass(frozen=True)
class StoreSource:
    """The rows of a store, in the transaction of a connection."""

    connection: AsyncConnection
    revision: str
    forms: tuple[Form, ...]

    @property
    def _postgresql(self) -> bool:
        return self.connection.dialect.name == "postgresql"

    def _quoted(self, name: str) -> str:
        return self.connection.dialect.identifier_preparer.quote(name)

    def _column(self, form: Form, name: str, kind: str) -> str:
        if name in form.anew:
            return "NULL"
        if self._postgresql and kind == "shape":
            return f"ST_AsBinary({self._quoted(name)}, 'NDR')"  # the bytes that are kept where there is no PostGIS
        if self._postgresql and kind == "document":
            return f"CAST({self._quoted(name)} AS text)"
        return self._quoted(name)

    def _order(self, form: Form) -> str:
        kinds = dict(form.columns)
        # As SQLite compares text, whatever the server's language.
        collate = ' COLLATE "C"' if self._postgresql else ""
        return ", ".join(self._quoted(name) + (collate if kinds[name] == "text" else "") for name in form.key)

    async def rows(self, form: Form) -> AsyncIterator[list[Row]]:
        columns = ", ".join(self._column(form, *column) for column in form.columns)
        query = f"SELECT {columns} FROM {self._quoted(form.table)} ORDER BY {self._order(form)}"  # noqa: S608 - ours
        # By the driver's own cursor: SQLAlchemy's stream of SQLite's rows held every one of them until the last.
        raw = (await self.connection.get_raw_connection()).driver_connection
        assert raw is not None  # noqa: S101 - this connection is open
        if not self._postgresql:
            async with raw.execute(query) as cursor:
                while some := await cursor.fetchmany(AT_ONCE):
                    yield changed(some, form, FROM_STORE)
            return
        name = f"rows_of_{form.table}"  # the driver keeps how each statement's rows look: one name a table
        await raw.execute(f"DECLARE {name} NO SCROLL CURSOR FOR {query}")
        while some := await raw.fetch(f"FETCH {AT_ONCE} FROM {name}"):
            yield changed(some, form, FROM_STORE)
        await raw.execute(f"CLOSE {name}")  # the table may be altered next, in this transaction

    async def expected(self, form: Form) -> int:
        return int(await self._scalar(f"SELECT count(*) FROM {self._quoted(form.table)}"))  # noqa: S608 - ours

    async def highest(self, form: Form) -> int:
        if not form.numbered:
            return 0
        (key,) = map(self._quoted, form.key)
        greatest = int(await self._scalar(f"SELECT coalesce(max({key}), 0) FROM {self._quoted(form.table)}"))  # noqa: S608
        if self._postgresql:
            named = text("SELECT pg_get_serial_sequence(:table, :key)")
            sequence = await self.connection.scalar(named, {"table": form.table, "key": form.key[0]})
            given = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {}"
            return max(greatest, int(await self._scalar(given.format(sequence)))) if sequence else greatest
        if not await self._scalar("SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_sequence'"):
            return greatest
        seen = text("SELECT seq FROM sqlite_sequence WHERE name = :table")
        return max(greatest, await self.connection.scalar(seen, {"table": form.table}) or 0)

    async def tally(self, form: Form) -> Tally:
        """All rows read, and added up."""
        count = Count()
        async for some in self.rows(form):
            count.add(some)
        return count.tally

    async def _scalar(self, query: str) -> Any:  # noqa: ANN401 - whatever the query gives
        return await self.connection.scalar(text(query))
