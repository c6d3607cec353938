"""What providers and devices tell us, and what others pretend."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode

import httpx2
from sqlalchemy import select
from twilio.request_validator import RequestValidator

from geoalert.bootstrap import callback_base
from geoalert.dispatch.channels.channel import Status
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.reference import make_refs
from geoalert.dispatch.tables import ReceiptRow
from geoalert.sandbox.credentials import read_credentials
from tests.integration.api.conftest import Door, refusal

MESSAGE = "0" * 32
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SID = "SM" + "0" * 32


async def stored(door: Door) -> list[ReceiptRow]:
    async with door.house.store.reading() as session:
        return list(await session.scalars(select(ReceiptRow).order_by(ReceiptRow.id)))


def hook(door: Door, ref: str) -> str:
    return f"/v1/hooks/twilio/{door.house.keys.hook_path('twilio')}/{ref}"


async def call_back(door: Door, path: str, status: str = "delivered", **fields: str) -> httpx2.Response:
    """A callback as Twilio signs it."""
    form = {"MessageSid": SID, "MessageStatus": status, **fields}
    path_of_credentials = door.house.settings.sandbox.credentials
    assert path_of_credentials is not None
    validator = RequestValidator(read_credentials(path_of_credentials).twilio_token)
    signature = validator.compute_signature(callback_base(door.house.settings) + path, form)
    headers = FORM | {"X-Twilio-Signature": signature}
    return await door.call("POST", path, content=urlencode(form).encode(), headers=headers)


async def test_a_signed_receipt_is_stored_before_it_is_answered(door: Door) -> None:
    path = hook(door, make_refs(door.house.keys, 7, [3])[0])
    answer = await call_back(door, path)
    assert (answer.status_code, answer.content) == (204, b"")
    (row,) = await stored(door)
    assert (row.provider, row.batch_id, row.position, row.status) == ("twilio", 7, 3, Status.DELIVERED.value)
    assert (await call_back(door, path)).status_code == 204
    assert (await call_back(door, path, "failed", ErrorCode="30005")).status_code == 204
    rows = await stored(door)
    assert [(row.status, row.reason) for row in rows[1:]] == [("failed", Reason.INVALID_ADDRESS)]


async def test_a_forged_path_reference_or_signature_is_refused(door: Door) -> None:
    ref = make_refs(door.house.keys, 7, [3])[0]
    good = hook(door, ref)
    secret = door.house.keys.hook_path("twilio")
    refusal(await call_back(door, f"/v1/hooks/twilio/{'x' * len(secret)}/{ref}"), 404)
    refusal(await call_back(door, f"/v1/hooks/twilio/se%C3%A9cret/{ref}"), 404)
    refusal(await call_back(door, f"/v1/hooks/nobody/{door.house.keys.hook_path('nobody')}/{ref}"), 404)
    for forged in (f"8.3.{ref.split('.')[2]}", "7.3", "१.३.abc", "x" * 90):
        refusal(await call_back(door, hook(door, forged)), 403)
    form = urlencode({"MessageSid": SID, "MessageStatus": "delivered"}).encode()
    refusal(await door.call("POST", good, content=form, headers=FORM), 403)
    refusal(await door.call("POST", good, content=form, headers=FORM | {"X-Twilio-Signature": "AAAA"}), 403)
    refusal(await call_back(door, good, "teleported"), 422)
    assert await stored(door) == []


async def test_an_acknowledgement_needs_the_reference_that_came_with_the_message(door: Door) -> None:
    ref = make_refs(door.house.keys, 9, [0])[0]
    path = f"/v1/messages/{MESSAGE}/ack"
    for forged in ("9.1." + ref.split(".")[2], "nonsense", ""):
        refusal(await door.call("POST", path, json={"ref": forged}), 403, "/ref")
    refusal(await door.call("POST", path, json={"ref": 9}), 422, "/ref")
    refusal(await door.call("POST", path, json={"ref": ref, "token": "x"}), 422, "/token")
    answers = await asyncio.gather(*(door.call("POST", path, json={"ref": ref}) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {202}
    (row,) = await stored(door)
    assert (row.provider, row.batch_id, row.position, row.status) == ("fcm", 9, 0, Status.DELIVERED.value)
    assert row.raw_status == "acknowledged"
