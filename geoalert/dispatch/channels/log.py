"""The dry run: accepts every recipient and keeps a count, never a number, token or text."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from geoalert.dispatch.channels.channel import (
    Checked,
    Chunk,
    Idempotency,
    Notice,
    Prepared,
    Receipt,
    ReceiptRequest,
    SendResult,
    Traits,
    Verdict,
)
from geoalert.dispatch.channels.fit import nfc
from geoalert.errors import Invalid

_LOG = logging.getLogger(__name__)
_LIMIT = 100_000  # characters


@dataclass(frozen=True, slots=True)
class LogChannel:
    """Stands in for any channel; `name` and `provider` say which."""

    name: str
    provider: str = "log"
    rate: float = 10_000.0

    @property
    def traits(self) -> Traits:
        return Traits(
            idempotency=Idempotency.KEYED,
            chunk=max(1, int(self.rate / 2)),
            rate=self.rate,
            in_flight=1,
            receipts=False,
            limit=_LIMIT,
            unit="characters",
            rehearsal=True,
        )

    def prepare(self, notice: Notice) -> Prepared:
        parts = (notice.headline, notice.description, notice.instruction, notice.link)
        text = "\n".join(part for part in map(nfc, parts) if part)
        if len(text) > _LIMIT:
            raise Invalid("The text is too long for any channel.", pointer="/description")
        return Prepared(notice, text, units=1)

    async def send(self, chunk: Chunk) -> list[SendResult]:
        notice = chunk.prepared.notice
        _LOG.info(
            "dry run: %d by %s in %s, message %s", len(chunk.deliveries), self.name, notice.language, notice.message
        )
        return [SendResult(Verdict.ACCEPTED, provider_ref=f"dry-{each.key}") for each in chunk.deliveries]

    async def lookup(self, chunk: Chunk) -> list[SendResult | None]:
        """None for each: nothing is kept."""
        return [None] * len(chunk.deliveries)

    async def check(self) -> Checked:
        return Checked(SendResult(Verdict.ACCEPTED))

    def parse_receipt(self, request: ReceiptRequest) -> list[Receipt]:
        del request
        raise Invalid("A dry run has no receipts.")

    async def close(self) -> None:
        return None
