"""Twilio in particular: signed callbacks, error codes, asking before sending again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from aiohttp import web

from geoalert.dispatch.channels import ReceiptRequest, Status, Verdict
from geoalert.dispatch.channels.sms_twilio import TwilioSms
from geoalert.dispatch.channels.twilio_answers import ERRORS, FAILURES, STATUSES
from geoalert.dispatch.reasons import Reason
from geoalert.errors import Forbidden, Invalid
from geoalert.sandbox import listen
from geoalert.sandbox.app import Sandbox
from geoalert.sandbox.faults import Fault
from geoalert.sandbox.twilio import MAGIC, sign
from tests.contract.channels.cases import CALLBACK, NOW, TWILIO, chunk, worded

HOOK = "https://alerts.pune.example/v1/hooks/twilio/s3cret/7.0.mac"


@pytest.fixture
async def sms(sandbox: Sandbox) -> AsyncIterator[TwilioSms]:
    channel = TWILIO.channel(sandbox)
    assert isinstance(channel, TwilioSms)
    yield channel
    await channel.close()


def signed(channel: TwilioSms, url: str = HOOK, **form: str) -> ReceiptRequest:
    signature = sign(channel.token, url, form)
    return ReceiptRequest(url, {"x-twilio-signature": signature}, urlencode(form).encode())


def test_the_published_signature() -> None:
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    signature = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    channel = TwilioSms("AC1", "12345", "+15005550006", CALLBACK)
    assert sign("12345", url, form) == signature
    request = ReceiptRequest(url, {"x-twilio-signature": signature}, urlencode(form).encode())
    with pytest.raises(Invalid):  # rightly signed, but a call and no message
        channel.parse_receipt(request)
    with pytest.raises(Forbidden):
        channel.parse_receipt(replace(request, url=url + "&x"))


@pytest.mark.parametrize("raw", STATUSES)
def test_every_status(sms: TwilioSms, raw: str) -> None:
    (receipt,) = sms.parse_receipt(signed(sms, MessageSid="SM1", MessageStatus=raw))
    assert (receipt.provider_ref, receipt.status, receipt.raw_status) == ("SM1", STATUSES[raw], raw)
    assert (receipt.reason is Reason.NONE) == (receipt.status is not Status.FAILED)


@pytest.mark.parametrize("code", FAILURES)
def test_every_failure_code(sms: TwilioSms, code: int) -> None:
    form = {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": str(code)}
    (receipt,) = sms.parse_receipt(signed(sms, HOOK, **form))
    assert (receipt.status, receipt.reason) == (Status.FAILED, FAILURES[code])


@pytest.mark.parametrize("code", ["", "x", "99999", "३०००३"])
def test_a_failure_code_nobody_knows_is_unreachable(sms: TwilioSms, code: str) -> None:
    form = {"MessageSid": "SM1", "MessageStatus": "failed", "ErrorCode": code}
    assert sms.parse_receipt(signed(sms, HOOK, **form))[0].reason is Reason.UNREACHABLE


@pytest.mark.parametrize("change", ["no signature", "other token", "other address", "changed body", "added field"])
def test_a_forged_receipt_is_refused(sms: TwilioSms, change: str) -> None:
    good = signed(sms, MessageSid="SM1", MessageStatus="delivered")
    form = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    forged = {
        "no signature": replace(good, headers={}),
        "other token": replace(good, headers={"x-twilio-signature": sign("other", HOOK, form)}),
        "other address": replace(good, url=HOOK.replace("7.0", "7.1")),
        "changed body": replace(good, body=good.body.replace(b"delivered", b"undelivered")),
        "added field": replace(good, body=good.body + b"&ErrorCode=30003"),
    }
    with pytest.raises(Forbidden):
        sms.parse_receipt(forged[change])


@pytest.mark.parametrize(
    "form",
    [{"MessageSid": "SM1"}, {"MessageStatus": "sent"}, {"MessageSid": "SM1", "MessageStatus": "teleported"}, {}],
)
def test_what_is_no_receipt_is_refused(sms: TwilioSms, form: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        sms.parse_receipt(signed(sms, HOOK, **form))


async def test_callbacks_of_the_sandbox_are_receipts(sms: TwilioSms, sandbox: Sandbox) -> None:
    heard: asyncio.Queue[ReceiptRequest] = asyncio.Queue()

    async def hook(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        await heard.put(ReceiptRequest(str(request.url), headers, await request.read()))
        return web.Response()

    api = web.Application()
    api.router.add_post("/hooks/{ref}", hook)
    runner, bound = web.AppRunner(api), listen()
    await runner.setup()
    await web.SockSite(runner, bound).start()
    sms.callback = f"http://127.0.0.1:{bound.getsockname()[1]}/hooks"
    sandbox.mischief.change({"duplicated": 1.0, "disordered": 1.0, "undelivered": 1.0})
    (result,) = await sms.send(chunk(sms, TWILIO.deliveries(1)))
    requests = [await asyncio.wait_for(heard.get(), 2) for _ in range(4)]
    await runner.cleanup()
    receipts = [receipt for request in requests for receipt in sms.parse_receipt(request)]
    assert [receipt.raw_status for receipt in receipts] == ["undelivered", "sent", "queued", "undelivered"]
    assert {receipt.provider_ref for receipt in receipts} == {result.provider_ref}
    assert receipts[0].reason is Reason.UNREACHABLE
    assert requests[0].url.endswith("/hooks/7.0.mac")


@pytest.mark.parametrize("code", ERRORS)
async def test_every_error_code(sms: TwilioSms, sandbox: Sandbox, code: int) -> None:
    body = json.dumps({"code": code, "message": "no", "status": 400})
    sandbox.mischief.plan(Fault("twilio", "status", status=400, headers={"Retry-After": "4"}, body=body))
    (result,) = await sms.send(chunk(sms, TWILIO.deliveries(1)))
    assert (result.verdict, result.reason) == ERRORS[code]
    assert result.retry_after == (4.0 if result.verdict is Verdict.RETRY else None)
    assert sandbox.mischief.requests["twilio"] == 1


@pytest.mark.parametrize(
    "body",
    [
        '{"sid": "SM1", "status": "teleported"}',
        '{"sid": "", "status": "queued"}',
        '{"sid": 7, "status": "queued"}',
        '{"sid": "SM1", "status": "queued", "date_created": 7}',
        '{"sid": "SM1", "status": "queued", "date_sent": "Fri, 99 Nov 2026 06:31:00 +0000"}',
        '{"messages": 7}',
        '{"messages": ["x"]}',
    ],
)
async def test_a_success_that_cannot_be_read_is_uncertain(sms: TwilioSms, sandbox: Sandbox, body: str) -> None:
    sandbox.mischief.plan(Fault("twilio", "nonsense", times=2, body=body))
    sent = chunk(sms, TWILIO.deliveries(1))
    for result in (*await sms.send(sent), *await sms.lookup(sent)):
        assert result is not None
        assert (result.verdict, result.reason) == (Verdict.UNCERTAIN, Reason.NONSENSE)
    assert sandbox.mischief.requests["twilio"] == 2


async def test_the_environment_cannot_redirect_it(sms: TwilioSms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_EDGE", "sydney")
    monkeypatch.setenv("TWILIO_REGION", "au1")
    (result,) = await sms.send(chunk(sms, TWILIO.deliveries(1)))
    assert result.verdict is Verdict.ACCEPTED


@pytest.mark.parametrize("number", MAGIC)
async def test_the_test_numbers_of_twilio(sms: TwilioSms, number: str) -> None:
    (result,) = await sms.send(chunk(sms, [TWILIO.deliveries(1)[0]._replace(address=number)]))
    assert (result.verdict, result.reason) == ERRORS[MAGIC[number]]


async def test_a_wrong_token_is_a_credential(sandbox: Sandbox) -> None:
    credentials = replace(sandbox.credentials, twilio_token="wrong")  # noqa: S106 - that is the point
    channel = TWILIO.make(credentials, credentials.base_url, 1.0, 2)
    (result,) = await channel.send(chunk(channel, TWILIO.deliveries(1)))
    await channel.close()
    assert (result.verdict, result.reason) == (Verdict.MISCONFIGURED, Reason.CREDENTIAL)


async def test_segments_are_counted_and_priced(sms: TwilioSms) -> None:
    sent = chunk(sms, TWILIO.deliveries(1), worded("पाणी", "क" * 100, "साठवा"))
    (result,) = await sms.send(sent)
    assert (sent.prepared.units, result.units, result.cost) == (2, 2, 0.5)


@pytest.mark.requirement("S001-14", "S002-09")
def test_at_most_six_segments(sms: TwilioSms) -> None:
    prepared = sms.prepare(worded("पाणी बंद", "दुरुस्ती " * 200, "पाणी साठवा"))
    assert prepared.units == 6
    assert prepared.text.startswith("पाणी बंद\nदुरुस्ती ")
    assert prepared.text.endswith("...\nपाणी साठवा")
    with pytest.raises(Invalid):
        sms.prepare(worded("पाणी " * 50, "x", "साठवा " * 50))


async def test_a_messaging_service_takes_the_place_of_a_number(sms: TwilioSms, sandbox: Sandbox) -> None:
    sms.sender = "MG" + "0" * 32
    (result,) = await sms.send(chunk(sms, TWILIO.deliveries(1)))
    assert result.verdict is Verdict.ACCEPTED
    (message,) = sandbox.twilio.by_number[TWILIO.address(0)]
    assert message.service == sms.sender


@pytest.mark.parametrize("left", [-10, 0, 3, 86_400])
async def test_validity_stays_in_what_twilio_takes(sms: TwilioSms, left: int) -> None:
    sent = replace(chunk(sms, TWILIO.deliveries(1)), expires=NOW + timedelta(seconds=left))
    assert (await sms.send(sent))[0].verdict is Verdict.ACCEPTED


@pytest.mark.parametrize(("processed", "found"), [(True, Verdict.ACCEPTED), (False, None)])
async def test_lookup_settles_what_was_uncertain(
    sms: TwilioSms, sandbox: Sandbox, *, processed: bool, found: Verdict | None
) -> None:
    sandbox.mischief.plan(Fault("twilio", "reset", processed=processed))
    sent = replace(chunk(sms, TWILIO.deliveries(1)), since=NOW)
    (lost,) = await sms.send(sent)
    (known,) = await sms.lookup(sent)
    assert lost.verdict is Verdict.UNCERTAIN
    assert (known.verdict if known else None) is found
    if known:
        (message,) = sandbox.twilio.by_number[TWILIO.address(0)]
        assert known.provider_ref == message.sid


async def test_lookup_takes_no_other_text_and_nothing_older(sms: TwilioSms) -> None:
    sent = chunk(sms, TWILIO.deliveries(1))
    await sms.send(sent)
    other = replace(sent, prepared=sms.prepare(worded("दुसरा", "संदेश", "वाचा")))
    later = replace(sent, since=NOW + timedelta(hours=1))
    assert await sms.lookup(other) == [None]
    assert await sms.lookup(later) == [None]
    (known,) = await sms.lookup(sent)
    assert known is not None


@pytest.mark.parametrize("status", [401, 429, 500, 503])
async def test_lookup_that_cannot_ask_stays_uncertain(sms: TwilioSms, sandbox: Sandbox, status: int) -> None:
    sandbox.mischief.plan(Fault("twilio", "status", status=status))
    (known,) = await sms.lookup(chunk(sms, TWILIO.deliveries(1)))
    assert known is not None
    assert known.verdict is Verdict.UNCERTAIN


async def test_lookup_reports_a_message_that_failed(sms: TwilioSms, sandbox: Sandbox) -> None:
    sandbox.mischief.change({"undelivered": 1.0})
    sent = chunk(sms, TWILIO.deliveries(1))
    await sms.send(sent)
    (known,) = await sms.lookup(sent)
    assert known is not None
    assert (known.verdict, known.reason) == (Verdict.REFUSED, Reason.UNREACHABLE)
