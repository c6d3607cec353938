"""Push to Android and iOS through Firebase Cloud Messaging, HTTP v1.

A repeat shows in place of the first (collapse key, tag and apns-collapse-id are the alert), so what is uncertain
may be sent again. FCM accepting is not delivery: the app tells us through our own API.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from geoalert.dispatch.channels.answers import NONSENSE, by_status, wait
from geoalert.dispatch.channels.channel import (
    Checked,
    Chunk,
    Delivery,
    Idempotency,
    Notice,
    Prepared,
    Receipt,
    ReceiptRequest,
    SendResult,
    Traits,
    Verdict,
)
from geoalert.dispatch.channels.fcm_access import AccessToken
from geoalert.dispatch.channels.fcm_payload import FIELDS, PayloadBuilder, Template, quoted
from geoalert.dispatch.channels.fit import fitted, nfc
from geoalert.dispatch.channels.wire import NOT_BEGUN, Answer, Wire, misconfigured
from geoalert.dispatch.reasons import Reason
from geoalert.errors import Invalid

ENDPOINT = "https://fcm.googleapis.com/v1/projects"
_LIMIT = 4096  # bytes
_ROOM_FOR_GAPS = 96  # bytes: ref and ttl; FCM does not count the address
_UNAUTHORISED = 401
# Google checks it whole, sends it to nobody, and answers as it would have answered.
_ONLY_VALIDATED = json.dumps(
    {"validate_only": True, "message": {"topic": "geoalert-check", "notification": {"title": "geoalert"}}}
).encode()

# FCM's errorCode. Statuses alone would take a wrong project for a gone device and purge every address.
# THIRD_PARTY_AUTH_ERROR is our APNs key: iOS recipients only, so it must not stop Android.
ERRORS: Mapping[str, tuple[Verdict, Reason]] = MappingProxyType(
    {
        "UNREGISTERED": (Verdict.REFUSED, Reason.UNREGISTERED),
        "SENDER_ID_MISMATCH": (Verdict.REFUSED, Reason.SENDER_MISMATCH),
        "INVALID_ARGUMENT": (Verdict.REFUSED, Reason.PAYLOAD),
        "THIRD_PARTY_AUTH_ERROR": (Verdict.REFUSED, Reason.CREDENTIAL),
        "QUOTA_EXCEEDED": (Verdict.RETRY, Reason.RATE_LIMITED),
        "UNAVAILABLE": (Verdict.RETRY, Reason.PROVIDER_ERROR),
        "INTERNAL": (Verdict.UNCERTAIN, Reason.PROVIDER_ERROR),
    }
)
_ADDRESS_FIELDS = frozenset({"message.token", "message.fid"})
_BAD_ADDRESS = SendResult(Verdict.REFUSED, Reason.INVALID_ADDRESS)


@dataclass
class FcmPush:
    """`service_account` is Google's JSON file as a mapping; `project` defaults to its own."""

    service_account: Mapping[str, str] = field(repr=False)
    project: str = ""
    endpoint: str = ENDPOINT
    rate: float = 1000.0
    in_flight: int = 64
    deadline: float = 10.0
    rehearsal: bool = False  # the endpoint is a stand-in
    name: str = field(default="push", init=False)
    provider: str = "fcm"
    weight: int = 100
    daily_cap: int = 0

    def __post_init__(self) -> None:
        self._wire = Wire(self.in_flight, self.deadline)
        self._access = AccessToken(self.service_account, self.deadline / 2)
        project = self.project or self.service_account.get("project_id", "")
        self._builder = PayloadBuilder(self._access.credentials, project, self.endpoint)
        self._url = f"{self.endpoint}/{project}/messages:send"

    @property
    def traits(self) -> Traits:
        return Traits(
            idempotency=Idempotency.REPLACED,
            chunk=max(1, int(self.rate / 2)),
            rate=self.rate,
            in_flight=self.in_flight,
            receipts=True,
            limit=_LIMIT,
            unit="utf8 bytes",
            rehearsal=self.rehearsal,
            weight=self.weight,
            daily_cap=self.daily_cap,
        )

    def prepare(self, notice: Notice) -> Prepared:
        """Title is the headline, body the description (shortened where it must be) and the instruction."""
        title, instruction = nfc(notice.headline), nfc(notice.instruction)

        def compose(description: str) -> tuple[str, Template]:
            body = "\n\n".join(part for part in (description, instruction) if part)
            return body, self._builder.template(notice, title, body)

        body, template = fitted(nfc(notice.description), compose, lambda made: made[1].size + _ROOM_FOR_GAPS <= _LIMIT)
        return Prepared(notice, f"{title}\n\n{body}".strip(), units=1, payload={"template": template})

    async def send(self, chunk: Chunk) -> list[SendResult]:
        template = chunk.prepared.payload["template"]
        if not isinstance(template, Template):
            raise TypeError("not prepared by this channel")
        ends = self._wire.ends(chunk.ends)
        refusal = await self._access.ensure()
        if refusal is not None:
            return [refusal] * len(chunk.deliveries)
        head, middle, end = template.lasting((chunk.expires - chunk.now).total_seconds())

        async def call(delivery: Delivery) -> SendResult:
            prefix = FIELDS.get(delivery.kind)
            if prefix is None:
                return _BAD_ADDRESS
            body = head + quoted(delivery.ref) + middle + prefix + quoted(delivery.address) + end
            answer = await self._post(body, ends)
            return answer if isinstance(answer, SendResult) else verdict(answer, chunk)

        return await self._wire.carry(
            chunk.deliveries, call, ends=ends, unbegun=NOT_BEGUN, final=misconfigured, begins=chunk.begins
        )

    async def _post(self, body: bytes, ends: float) -> Answer | SendResult:
        """One request; a second one only where the first was turned away for an old token."""
        token = self._access.token
        answer = await self._request(body, token, ends)
        if isinstance(answer, SendResult) or answer.status != _UNAUTHORISED or _code(answer) in ERRORS:
            return answer
        refusal = await self._access.ensure(token, left=ends - asyncio.get_running_loop().time())
        return refusal or await self._request(body, self._access.token, ends)

    async def _request(self, body: bytes, token: str, ends: float) -> Answer | SendResult:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return await self._wire.request("POST", self._url, ends=ends, headers=headers, data=body)

    async def lookup(self, chunk: Chunk) -> list[SendResult | None]:
        """FCM cannot be asked; sending again is safe."""
        return [SendResult(Verdict.UNCERTAIN)] * len(chunk.deliveries)

    async def check(self) -> Checked:
        """A message to a topic nobody has, for validation only: needs the credential, the project and the service."""
        ends = self._wire.ends()
        refusal = await self._access.ensure()
        if refusal is not None:
            return Checked(refusal)
        answer = await self._post(_ONLY_VALIDATED, ends)
        if isinstance(answer, SendResult):
            return Checked(answer)
        return Checked(SendResult(Verdict.ACCEPTED) if answer.ok else by_status(answer.status, None))

    def parse_receipt(self, request: ReceiptRequest) -> list[Receipt]:
        """FCM calls nobody: devices acknowledge through `/v1/messages/{id}/ack`."""
        del request
        raise Invalid("FCM has no receipts; devices acknowledge to /v1/messages/{id}/ack.")

    async def close(self) -> None:
        await self._wire.close()


