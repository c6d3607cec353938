"""The sandbox's own promises: what the demo and other tests read from it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace

import aiohttp
import pytest

from geoalert.dispatch.channels import Verdict
from geoalert.dispatch.reasons import Reason
from geoalert.errors import Invalid
from geoalert.sandbox import Credentials, listen, serve
from geoalert.sandbox.app import Sandbox
from tests.contract.channels.cases import ALL, FCM, MASTODON, NOTICE, TWILIO, chunk, worded


async def fetch(sandbox: Sandbox, path: str) -> dict[str, dict[str, dict[str, object]]]:
    async with aiohttp.ClientSession(sandbox.credentials.base_url) as session, session.get(path) as answer:
        assert answer.status == 200
        found: dict[str, dict[str, dict[str, object]]] = await answer.json()
        return found


async def control(sandbox: Sandbox, wanted: object) -> int:
    async with (
        aiohttp.ClientSession(sandbox.credentials.base_url) as session,
        session.post("/control", json=wanted) as answer,
    ):
        return answer.status


async def tell(sandbox: Sandbox, count: int = 3) -> None:
    for case in ALL:
        channel = case.channel(sandbox)
        await channel.send(chunk(channel, case.deliveries(count)))
        await channel.close()


async def test_the_inbox_counts_requests_people_and_repeats(sandbox: Sandbox) -> None:
    await tell(sandbox)
    await tell(sandbox)
    report = await fetch(sandbox, "/inbox.json")
    assert report["channels"] == {
        "push": {"requests": 6, "accepted": 6, "recipients": 3, "doubled": 0, "repeats": 3},
        "sms": {"requests": 6, "accepted": 6, "recipients": 3, "doubled": 3, "repeats": 0},
        "post": {"requests": 6, "accepted": 6, "recipients": 3, "doubled": 0, "repeats": 3},
    }
    push = report["messages"][NOTICE.message]
    assert (push["alert"], push["language"], push["recipients"]) == (NOTICE.alert, "mr-IN", 3)
    sms = await fetch(sandbox, "/inbox/recipients.json?channel=sms")
    assert list(sms) == [TWILIO.address(number) for number in range(3)]


async def test_what_it_holds_is_written_out_nowhere(sandbox: Sandbox) -> None:
    await tell(sandbox)
    for part in (sandbox, sandbox.twilio, sandbox.fcm, sandbox.inbox, *sandbox.inbox.told.values(), sandbox.mischief):
        assert len(repr(part)) < 100


async def test_the_page_shows_texts_in_their_language_and_escapes_them(sandbox: Sandbox) -> None:
    push = FCM.channel(sandbox)
    await push.send(chunk(push, FCM.deliveries(2), worded("<script>", NOTICE.description, NOTICE.instruction)))
    await push.close()
    base = sandbox.credentials.base_url
    async with aiohttp.ClientSession() as session, session.get(f"{base}/") as answer:
        page, policy = await answer.text(), answer.headers["Content-Security-Policy"]
    assert f'<pre lang="mr-IN">{NOTICE.description}' in page
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "2 people" in page
    assert policy.startswith("default-src 'none'")


async def test_faults_are_set_while_it_runs(sandbox: Sandbox) -> None:
    script = [{"provider": "twilio", "kind": "status", "status": 429, "headers": {"Retry-After": "2"}, "times": 2}]
    assert await control(sandbox, {"script": script, "faults": {"unregistered": 1.0}}) == 200
    sms, push = TWILIO.channel(sandbox), FCM.channel(sandbox)
    limited = await sms.send(chunk(sms, TWILIO.deliveries(3)))
    gone = await push.send(chunk(push, FCM.deliveries(3)))
    await sms.close()
    await push.close()
    assert sorted(each.verdict for each in limited) == [Verdict.ACCEPTED, Verdict.RETRY, Verdict.RETRY]
    assert {each.reason for each in gone} == {Reason.UNREGISTERED}
    assert await control(sandbox, {"clear": True}) == 200
    assert sandbox.mischief.requests == {}


@pytest.mark.parametrize(
    "wanted",
    [{"faults": {"gremlins": 1}}, {"script": [{"provider": "fcm", "kind": "melt"}]}, {"script": [{}]}, ["x"]],
)
async def test_a_control_nobody_knows_is_refused(sandbox: Sandbox, wanted: object) -> None:
    assert await control(sandbox, wanted) == 422


async def test_a_rate_limit_answers_429(sandbox: Sandbox) -> None:
    sandbox.mischief.change({"rate_limit": 2})
    post = MASTODON.channel(sandbox)
    results = await post.send(chunk(post, MASTODON.deliveries(8)))
    await post.close()
    assert {(each.reason, each.retry_after) for each in results if each.verdict is Verdict.RETRY} == {
        (Reason.RATE_LIMITED, 1.0)
    }
    assert 2 <= sum(each.verdict is Verdict.ACCEPTED for each in results) <= 4


async def test_shares_depend_on_the_recipient_only(sandbox: Sandbox) -> None:
    sandbox.mischief.change({"unregistered": 0.3})
    push = FCM.channel(sandbox)
    first, second = [await push.send(chunk(push, FCM.deliveries(200))) for _ in range(2)]
    await push.close()
    assert [each.verdict for each in first] == [each.verdict for each in second]
    assert 30 <= sum(each.reason is Reason.UNREGISTERED for each in first) <= 90


def test_it_answers_on_loopback_only_unless_told() -> None:
    with pytest.raises(Invalid):
        listen("0.0.0.0")  # noqa: S104 - the address that must be refused
    listen("0.0.0.0", anywhere=True).close()  # noqa: S104 - as asked


async def test_it_serves_until_cancelled(keys: Credentials) -> None:
    bound = listen()
    port = bound.getsockname()[1]
    bound.close()
    base = f"http://127.0.0.1:{port}"
    running = asyncio.create_task(serve(Credentials(**asdict(replace(keys, base_url=base))), port=port))
    async with aiohttp.ClientSession(base) as session:
        for _ in range(50):
            await asyncio.sleep(0.02)
            try:
                async with session.get("/healthz") as answer:
                    assert await answer.json() == {"status": "ok"}
                    break
            except aiohttp.ClientConnectorError:
                continue
        else:
            pytest.fail("it did not start")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
