"""Providers that misbehave: one literal table, every channel, one request each and a verdict in time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import format_datetime

import pytest

from geoalert.dispatch.channels import Verdict
from geoalert.dispatch.reasons import Reason
from geoalert.sandbox.app import Sandbox
from geoalert.sandbox.faults import Fault
from tests.contract.channels.cases import NOW, PATIENT, SHORT, WIRED, Case, chunk

ACCEPTED, RETRY, UNCERTAIN = Verdict.ACCEPTED, Verdict.RETRY, Verdict.UNCERTAIN
MISCONFIGURED, REFUSED = Verdict.MISCONFIGURED, Verdict.REFUSED
PAGE = "<html><h1>Bad gateway</h1></html>"


def after(value: str) -> dict[str, str]:
    return {"Retry-After": value}


def at(moment: datetime) -> dict[str, str]:
    return after(format_datetime(moment, usegmt=True))


@dataclass(frozen=True)
class Row:
    id: str
    fault: Fault
    verdict: Verdict
    reason: Reason
    retry_after: float | None = field(default=None)


def status(code: int, headers: dict[str, str] | None = None, body: str | None = None) -> Fault:
    return Fault("", "status", status=code, headers=headers or {}, body=body)


TABLE = (
    Row("429 with seconds", status(429, after("7")), RETRY, Reason.RATE_LIMITED, 7.0),
    Row("429 for an hour", status(429, after("3600")), RETRY, Reason.RATE_LIMITED, 300.0),
    Row("429 with a date", status(429, at(NOW + timedelta(seconds=120))), RETRY, Reason.RATE_LIMITED, 120.0),
    Row("429 until 2037", status(429, after("Sun, 01 Feb 2037 00:00:00 GMT")), RETRY, Reason.RATE_LIMITED, 300.0),
    Row("429 until yesterday", status(429, at(NOW - timedelta(days=1))), RETRY, Reason.RATE_LIMITED, 0.0),
    Row("429 negative", status(429, after("-5")), RETRY, Reason.RATE_LIMITED),
    Row("429 garbage", status(429, after("soon")), RETRY, Reason.RATE_LIMITED),
    Row("429 without a word", status(429), RETRY, Reason.RATE_LIMITED),
    Row("429 as a page", status(429, after("3"), PAGE), RETRY, Reason.RATE_LIMITED, 3.0),
    Row("408", status(408, body=PAGE), RETRY, Reason.TIMEOUT),
    Row("425", status(425, body=PAGE), RETRY, Reason.PROVIDER_ERROR),
    Row("500", status(500), UNCERTAIN, Reason.PROVIDER_ERROR),
    Row("500 with Retry-After", status(500, after("3")), UNCERTAIN, Reason.PROVIDER_ERROR),
    Row("502 as a page", status(502, body=PAGE), UNCERTAIN, Reason.PROVIDER_ERROR),
    Row("503", status(503), RETRY, Reason.PROVIDER_ERROR),
    Row("503 with Retry-After", status(503, after("9")), RETRY, Reason.PROVIDER_ERROR, 9.0),
    Row("504 as a page", status(504, body=PAGE), UNCERTAIN, Reason.PROVIDER_ERROR),
    Row("400 as a page", status(400, body=PAGE), REFUSED, Reason.PAYLOAD),
    Row("403 as a page", status(403, body=PAGE), MISCONFIGURED, Reason.CREDENTIAL),
    Row("404 as a page", status(404, body=PAGE), MISCONFIGURED, Reason.CREDENTIAL),
    Row("redirect", status(307, {"Location": "/healthz"}, PAGE), UNCERTAIN, Reason.NONSENSE),
    Row("reset before headers", Fault("", "reset"), UNCERTAIN, Reason.CONNECTION_LOST),
    Row("reset inside the body", Fault("", "reset_body"), UNCERTAIN, Reason.CONNECTION_LOST),
    Row("silence", Fault("", "hang", seconds=3), UNCERTAIN, Reason.TIMEOUT),
    Row("trickle", Fault("", "trickle", seconds=3), UNCERTAIN, Reason.TIMEOUT),
    Row("empty 200", Fault("", "empty"), UNCERTAIN, Reason.NONSENSE),
    Row("200 as a list", Fault("", "nonsense"), UNCERTAIN, Reason.NONSENSE),
    Row("200 as a number", Fault("", "nonsense", body="12"), UNCERTAIN, Reason.NONSENSE),
    Row(
        "200 without an id", Fault("", "nonsense", body='{"name": 7, "sid": [], "id": ""}'), UNCERTAIN, Reason.NONSENSE
    ),
    Row("200 nested deep", Fault("", "nonsense", body="[" * 60_000), UNCERTAIN, Reason.NONSENSE),
    Row("200 with 100 kB", Fault("", "nonsense", body=f'{{"a": "{"x" * 100_000}"}}'), UNCERTAIN, Reason.NONSENSE),
    Row("200 cut off", Fault("", "nonsense", body='{"name": "proj'), UNCERTAIN, Reason.NONSENSE),
)


@pytest.mark.parametrize("case", WIRED, ids=lambda case: case.provider)
@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.id)
async def test_verdict(case: Case, row: Row, sandbox: Sandbox) -> None:
    sandbox.mischief.plan(replace(row.fault, provider=case.provider))
    deadline = SHORT if row.reason is Reason.TIMEOUT else PATIENT
    channel = case.channel(sandbox, deadline)
    began = time.monotonic()
    try:
        (result,) = await channel.send(chunk(channel, case.deliveries(1)))
    finally:
        await channel.close()
    assert (result.verdict, result.reason) == (row.verdict, row.reason)
    assert result.retry_after == row.retry_after
    assert sandbox.mischief.requests[case.provider] == 1
    assert time.monotonic() - began < deadline + 0.5


@pytest.mark.parametrize("case", WIRED, ids=lambda case: case.provider)
@pytest.mark.parametrize("kind", ["reset", "reset_body", "hang"])
async def test_an_answer_lost_after_the_message_was_taken_is_uncertain(case: Case, kind: str, sandbox: Sandbox) -> None:
    sandbox.mischief.plan(Fault(case.provider, kind, seconds=3, processed=True))  # type: ignore[arg-type]
    channel = case.channel(sandbox, SHORT if kind == "hang" else PATIENT)
    try:
        (result,) = await channel.send(chunk(channel, case.deliveries(1)))
    finally:
        await channel.close()
    assert result.verdict is UNCERTAIN
    assert [told.accepted for told in sandbox.inbox.told.values()] == [1]


@pytest.mark.parametrize("case", WIRED, ids=lambda case: case.provider)
async def test_a_late_answer_in_time_counts(case: Case, sandbox: Sandbox) -> None:
    sandbox.mischief.change({"latency_ms": 150})
    channel = case.channel(sandbox)
    try:
        (result,) = await channel.send(chunk(channel, case.deliveries(1)))
    finally:
        await channel.close()
    assert result.verdict is ACCEPTED