def verdict(answer: Answer, chunk: Chunk) -> SendResult:
    """FCM's answer by its errorCode, then by its status."""
    if answer.ok:
        name = answer.json().get("name")
        return SendResult(Verdict.ACCEPTED, provider_ref=name) if isinstance(name, str) and name else NONSENSE
    pause = wait(answer.headers.get("Retry-After"), chunk.now)
    code = _code(answer)
    if code not in ERRORS:
        return by_status(answer.status, pause)
    if code == "INVALID_ARGUMENT" and _blames_address(answer):
        return _BAD_ADDRESS
    found, reason = ERRORS[code]
    return SendResult(found, reason, retry_after=pause if found is Verdict.RETRY else None)


def _details(answer: Answer) -> list[dict[str, object]]:
    error = answer.json().get("error")
    details = error.get("details") if isinstance(error, dict) else None
    return [each for each in details if isinstance(each, dict)] if isinstance(details, list) else []


def _code(answer: Answer) -> str:
    return next((code for each in _details(answer) if isinstance(code := each.get("errorCode"), str)), "")


def _blames_address(answer: Answer) -> bool:
    error = answer.json().get("error")
    message = error.get("message") if isinstance(error, dict) else None
    if isinstance(message, str) and "registration token" in message:
        return True
    violations = [each.get("fieldViolations") for each in _details(answer)]
    return any(
        isinstance(one, dict) and one.get("field") in _ADDRESS_FIELDS
        for listed in violations
        if isinstance(listed, list)
        for one in listed
    )
