"""The contract every channel keeps.

A channel turns an approved notice into one provider's request and the provider's answer into a verdict. It never
retries, never sleeps, never follows a redirect and never touches the database: those belong to dispatch, which
would otherwise not know how often a person was tried.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from geoalert.dispatch.reasons import Reason


class Idempotency(StrEnum):
    """What a second request with the same reference does at this provider."""

    KEYED = "keyed"  # the provider recognises our key: nothing happens
    REPLACED = "replaced"  # the device shows the second in place of the first
    LOOKUP = "lookup"  # the provider can be asked whether the first arrived
    NONE = "none"  # the person may be told twice


class Verdict(StrEnum):
    """What is known after one try. `UNCERTAIN` means the request left and no usable answer came."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # permanent, for this recipient
    RETRY = "retry"  # certainly not sent; may be tried again after `retry_after`
    UNCERTAIN = "uncertain"
    MISCONFIGURED = "misconfigured"  # permanent, for every recipient: credential, template, sender


class Status(StrEnum):
    """What a receipt can claim."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Traits:
    """What a channel can do, as data; pacing, planning and preview read it instead of asking for names."""

    idempotency: Idempotency
    chunk: int  # recipients handed to one `send`; at most 0.5 s of `rate`
    rate: float  # recipients a second the provider takes
    in_flight: int  # requests at one time
    receipts: bool  # whether a provider or device tells of delivery
    limit: int  # longest text in the channel's own unit
    unit: str  # "utf8 bytes", "ucs2 units", "characters"
    cost_per_unit: float = 0.0  # rupees, an estimate
    rehearsal: bool = False  # a stand-in: the only kind of provider an exercise may reach
    weight: int = 100  # its part of the channel's work beside other providers of it; 0 stands by until they fail
    own_credentials: bool = False  # each address has its own: what is wrong with one says nothing of the others
    low_balance: float = 0.0  # in the provider's currency: below it somebody should pay in
    daily_cap: int = 0  # recipients a day (UTC) for what is no emergency; 0: no bound


@dataclass(frozen=True, slots=True)
class Notice:
    """One approved text in one language, with what a channel needs to show it. Times are UTC."""

    alert: str  # identifier of the alert: stable over its life, used to replace on the device
    message: str  # identifier of this message of the chain
    revision: int  # 1 for the Alert, then counting Updates and the Cancel
    msg_type: str  # CAP: Alert, Update, Cancel
    language: str  # BCP 47
    category: str
    severity: str  # CAP: Extreme, Severe, Moderate, Minor, Unknown
    headline: str
    description: str
    instruction: str
    expires: datetime
    link: str  # public page, empty where there is none
    drill: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """A notice fitted to the channel: `text` is what the person reads, `payload` what the provider is given."""

    notice: Notice
    text: str
    units: int  # segments for SMS, 1 elsewhere
    payload: Mapping[str, object] = field(default_factory=dict)


class Delivery(NamedTuple):
    """One recipient of a chunk. `ref` comes back in receipts; `key` is the same at every try."""

    address: str
    kind: str  # "token", "installation", "phone", "handle"
    ref: str
    key: str


@dataclass(frozen=True, slots=True)
class Chunk:
    prepared: Prepared
    deliveries: Sequence[Delivery]
    expires: datetime
    now: datetime
    since: datetime | None = None  # the first try of these deliveries; a look-up takes nothing older
    ends: float | None = None  # the event loop's time by which every answer must be in: the caller's lease
    begins: float | None = None  # and after which nothing begins: what was checked before is old by then


@dataclass(frozen=True, slots=True)
class SendResult:
    verdict: Verdict
    reason: Reason = Reason.NONE
    provider_ref: str | None = None
    retry_after: float | None = None  # seconds, at most 300
    units: int = 1
    cost: float = 0.0  # rupees
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """What asking a provider about ourselves said; nobody is told anything by it. `balance` is money left, in the
    provider's currency, where it says.
    """

    result: SendResult  # ACCEPTED: reached, and our credential is good
    balance: float | None = None


@dataclass(frozen=True, slots=True)
class ReceiptRequest:
    """A provider's call to our hook. `url` is the public address it was configured with; `body` is raw."""

    url: str
    headers: Mapping[str, str]  # lower-case names
    body: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    provider_ref: str
    status: Status
    raw_status: str
    reason: Reason = Reason.NONE


class Channel(Protocol):
    """One way to reach people through one provider."""

    @property
    def name(self) -> str:
        """Channel name, a key of `subscribers.codes.CHANNELS`."""

    @property
    def provider(self) -> str:
        """Provider name, part of its hook's path."""

    @property
    def traits(self) -> Traits:
        """Limits and behaviour, as data."""

    def prepare(self, notice: Notice) -> Prepared:
        """Fits the notice to the channel without losing an instruction; pure.

        Raises:
            Invalid: the text cannot be carried.
        """

    async def send(self, chunk: Chunk) -> list[SendResult]:
        """One result per delivery, in order. Ends within the channel's own deadline (10 s); never raises for
        what a provider does.
        """

    async def lookup(self, chunk: Chunk) -> list[SendResult | None]:
        """What the provider knows of each delivery: a result, or None when it never had it. A result with
        verdict UNCERTAIN means the provider could not be asked.
        """

    async def check(self) -> Checked:
        """Asks the provider whether it would carry for us, by a call that sends nothing. Ends within the channel's own
        deadline; never raises for what a provider does.
        """

    def parse_receipt(self, request: ReceiptRequest) -> list[Receipt]:
        """Receipts in a provider's call, after its signature was checked on the raw bytes.

        Raises:
            Forbidden: the signature is not the provider's.
            Invalid: the body is not a receipt.
        """

    async def close(self) -> None:
        """Gives connections back."""
