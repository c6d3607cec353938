"""FCM in particular: payloads for both systems, the access token, error codes, acknowledgements."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import web

from geoalert.dispatch.channels import Notice, SendResult, Verdict
from geoalert.dispatch.channels.fcm_payload import Template, collapse_id
from geoalert.dispatch.channels.push_fcm import ERRORS, FcmPush
from geoalert.dispatch.reasons import Reason
from geoalert.errors import Invalid
from geoalert.sandbox import Credentials, listen, sandbox_credentials
from geoalert.sandbox.app import Sandbox
from geoalert.sandbox.faults import Fault
from geoalert.sandbox.fcm import error_body
from tests.contract.channels.cases import CLOSED, FCM, NOTICE, NOW, chunk, worded


@pytest.fixture
async def push(sandbox: Sandbox) -> AsyncIterator[FcmPush]:
    credentials = sandbox.credentials
    channel = FcmPush(credentials.service_account, endpoint=credentials.fcm_endpoint, deadline=5)
    yield channel
    await channel.close()


async def one(push: FcmPush, notice: Notice = NOTICE, kind: str = "token", address: str = "device-0") -> SendResult:
    delivery = FCM.deliveries(1)[0]._replace(kind=kind, address=address)
    (result,) = await push.send(chunk(push, [delivery], notice))
    return result


@pytest.mark.requirement("S002-12")
async def test_one_payload_serves_android_and_ios(push: FcmPush, sandbox: Sandbox) -> None:
    assert (await one(push)).verdict is Verdict.ACCEPTED
    assert sandbox.fcm.last == {
        "token": "device-0",
        "notification": {
            "title": NOTICE.headline,
            "body": f"{NOTICE.description}\n\n{NOTICE.instruction}",
        },
        "android": {
            "collapse_key": NOTICE.alert,
            "priority": "high",
            "ttl": "10800s",
            "notification": {"tag": NOTICE.alert, "sound": "default"},
        },
        "apns": {
            "headers": {
                "apns-collapse-id": NOTICE.alert,
                "apns-expiration": str(int(NOTICE.expires.timestamp())),
                "apns-priority": "10",
            },
            "payload": {
                "aps": {
                    "sound": "default",
                    "thread-id": NOTICE.alert,
                    "interruption-level": "time-sensitive",
                },
            },
        },
        "data": {
            "alert": NOTICE.alert,
            "message": NOTICE.message,
            "revision": "1",
            "msg_type": "Alert",
            "language": "mr-IN",
            "category": "water",
            "severity": "Severe",
            "expires": NOTICE.expires.isoformat(),
            "link": NOTICE.link,
            "ref": "7.0.mac",
        },
    }


@pytest.mark.parametrize(
    ("severity", "android", "apns"),
    [("Extreme", "high", "10"), ("Severe", "high", "10"), ("Moderate", "normal", "5"), ("Unknown", "normal", "5")],
)
async def test_only_the_urgent_wakes_a_phone(
    push: FcmPush, sandbox: Sandbox, severity: str, android: str, apns: str
) -> None:
    await one(push, replace(NOTICE, severity=severity))
    sent = json.loads(json.dumps(sandbox.fcm.last))
    assert (sent["android"]["priority"], sent["apns"]["headers"]["apns-priority"]) == (android, apns)


async def test_an_installation_id_is_a_fid(push: FcmPush, sandbox: Sandbox) -> None:
    assert (await one(push, kind="installation", address="cAbC123")).verdict is Verdict.ACCEPTED
    assert sandbox.fcm.last["fid"] == "cAbC123"
    assert "token" not in sandbox.fcm.last


async def test_an_update_replaces_on_the_device_and_counts_as_new(push: FcmPush, sandbox: Sandbox) -> None:
    await one(push)
    await one(push, replace(NOTICE, message="pmc-2026-0042-m2", revision=2, msg_type="Update"))
    assert [(told.accepted, told.doubled) for told in sandbox.inbox.told.values()] == [(1, 0), (1, 0)]
    assert sandbox.phones.shown == {("device-0", NOTICE.alert): "pmc-2026-0042-m2"}


async def test_addresses_and_texts_cannot_break_out_of_the_payload(push: FcmPush, sandbox: Sandbox) -> None:
    address = 'x","topic":"all","y":"\\'
    result = await one(push, worded('"}', "\\", "\u2028\t"), address=address)
    assert result.verdict is Verdict.ACCEPTED
    assert sandbox.fcm.last["token"] == address


@pytest.mark.parametrize("gap", ["\ufffettl\uffff", '"\ufffeaddress\uffff"'])
def test_a_text_that_looks_like_a_gap_is_refused_or_carried(sandbox: Sandbox, gap: str) -> None:
    push = FcmPush(sandbox.credentials.service_account)
    try:
        made = push.prepare(worded(gap, gap, gap)).payload["template"]
    except Invalid:
        return
    assert isinstance(made, Template)
    before, middle, end = made.lasting(60)
    assert json.loads(before + b'"r"' + middle + b'"fid":"f"' + end)["message"]["fid"] == "f"


@pytest.mark.parametrize(("left", "ttl"), [(3600, "3600s"), (-5, "0s"), (90 * 86_400, "2419200s")])
async def test_time_to_live(push: FcmPush, sandbox: Sandbox, left: int, ttl: str) -> None:
    sent = replace(chunk(push, FCM.deliveries(1)), expires=NOW + timedelta(seconds=left))
    await push.send(sent)
    assert json.loads(json.dumps(sandbox.fcm.last))["android"]["ttl"] == ttl


def test_a_long_alert_identifier_is_digested_for_apns() -> None:
    assert collapse_id("a" * 64) == "a" * 64
    assert len(collapse_id("a" * 65)) == 64


@pytest.mark.parametrize("code", ERRORS)
async def test_every_error_code(push: FcmPush, sandbox: Sandbox, code: str) -> None:
    fault = Fault("fcm", "status", status=400, headers={"Retry-After": "4"}, body=json.dumps(error_body(400, "", code)))
    sandbox.mischief.plan(fault)
    result = await one(push)
    assert (result.verdict, result.reason) == ERRORS[code]
    assert result.retry_after == (4.0 if result.verdict is Verdict.RETRY else None)
    assert sandbox.mischief.requests["fcm"] == 1


ANSWERS = {
    "a device gone": ("unregistered-1", Verdict.REFUSED, Reason.UNREGISTERED),
    "another sender's device": ("mismatch-1", Verdict.REFUSED, Reason.SENDER_MISMATCH),
    "no token at all": ("invalid-1", Verdict.REFUSED, Reason.INVALID_ADDRESS),
}


@pytest.mark.parametrize(("address", "verdict", "reason"), ANSWERS.values(), ids=ANSWERS.keys())
async def test_what_fcm_says_of_a_device(push: FcmPush, address: str, verdict: Verdict, reason: Reason) -> None:
    result = await one(push, address=address)
    assert (result.verdict, result.reason) == (verdict, reason)


async def test_a_wrong_project_is_no_device_gone(sandbox: Sandbox) -> None:
    credentials = sandbox.credentials
    push = FcmPush(credentials.service_account, "another-project", credentials.fcm_endpoint)
    result = await one(push)
    await push.close()
    assert (result.verdict, result.reason) == (Verdict.MISCONFIGURED, Reason.CREDENTIAL)


async def test_one_token_for_all_and_one_renewal(push: FcmPush, sandbox: Sandbox) -> None:
    await asyncio.gather(*(push.send(chunk(push, FCM.deliveries(20))) for _ in range(5)))
    assert sandbox.mischief.requests["oauth"] == 1
    sandbox.fcm.tokens.clear()
    results = await push.send(chunk(push, FCM.deliveries(40)))
    assert {result.verdict for result in results} == {Verdict.ACCEPTED}
    assert sandbox.mischief.requests["oauth"] == 2


async def test_a_token_refused_twice_is_a_credential(push: FcmPush, sandbox: Sandbox) -> None:
    sandbox.mischief.plan(Fault("fcm", "status", times=10, status=401))
    result = await one(push)
    assert (result.verdict, result.reason) == (Verdict.MISCONFIGURED, Reason.CREDENTIAL)
    assert sandbox.mischief.requests == {"oauth": 2, "fcm": 2}


async def test_an_apns_key_problem_is_not_our_token(push: FcmPush, sandbox: Sandbox) -> None:
    body = json.dumps(error_body(401, "", "THIRD_PARTY_AUTH_ERROR"))
    sandbox.mischief.plan(Fault("fcm", "status", status=401, body=body))
    result = await one(push)
    assert (result.verdict, result.reason) == (Verdict.REFUSED, Reason.CREDENTIAL)
    assert sandbox.mischief.requests == {"oauth": 1, "fcm": 1}


TOKEN_FAULTS = {
    "500": (Fault("oauth", "status", status=500), Reason.NOT_CONNECTED),
    "429": (Fault("oauth", "status", status=429, headers={"Retry-After": "60"}), Reason.NOT_CONNECTED),
    "reset": (Fault("oauth", "reset"), Reason.NOT_CONNECTED),
    "silence": (Fault("oauth", "hang", seconds=3), Reason.NOT_CONNECTED),
    "empty": (Fault("oauth", "empty"), Reason.NONSENSE),
    "nonsense": (Fault("oauth", "nonsense"), Reason.NONSENSE),
}


@pytest.mark.parametrize(("fault", "reason"), TOKEN_FAULTS.values(), ids=TOKEN_FAULTS.keys())
async def test_no_token_means_nothing_left(sandbox: Sandbox, fault: Fault, reason: Reason) -> None:
    sandbox.mischief.plan(fault)
    credentials = sandbox.credentials
    push = FcmPush(credentials.service_account, endpoint=credentials.fcm_endpoint, deadline=1)
    results = await push.send(chunk(push, FCM.deliveries(3)))
    await push.close()
    assert [(each.verdict, each.reason) for each in results] == [(Verdict.RETRY, reason)] * 3
    assert sandbox.mischief.requests == {"oauth": 1}


async def test_a_token_endpoint_away_is_not_connected(sandbox: Sandbox) -> None:
    account = sandbox.credentials.service_account | {"token_uri": f"{CLOSED}/token"}
    push = FcmPush(account, endpoint=sandbox.credentials.fcm_endpoint)
    result = await one(push)
    await push.close()
    assert (result.verdict, result.reason) == (Verdict.RETRY, Reason.NOT_CONNECTED)


async def test_a_foreign_key_is_a_credential(sandbox: Sandbox) -> None:
    stranger: Credentials = sandbox_credentials(sandbox.credentials.base_url)
    push = FcmPush(stranger.service_account, endpoint=stranger.fcm_endpoint)
    result = await one(push)
    await push.close()
    assert (result.verdict, result.reason) == (Verdict.MISCONFIGURED, Reason.CREDENTIAL)
    assert "fcm" not in sandbox.mischief.requests


async def test_phones_acknowledge_to_our_own_api(push: FcmPush, sandbox: Sandbox) -> None:
    heard: asyncio.Queue[tuple[str, object]] = asyncio.Queue()

    async def acknowledge(request: web.Request) -> web.Response:
        await heard.put((request.path, await request.json()))
        return web.json_response({})

    api = web.Application()
    api.router.add_post("/v1/messages/{message}/ack", acknowledge)
    runner, bound = web.AppRunner(api), listen()
    await runner.setup()
    await web.SockSite(runner, bound).start()
    sandbox.phones.api_base = f"http://127.0.0.1:{bound.getsockname()[1]}"
    sandbox.mischief.change({"acknowledged": 1.0})
    await one(push)
    await one(push)
    path, body = await asyncio.wait_for(heard.get(), 2)
    await runner.cleanup()
    assert (path, body) == (f"/v1/messages/{NOTICE.message}/ack", {"ref": "7.0.mac"})
    assert heard.empty()
