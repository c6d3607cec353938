"""From a refusal, or from trouble below, to an answer: one table, and one last resort that shows nobody a traceback."""

from __future__ import annotations

import logging
import traceback
from types import MappingProxyType
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problem import FieldError, ProblemResponse, occurrence, pointer_to, problem
from geoalert.errors import OF_OURS, Conflict, Forbidden, Invalid, NotFound, Refusal, Unauthorised, Unavailable

log = logging.getLogger(__name__)

STATUS: Final = MappingProxyType(
    {Invalid: 422, NotFound: 404, Unauthorised: 401, Forbidden: 403, Conflict: 409, Unavailable: 503}
)
HEADERS: Final = MappingProxyType({401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "5"}})
UNIQUE: Final = ("UNIQUE constraint failed", "23505")
# Connection, transaction rolled back, resources (a full disk), wrong moment, operator, system: later may help.
PASSING: Final = ("08", "25", "40", "53", "55", "57", "58")


def _answer(status: int, detail: str, *errors: FieldError) -> ProblemResponse:
    return problem(status, detail, errors, HEADERS.get(status))


async def refused(_: Request, refusal: Exception) -> ProblemResponse:
    """One of ours: its words are meant for a person."""
    assert isinstance(refusal, Refusal)  # noqa: S101 - for the type checker
    status = next(status for kind, status in STATUS.items() if isinstance(refusal, kind))
    where = [FieldError(pointer=refusal.pointer, detail=refusal.reason)] if refusal.pointer else []
    return _answer(status, refusal.reason, *where)


async def misread(_: Request, error: Exception) -> ProblemResponse:
    """Input that does not have the documented form. What was sent is never repeated."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - for the type checker
    faults = error.errors()
    if any(fault["loc"][0] == "path" for fault in faults):
        return _answer(404, "there is nothing at this address")
    found = []
    for fault in faults:
        if fault["type"] == "json_invalid":
            found.append(FieldError(pointer="", detail=f"not JSON at character {fault['loc'][-1]}"))
        else:
            found.append(FieldError(pointer=pointer_to(fault["loc"][1:]), detail=fault["msg"].removeprefix(OF_OURS)))
    return _answer(422, "the request does not have the expected form", *found)


async def by_status(_: Request, error: Exception) -> ProblemResponse:
    """The framework's own: no such route, method not allowed, body too large."""
    assert isinstance(error, HTTPException)  # noqa: S101 - for the type checker
    headers = {**HEADERS.get(error.status_code, {}), **(error.headers or {})}
    return problem(error.status_code, str(error.detail), headers=headers)


async def store_failed(_: Request, error: Exception) -> ProblemResponse:
    """The store said no. Its own words may hold a person's data and are neither shown nor logged."""
    code = str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")
    if isinstance(error, IntegrityError) and any(sign in f"{code} {error.orig}" for sign in UNIQUE):
        return _answer(409, "something with the same name or address is there already")
    if isinstance(error, OperationalError | InterfaceError) or code.startswith(PASSING):
        return unavailable(error)
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return unavailable(error)
    return broken(error)


async def unreached(_: Request, error: Exception) -> ProblemResponse:
    """No connection to the store, or none free in time."""
    return unavailable(error)


def unavailable(error: Exception, detail: str = "the store cannot answer now; try again") -> ProblemResponse:
    """For trouble that passes."""
    instance = occurrence()
    log.warning("%s: unavailable: %s", instance, type(error).__name__)
    return problem(503, detail, headers=HEADERS[503], instance=instance)


def broken(error: Exception) -> ProblemResponse:
    """For what should not happen. The log gets the lines of code, not the words: those may hold a person's data."""
    instance = occurrence()
    lines = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s: %s\n%s", instance, type(error).__name__, lines)
    return problem(500, "something went wrong here; it has been noted under this instance", instance=instance)


class LastResort:
    """Whatever nobody else answered."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            if scope["type"] != "http" or begun:
                raise
            await broken(error)(scope, receive, send)


def install(app: FastAPI) -> None:
    """Hangs the table on an application."""
    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(RequestValidationError, misread)
    app.add_exception_handler(HTTPException, by_status)
    app.add_exception_handler(DBAPIError, store_failed)
    for kind in (PoolTimeoutError, ConnectionError, TimeoutError):
        app.add_exception_handler(kind, unreached)
