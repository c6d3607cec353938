"""PostgreSQL's transactions, begun and ended by ourselves: in one way to the server each.

SQLAlchemy's layer over the driver leaves transactions alone (autocommit), as on SQLite. Left to it, a BEGIN goes on a
way of its own before the first statement. Here whatever must be asked at the beginning goes with it, in the same
message; and that it was answered shows that the connection is alive, which otherwise costs one more way.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final, cast

from asyncpg.exceptions import InterfaceError, InternalClientError, PostgresConnectionError, PostgresError
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import AdaptedConnection
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InvalidatePoolError,
    InvalidRequestError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.pool import ConnectionPoolEntry, PoolResetState

BEGIN: Final = "BEGIN"
READING: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
WORDS: Final = "geoalert_postgresql_begin"  # of an engine: what begins its transactions; empty: it has none
SAID: Final = "geoalert_begun"  # in a connection's `info`: what the server said to the last of the statements in it
# By class of SQLSTATE; whatever else there is comes from outside and may pass.
KINDS: Final[Mapping[str, type[DBAPIError]]] = MappingProxyType({"23": IntegrityError, "42": ProgrammingError})
_ASKED_FIRST: ContextVar[bool] = ContextVar("_ASKED_FIRST", default=False)


def begin_and_end(engine: Engine) -> None:
    """From now on the transactions of this engine, which is in autocommit, are ours."""
    event.listen(engine, "checkout", _test)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "commit", _commit)
    event.listen(engine, "rollback", _rollback)
    event.listen(engine, "reset", _leave)


@contextmanager
def asked_first() -> Iterator[None]:
    """Inside, no connection is tested before it is used: whoever takes one begins a transaction at once, which fails
    where the connection is dead, and then nothing was done yet.
    """
    asked = _ASKED_FIRST.set(True)
    try:
        yield
    finally:
        _ASKED_FIRST.reset(asked)


def _test(connection: AdaptedConnection, _entry: ConnectionPoolEntry, _fairy: object) -> None:
    """Tests a connection before it is used: where it does not answer, all of that time are made anew.

    As `pool_pre_ping` would, in one round trip: that one begins and ends a transaction around its question, for
    poolers that give out a server a transaction; a query that is not prepared needs none. Its driver cannot be asked
    instead: between the server's last word and the end of the stream it calls the connection open.
    """
    if _ASKED_FIRST.get():
        return
    try:
        connection.run_async(lambda raw: raw.execute("SELECT 1"))
    except Exception as error:
        raise InvalidatePoolError from error


def _begin(connection: Connection) -> None:
    if words := _words_of(connection):
        connection.info[SAID] = _said(connection, words)


def _commit(connection: Connection) -> None:
    """Raises:
    InvalidRequestError: a statement had failed and somebody went on: the server keeps nothing of it, and says so
        without calling it an error.
    """
    if _words_of(connection) and (said := _said(connection, "COMMIT")) != "COMMIT":
        raise InvalidRequestError(f"a transaction in which a statement had failed ended by {said}, not by COMMIT")


def _rollback(connection: Connection) -> None:
    """A connection by which nothing can be undone is closed: then the server undoes it."""
    if connection.closed or connection.invalidated or not connection.connection.is_valid:
        return
    driver = connection.connection.driver_connection
    if driver is None or driver.is_closed():
        connection.invalidate()
    elif driver.is_in_transaction():
        try:
            _said(connection, "ROLLBACK")
        except DBAPIError as error:
            if not connection.invalidated:
                connection.invalidate(error)


def _leave(connection: AdaptedConnection, _entry: ConnectionPoolEntry, state: PoolResetState) -> None:
    """Nobody gets a connection that is still within somebody's transaction. What is raised here, closes it."""
    if state.asyncio_safe and not state.terminate_only and connection.driver_connection.is_in_transaction():
        connection.run_async(lambda raw: raw.execute("ROLLBACK"))


def in_words_of_sqlalchemy(error: BaseException) -> DBAPIError | None:
    """What to raise in place of an error that is the driver's own; None where it is not, or is a mistake of ours."""
    if isinstance(error, PostgresError):
        return _kind_of(error)(None, None, error, connection_invalidated=isinstance(error, PostgresConnectionError))
    if isinstance(error, sqlite3.Error):
        return cast("DBAPIError", DBAPIError.instance(None, None, error, sqlite3.Error))
    # The driver knows that the connection is over, or only that its last answer was none of ours.
    if isinstance(error, InternalClientError) or (isinstance(error, InterfaceError) and "closed" in str(error)):
        return OperationalError(None, None, error, connection_invalidated=True)
    return None


def _kind_of(error: Exception) -> type[DBAPIError]:
    return KINDS.get(str(getattr(error, "sqlstate", None) or "")[:2], OperationalError)


def _words_of(connection: Connection) -> str:
    words: str = connection.get_execution_options().get(WORDS, BEGIN)
    return words


def _said(connection: Connection, words: str) -> str:
    """What the server says to these words: to the last of them, where they are several statements.

    Raises:
        DBAPIError: it refuses, or does not answer; in place of the driver's own errors.
    """
    proxied = connection.connection
    try:
        said: str = proxied.dbapi_connection.run_async(lambda raw: raw.execute(words))  # type: ignore[union-attr]
    except Exception as error:
        gone = proxied.driver_connection is None or proxied.driver_connection.is_closed()
        if gone:
            connection.invalidate(error)
        raise _kind_of(error)(words, None, error, connection_invalidated=gone) from error
    except BaseException as error:
        connection.invalidate(error)  # nobody may take what is on its way for the answer to something else
        raise
    return said
