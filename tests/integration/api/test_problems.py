"""Every no has the same form, tells the person enough and the log no more than it should."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import APIRouter
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from api.problem import pointer_to
from tests.integration.api.conftest import Door, refusal

PHONE = "+919876543210"


class PostgresError(Exception):
    """As the driver raises it."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(f"Key (blind)=({PHONE}) already exists")
        self.sqlstate = sqlstate


def of_store(kind: type[DBAPIError], cause: Exception) -> DBAPIError:
    return kind("INSERT INTO address VALUES (:phone)", {"phone": PHONE}, cause)


TROUBLE: list[tuple[Exception, int]] = [
    (RuntimeError(f"cannot call {PHONE}"), 500),
    (of_store(IntegrityError, sqlite3.IntegrityError("UNIQUE constraint failed: address.blind")), 409),
    (of_store(IntegrityError, PostgresError("23505")), 409),
    (of_store(IntegrityError, PostgresError("23503")), 500),
    (of_store(OperationalError, sqlite3.OperationalError("database or disk is full")), 503),
    (of_store(DBAPIError, PostgresError("53100")), 503),
    (of_store(DBAPIError, PostgresError("40001")), 503),
    (of_store(ProgrammingError, PostgresError("42703")), 500),
    (PoolTimeoutError("QueuePool limit"), 503),
    (ConnectionRefusedError(111, "Connection refused"), 503),
]


async def test_trouble_below_is_answered_without_its_words(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    router = APIRouter()

    @router.get("/v1/trouble/{number}")
    async def trouble(number: int) -> None:
        raise TROUBLE[number][0]

    door.app.include_router(router)
    for number, (_, status) in enumerate(TROUBLE):
        answer = await door.call("GET", f"/v1/trouble/{number}")
        body = refusal(answer, status)
        assert PHONE not in answer.text
        assert "Traceback" not in answer.text
        assert ("retry-after" in answer.headers) == (status == 503)
        if status >= 500:
            assert body["instance"] in caplog.text
    assert PHONE not in caplog.text


async def test_a_body_over_the_limit_is_refused_declared_or_not(door: Door) -> None:
    limit = door.house.settings.api.body_limit

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(limit // 1_000 + 2):
            yield b" " * 1_000

    json_type = {"Content-Type": "application/json"}
    declared = await door.call("POST", "/v1/alerts", door.author, content=b" " * (limit + 1), headers=json_type)
    refusal(declared, 413)
    refusal(await door.call("POST", "/v1/alerts", door.author, content=chunks(), headers=json_type), 413)
    refusal(await door.call("POST", "/v1/hooks/twilio/secret/ref", content=b" " * (limit + 1)), 413)


async def test_a_body_of_another_kind_is_refused(door: Door) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        answer = await door.call("POST", "/v1/alerts", door.author, content=b"{}", headers={"Content-Type": kind})
        refusal(answer, 415)
    kind = "application/json; charset=utf-8"
    answer = await door.call("POST", "/v1/alerts", door.author, content=b"{}", headers={"Content-Type": kind})
    refusal(answer, 422)


BROKEN: list[tuple[bytes, str | None]] = [
    (b"", None),
    (b"{", ""),
    (b"[]", ""),
    (b"null", None),
    (b'{"texts": {"\\ud800": {}}}', None),
    (b'{"\\ud800": 1}', None),
    (b'{"category": "\\u0000"}', "/category"),
    (b'{"expires": NaN}', "/expires"),
    (b"\xff\xfe", None),
]


async def test_what_is_no_json_of_ours_is_refused(door: Door) -> None:
    json_type = {"Content-Type": "application/json"}
    for content, pointer in BROKEN:
        answer = await door.call("POST", "/v1/alerts", door.author, content=content, headers=json_type)
        refusal(answer, 422, pointer)
    deep = b"[" * 100_000
    answer = await door.call("POST", "/v1/alerts", door.author, content=deep, headers=json_type)
    assert answer.status_code in {400, 422}


async def test_what_the_framework_refuses_has_the_same_form(door: Door) -> None:
    refusal(await door.call("GET", "/v1/nothing"), 404)
    refusal(await door.call("GET", "/v1/alerts/not-an-identifier", door.author), 404)
    answer = await door.call("PATCH", "/v1/alerts", door.author)
    refusal(answer, 405)
    assert answer.headers["allow"]


def test_pointers_are_escaped() -> None:
    assert pointer_to(["texts", "a/b", 0, "c~d"]) == "/texts/a~1b/0/c~0d"


async def test_the_description_shows_problems_for_what_they_are(door: Door) -> None:
    document: dict[str, Any] = (await door.call("GET", "/openapi.json")).json()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["tags"], path
            assert operation["summary"], path
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    assert set(answer["content"]) == {"application/problem+json"}, path


async def test_every_answer_is_safe_to_show(door: Door) -> None:
    for path in ("/healthz", "/v1/alerts", "/v1/nothing"):
        answer = await door.call("GET", path, door.author)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
