"""A provider whose every answer a test decides; it counts what it was asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

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
from geoalert.errors import Invalid

TAKEN = SendResult(Verdict.ACCEPTED)


@dataclass
class Scripted:
    """`sent` and `looked` are how many recipients each call had."""

    provider: str
    answer: Callable[[Delivery], SendResult] = lambda _: TAKEN
    known: Callable[[Delivery], SendResult | None] = lambda _: None
    kind: Idempotency = Idempotency.LOOKUP
    checked: SendResult = TAKEN
    weight: int = 100
    chunk: int = 50
    daily_cap: int = 0
    name: str = "sms"
    sent: list[int] = field(default_factory=list)
    looked: list[int] = field(default_factory=list)

    @property
    def traits(self) -> Traits:
        return Traits(
            idempotency=self.kind,
            chunk=self.chunk,
            rate=self.chunk * 2.0,
            in_flight=8,
            receipts=True,
            limit=1_000,
            unit="characters",
            rehearsal=True,
            weight=self.weight,
            daily_cap=self.daily_cap,
        )

    def prepare(self, notice: Notice) -> Prepared:
        return Prepared(notice, notice.headline, units=1)

    async def send(self, chunk: Chunk) -> list[SendResult]:
        self.sent.append(len(chunk.deliveries))
        return [self.answer(delivery) for delivery in chunk.deliveries]

    async def lookup(self, chunk: Chunk) -> list[SendResult | None]:
        self.looked.append(len(chunk.deliveries))
        return [self.known(delivery) for delivery in chunk.deliveries]

    async def check(self) -> Checked:
        return Checked(self.checked)

    def parse_receipt(self, request: ReceiptRequest) -> list[Receipt]:
        del request
        raise Invalid("it calls nobody")

    async def close(self) -> None:
        return None
