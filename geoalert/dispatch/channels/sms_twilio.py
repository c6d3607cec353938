"""SMS through Twilio, Programmable Messaging 2010-04-01.

Creating a message is not idempotent, so nothing is repeated blindly: `lookup` asks Twilio whether it came. The
SDK builds requests and checks signatures; our own session carries them (`twilio_transport`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import parse_qsl

from twilio.base.exceptions import TwilioException
from twilio.request_validator import RequestValidator
from twilio.rest.api.v2010.account.message import MessageInstance, MessageList

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
    Status,
    Traits,
    Verdict,
)
from geoalert.dispatch.channels.fit import fitted, nfc
from geoalert.dispatch.channels.segments import ROOM, Alphabet, segments
from geoalert.dispatch.channels.twilio_answers import ERRORS, STATUSES, failure
from geoalert.dispatch.channels.twilio_transport import Stopped, api
from geoalert.dispatch.channels.wire import ANSWER_LIMIT, NOT_BEGUN, Answer, Wire, misconfigured
from geoalert.dispatch.reasons import Reason
from geoalert.errors import Forbidden, Invalid

ENDPOINT = "https://api.twilio.com"
_LONGEST_VALIDITY = 36_000  # seconds
_CLOCKS = timedelta(seconds=5)  # between Twilio's and ours
_RECENT = timedelta(hours=1)  # how far a look-up goes back when the first try is not known
_PAGE = 100  # messages of a list
_SIGNATURE = "x-twilio-signature"
_NOT_ASKED = SendResult(Verdict.UNCERTAIN, Reason.PROVIDER_ERROR)
# What the SDK raises over a success it cannot read.
_UNREADABLE = (TwilioException, ValueError, TypeError, AttributeError, KeyError, ArithmeticError)


@dataclass
class TwilioSms:
    """`sender` is a number or header of the account, or a Messaging Service (MG…).

    `callback` is the public address of our hook; each message's `ref` is its last segment.
    """

    account: str
    token: str = field(repr=False)
    sender: str
    callback: str
    endpoint: str = ENDPOINT
    price: float = 0.0  # rupees a segment
    most_segments: int = 6
    rate: float = 100.0
    in_flight: int = 32
    deadline: float = 10.0
    rehearsal: bool = False  # the endpoint is a stand-in
    name: str = field(default="sms", init=False)
    provider: str = "twilio"
    weight: int = 100
    daily_cap: int = 0
    low_balance: float = 0.0

    def __post_init__(self) -> None:
        self._wire = Wire(self.in_flight, self.deadline)
        self._validator = RequestValidator(self.token)

    @property
    def traits(self) -> Traits:
        return Traits(
            idempotency=Idempotency.LOOKUP,
            chunk=max(1, int(self.rate / 2)),
            rate=self.rate,
            in_flight=self.in_flight,
            receipts=True,
            limit=self.most_segments * ROOM[Alphabet.UCS2].joined,
            unit="ucs2 units",
            cost_per_unit=self.price,
            rehearsal=self.rehearsal,
            weight=self.weight,
            daily_cap=self.daily_cap,
            low_balance=self.low_balance,
        )

    def prepare(self, notice: Notice) -> Prepared:
        """Headline, description and instruction on lines of their own, the description shortened where it must be."""
        headline, instruction = nfc(notice.headline), nfc(notice.instruction)

        def compose(description: str) -> str:
            return "\n".join(part for part in (headline, description, instruction) if part)

        text = fitted(
            nfc(notice.description),
            compose,
            lambda made: segments(made).parts <= self.most_segments,
            ellipsis="...",  # "…" is not in GSM-7 and would halve an English message
        )
        return Prepared(notice, text, units=segments(text).parts)

    async def send(self, chunk: Chunk) -> list[SendResult]:
        ends = self._wire.ends(chunk.ends)
        sms = self._messages(ends)
        left = int((chunk.expires - chunk.now).total_seconds())
        shared = {
            "messaging_service_sid" if self.sender.startswith("MG") else "from_": self.sender,
            "body": chunk.prepared.text,
            "validity_period": min(max(left, 1), _LONGEST_VALIDITY),
        }

        async def call(delivery: Delivery) -> SendResult:
            if delivery.kind != "phone":
                return SendResult(Verdict.REFUSED, Reason.INVALID_ADDRESS)
            hook = f"{self.callback}/{delivery.ref}"
            try:
                message = await sms.create_async(to=delivery.address, status_callback=hook, **shared)
            except Stopped as stopped:
                return _verdict(stopped.answer, chunk)
            except _UNREADABLE:
                return NONSENSE
            return self._taken(message, chunk)

        return await self._wire.carry(
            chunk.deliveries, call, ends=ends, unbegun=NOT_BEGUN, final=misconfigured, begins=chunk.begins
        )

    async def lookup(self, chunk: Chunk) -> list[SendResult | None]:
        """Asks for each number's messages and takes one with exactly this text, created since the first try.

        Twilio's lists return no StatusCallback, so our reference cannot be found in them; the text, the number
        and the time together stand for it. The list is not narrowed by DateSent, which is empty while a message
        waits in the queue.
        """
        ends = self._wire.ends(chunk.ends)
        sms = self._messages(ends)

        async def call(delivery: Delivery) -> SendResult | None:
            try:
                page = list(await sms.page_async(to=delivery.address, page_size=_PAGE))
            except Stopped as stopped:
                answer = stopped.answer
                return SendResult(Verdict.UNCERTAIN, answer.reason) if isinstance(answer, SendResult) else _NOT_ASKED
            except _UNREADABLE:
                return NONSENSE
            return self._found(page, chunk)

        unasked: SendResult | None = _NOT_ASKED
        return await self._wire.carry(chunk.deliveries, call, ends=ends, unbegun=unasked, final=lambda _: False)

    async def check(self) -> Checked:
        """The account's balance."""
        client = api(self.account, self.token, self.endpoint, self._wire, self._wire.ends())
        try:
            found = await client.balance.fetch_async()
            return Checked(SendResult(Verdict.ACCEPTED), balance=float(found.balance))
        except Stopped as stopped:
            answer = stopped.answer
            return Checked(answer if isinstance(answer, SendResult) else by_status(answer.status, None))
        except _UNREADABLE:
            return Checked(NONSENSE)

    def parse_receipt(self, request: ReceiptRequest) -> list[Receipt]:
        if len(request.body) > ANSWER_LIMIT:
            raise Invalid("The receipt is too long.")
        try:
            fields = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        except ValueError as error:
            raise Invalid("The receipt is not a form in UTF-8.") from error
        if not self._validator.validate(request.url, fields, request.headers.get(_SIGNATURE, "")):
            raise Forbidden("The signature is not Twilio's.")
        sid, raw = fields.get("MessageSid", ""), fields.get("MessageStatus", "")
        status = STATUSES.get(raw)
        if not sid or status is None:
            raise Invalid("The receipt names no message or no known status.")
        reason = failure(fields.get("ErrorCode")) if status is Status.FAILED else Reason.NONE
        return [Receipt(sid, status, raw, reason)]

    async def close(self) -> None:
        await self._wire.close()

    def _messages(self, ends: float) -> MessageList:
        return api(self.account, self.token, self.endpoint, self._wire, ends).messages

    def _taken(self, message: MessageInstance, chunk: Chunk) -> SendResult:
        """What a message resource says."""
        sid, status = message.sid, STATUSES.get(str(message.status))
        if not isinstance(sid, str) or not sid or status is None:
            return NONSENSE
        if status is Status.FAILED:
            return SendResult(Verdict.REFUSED, failure(message.error_code), provider_ref=sid)
        units = chunk.prepared.units
        return SendResult(Verdict.ACCEPTED, provider_ref=sid, units=units, cost=units * self.price)

    def _found(self, page: Sequence[MessageInstance], chunk: Chunk) -> SendResult | None:
        since = (chunk.since or chunk.now - _RECENT) - _CLOCKS
        for message in page:
            created = message.date_created
            if created and created >= since and nfc(str(message.body)) == chunk.prepared.text:
                return self._taken(message, chunk)
        return None


def _verdict(answer: Answer | SendResult, chunk: Chunk) -> SendResult:
    """Twilio's refusal by its code, then by its status."""
    if isinstance(answer, SendResult):
        return answer
    pause = wait(answer.headers.get("Retry-After"), chunk.now)
    code = answer.json().get("code")
    if not isinstance(code, int) or code not in ERRORS:
        return by_status(answer.status, pause)
    verdict, reason = ERRORS[code]
    return SendResult(verdict, reason, retry_after=pause if verdict is Verdict.RETRY else None)
