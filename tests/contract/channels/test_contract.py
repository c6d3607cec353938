"""What every channel keeps, shown against the sandbox over a real socket."""

from __future__ import annotations

import asyncio
import logging
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from geoalert.dispatch.channels import Channel, Chunk, Idempotency, ReceiptRequest, Verdict
from geoalert.dispatch.reasons import Reason
from geoalert.errors import Forbidden, Invalid
from geoalert.sandbox.app import Sandbox
from geoalert.sandbox.faults import Fault
from tests.contract.channels.cases import ALL, CLOSED, FCM, LOG, NOTICE, SHORT, TWILIO, WIRED, Case, chunk, worded


@pytest.fixture(params=ALL, ids=lambda case: case.provider)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


@pytest.fixture(params=WIRED, ids=lambda case: case.provider)
def wired(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


@asynccontextmanager
async def opened(channel: Channel) -> AsyncIterator[Channel]:
    try:
        yield channel
    finally:
        await channel.close()


async def test_one_result_for_each_delivery(case: Case, sandbox: Sandbox) -> None:
    async with opened(case.channel(sandbox)) as channel:
        results = await channel.send(chunk(channel, case.deliveries(7)))
    assert [result.verdict for result in results] == [Verdict.ACCEPTED] * 7
    assert all(result.provider_ref for result in results)
    assert sandbox.mischief.requests.get(case.provider, 0) == (0 if case is LOG else 7)


async def test_an_empty_chunk_is_no_request(case: Case, sandbox: Sandbox) -> None:
    async with opened(case.channel(sandbox)) as channel:
        assert await channel.send(chunk(channel, [])) == []
        assert await channel.lookup(chunk(channel, [])) == []
    assert sandbox.mischief.requests.get(case.provider, 0) == 0


def test_a_chunk_is_half_a_second_of_the_rate(case: Case, sandbox: Sandbox) -> None:
    traits = case.channel(sandbox).traits
    assert 1 <= traits.chunk <= max(1.0, traits.rate / 2)


@pytest.mark.parametrize("case", [FCM, TWILIO], ids=lambda case: case.provider)
async def test_results_stand_in_the_order_of_deliveries(case: Case, sandbox: Sandbox) -> None:
    assert case.refused is not None
    address, reason = case.refused
    deliveries = case.deliveries(20)
    deliveries[3] = deliveries[3]._replace(address=address)
    deliveries[17] = deliveries[17]._replace(address=address)
    async with opened(case.channel(sandbox, in_flight=8)) as channel:
        results = await channel.send(chunk(channel, deliveries))
    assert [place for place, result in enumerate(results) if result.verdict is Verdict.REFUSED] == [3, 17]
    assert {results[3].reason, results[17].reason} == {reason}
    assert len({result.provider_ref for result in results if result.provider_ref}) == 18


async def test_another_kind_of_address_is_refused_unsent(wired: Case, sandbox: Sandbox) -> None:
    delivery = wired.deliveries(1)[0]._replace(kind="carrier pigeon")
    async with opened(wired.channel(sandbox)) as channel:
        (result,) = await channel.send(chunk(channel, [delivery]))
    assert (result.verdict, result.reason) == (Verdict.REFUSED, Reason.INVALID_ADDRESS)
    assert sandbox.mischief.requests.get(wired.provider, 0) == 0


@pytest.mark.parametrize("where", [CLOSED, "https"], ids=["refused", "no TLS there"])
async def test_nothing_left_when_nobody_could_be_reached(wired: Case, sandbox: Sandbox, where: str) -> None:
    base = sandbox.credentials.base_url
    endpoint = base.replace("http:", "https:") if where == "https" else where
    async with opened(wired.make(sandbox.credentials, endpoint, 2.0, 2)) as channel:
        results = await channel.send(chunk(channel, wired.deliveries(2)))
    assert {(result.verdict, result.reason) for result in results} == {(Verdict.RETRY, Reason.NOT_CONNECTED)}


async def test_what_does_not_speak_http_is_nonsense(wired: Case, sandbox: Sandbox) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"220 mail.example ESMTP\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, opened(wired.make(sandbox.credentials, f"http://127.0.0.1:{port}", 1.0, 2)) as channel:
        (result,) = await channel.send(chunk(channel, wired.deliveries(1)))
    assert (result.verdict, result.reason) == (Verdict.UNCERTAIN, Reason.NONSENSE)


@pytest.mark.parametrize("case", [FCM, TWILIO], ids=lambda case: case.provider)
async def test_a_refused_credential_stops_the_chunk(case: Case, sandbox: Sandbox) -> None:
    sandbox.mischief.plan(Fault(provider=case.provider, kind="status", status=403, times=100))
    async with opened(case.channel(sandbox, in_flight=2)) as channel:
        results = await channel.send(chunk(channel, case.deliveries(50)))
    assert {(each.verdict, each.reason) for each in results} == {(Verdict.MISCONFIGURED, Reason.CREDENTIAL)}
    assert sandbox.mischief.requests[case.provider] <= 2


async def test_a_slow_provider_cannot_hold_the_worker(wired: Case, sandbox: Sandbox) -> None:
    sandbox.mischief.plan(Fault(provider=wired.provider, kind="hang", seconds=5, times=10))
    async with opened(wired.channel(sandbox, deadline=SHORT, in_flight=2)) as channel:
        results = await channel.send(chunk(channel, wired.deliveries(6)))
    assert [result.verdict for result in results] == [Verdict.UNCERTAIN] * 2 + [Verdict.RETRY] * 4
    assert [result.reason for result in results] == [Reason.TIMEOUT] * 2 + [Reason.NOT_BEGUN] * 4
    assert sandbox.mischief.requests[wired.provider] == 2


async def test_nothing_begins_when_what_was_checked_is_old(wired: Case, sandbox: Sandbox) -> None:
    sandbox.mischief.plan(Fault(provider=wired.provider, kind="hang", seconds=0.5, times=2))
    async with opened(wired.channel(sandbox, in_flight=2)) as channel:
        begins = asyncio.get_running_loop().time() + 0.3
        results = await channel.send(replace(chunk(channel, wired.deliveries(6)), begins=begins))
    assert [result.reason for result in results[2:]] == [Reason.NOT_BEGUN] * 4
    assert {result.verdict for result in results[2:]} == {Verdict.RETRY}
    assert sandbox.mischief.requests[wired.provider] == 2


async def test_chunks_that_are_carried_together_share_the_requests_in_flight(wired: Case, sandbox: Sandbox) -> None:
    sandbox.mischief.plan(Fault(provider=wired.provider, kind="hang", seconds=0.5, times=2))
    async with opened(wired.channel(sandbox, in_flight=2)) as channel:
        begins = asyncio.get_running_loop().time() + 0.3
        one, other = [replace(chunk(channel, wired.deliveries(2)), begins=begins) for _ in range(2)]
        both = await asyncio.gather(channel.send(one), channel.send(other))
    reasons = [result.reason for results in both for result in results]
    assert reasons.count(Reason.NOT_BEGUN) == 2
    assert sandbox.mischief.requests[wired.provider] == 2


async def test_a_repeat_does_what_the_traits_say(wired: Case, sandbox: Sandbox) -> None:
    async with opened(wired.channel(sandbox)) as channel:
        sent = chunk(channel, wired.deliveries(3))
        first, second = await channel.send(sent), await channel.send(sent)
        traits = channel.traits
    assert {result.verdict for result in (*first, *second)} == {Verdict.ACCEPTED}
    (told,) = sandbox.inbox.told.values()
    safe = traits.idempotency in {Idempotency.KEYED, Idempotency.REPLACED}
    assert (told.repeats, told.doubled) == ((3, 0) if safe else (0, 3))


async def test_lookup_answers_for_each_delivery(case: Case, sandbox: Sandbox) -> None:
    async with opened(case.channel(sandbox)) as channel:
        results = await channel.lookup(chunk(channel, case.deliveries(3)))
    assert len(results) == 3
    assert all(result is None or result.verdict is Verdict.UNCERTAIN for result in results)


def test_what_is_no_receipt_is_refused(case: Case, sandbox: Sandbox) -> None:
    request = ReceiptRequest("https://alerts.example/v1/hooks/x", {}, b"\xff\xfe{}")
    with pytest.raises((Invalid, Forbidden)):
        case.channel(sandbox).parse_receipt(request)


TEXTS = {
    "eyelash reph": "दर\u094d\u200dयाखोऱ्यात पूर; ऱ्हास टाळा",
    "rra composed": "वाऱ\u094dयाचा वेग वाढला",
    "rra decomposed": "वा\u0930\u093c\u094dयाचा वेग वाढला",
    "non-joiner": "क\u094d\u200cष आणि श\u094d\u200cर",
    "nukta excluded from composition": "\u0915\u093c\u093e\u0958",
    "latin decomposed": "cafe\u0301, Pune",
    "mixed": "Pune पुणे 🌊🏽👩‍👩‍👧 🇮🇳 ५०%",
}


@pytest.mark.requirement("S002-12", "S002-09", "S001-14", "S000-05")
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
async def test_the_text_arrives_as_it_was_approved(wired: Case, sandbox: Sandbox, text: str) -> None:
    notice = worded(f"{text} १", f"{text} २", f"{text} ३")
    async with opened(wired.channel(sandbox)) as channel:
        sent = chunk(channel, wired.deliveries(1), notice)
        (result,) = await channel.send(sent)
    assert result.verdict is Verdict.ACCEPTED
    assert wired.received(sandbox) == sent.prepared.text
    for part in (notice.headline, notice.description, notice.instruction):
        assert unicodedata.normalize("NFC", part) in sent.prepared.text


@pytest.mark.requirement("S001-14")
@pytest.mark.parametrize("language", ["mr", "en"])
async def test_only_the_description_gives_way(wired: Case, sandbox: Sandbox, language: str) -> None:
    words = "पाणीपुरवठा दुरुस्तीचे काम सुरू आहे. " if language == "mr" else "Repair work is under way now. "
    notice = worded("मथळा" if language == "mr" else "Headline", words * 300, f"{words * 3}!")
    async with opened(wired.channel(sandbox)) as channel:
        sent = chunk(channel, wired.deliveries(1), notice)
        (result,) = await channel.send(sent)
    text = sent.prepared.text
    assert result.verdict is Verdict.ACCEPTED
    assert wired.received(sandbox) == text
    assert notice.headline in text
    assert notice.instruction in text
    assert words[:6] in text.removesuffix(notice.instruction)
    assert len(text) < len(notice.description)


def test_what_cannot_be_carried_whole_is_refused(case: Case, sandbox: Sandbox) -> None:
    endless = worded(NOTICE.headline, "", "साठवा " * 20_000)
    with pytest.raises(Invalid):
        case.channel(sandbox).prepare(endless)


async def test_logs_hold_no_address_token_or_text(
    case: Case, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    deliveries = case.deliveries(4)
    sandbox.mischief.plan(Fault(provider=case.provider, kind="reset"))
    sandbox.mischief.plan(Fault(provider=case.provider, kind="status", status=500))
    async with opened(case.channel(sandbox)) as channel:
        sent: Chunk = chunk(channel, deliveries)
        await channel.send(sent)
        await channel.lookup(sent)
    secrets = (
        sandbox.credentials.twilio_token,
        *sandbox.credentials.mastodon_tokens.values(),
        *sandbox.fcm.tokens,
        *(delivery.address for delivery in deliveries),
        NOTICE.headline,
        NOTICE.instruction,
    )
    assert [secret for secret in secrets if secret in caplog.text] == []
