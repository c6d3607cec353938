"""A public post on a Mastodon server, one per account of the city.

The server recognises the Idempotency-Key of a repeated request and answers with the first post.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from geoalert.dispatch.channels.answers import NONSENSE, by_status, until, wait
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
from geoalert.dispatch.channels.fit import fitted, nfc
from geoalert.dispatch.channels.wire import NOT_BEGUN, Answer, Wire
from geoalert.dispatch.reasons import Reason
from geoalert.errors import Invalid

_LINK_COUNTS = 23  # characters, whatever its length; we count at least that
_TOO_MANY = 429

# Statuses that mean something else here than elsewhere. 422 is a text or parameter the server does not take.
STATUSES: Mapping[int, tuple[Verdict, Reason]] = MappingProxyType(
    {
        422: (Verdict.REFUSED, Reason.PAYLOAD),
        410: (Verdict.REFUSED, Reason.UNREGISTERED),
    }
)


@dataclass
class MastodonPost:
    """`tokens` by account handle, the address of a delivery. `server` is the instance's base address."""

    server: str
    tokens: Mapping[str, str] = field(repr=False)
    limit: int = 500  # characters; an instance may allow more
    rate: float = 2.0
    in_flight: int = 2
    deadline: float = 10.0
    rehearsal: bool = False  # the endpoint is a stand-in
    name: str = field(default="post", init=False)
    provider: str = field(default="mastodon", init=False)

    def __post_init__(self) -> None:
        self._wire = Wire(self.in_flight, self.deadline)
        self._url = f"{self.server}/api/v1/statuses"
        self._whoami = f"{self.server}/api/v1/accounts/verify_credentials"

    @property
    def traits(self) -> Traits:
        return Traits(
            idempotency=Idempotency.KEYED,
            chunk=max(1, int(self.rate / 2)),
            rate=self.rate,
            in_flight=self.in_flight,
            receipts=False,
            limit=self.limit,
            unit="characters",
            rehearsal=self.rehearsal,
            own_credentials=True,
        )

    def prepare(self, notice: Notice) -> Prepared:
        headline, instruction, link = nfc(notice.headline), nfc(notice.instruction), notice.link.strip()
        allowance = max(_LINK_COUNTS - len(link), 0) if link else 0

        def compose(description: str) -> str:
            return "\n\n".join(part for part in (headline, description, instruction, link) if part)

        text = fitted(nfc(notice.description), compose, lambda made: len(made) + allowance <= self.limit)
        body = {"status": text, "language": notice.language.partition("-")[0], "visibility": "public"}
        return Prepared(notice, text, units=1, payload={"body": json.dumps(body, ensure_ascii=False).encode()})

    async def send(self, chunk: Chunk) -> list[SendResult]:
        body = chunk.prepared.payload["body"]
        if not isinstance(body, bytes):
            raise TypeError("not prepared by this channel")

        ends = self._wire.ends(chunk.ends)

        async def call(delivery: Delivery) -> SendResult:
            token = self.tokens.get(delivery.address)
            if delivery.kind != "handle":
                return SendResult(Verdict.REFUSED, Reason.INVALID_ADDRESS)
            if token is None:
                return SendResult(Verdict.MISCONFIGURED, Reason.CREDENTIAL)
            headers = {
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
                "Idempotency-Key": delivery.key,
            }
            answer = await self._wire.request("POST", self._url, ends=ends, headers=headers, data=body)
            return answer if isinstance(answer, SendResult) else verdict(answer, chunk.now)

        # Each account has its own token: one that is refused says nothing about the next.
        return await self._wire.carry(
            chunk.deliveries, call, ends=ends, unbegun=NOT_BEGUN, final=lambda _: False, begins=chunk.begins
        )

    async def lookup(self, chunk: Chunk) -> list[SendResult | None]:
        """Not asked: repeating with the same key is safe."""
        return [SendResult(Verdict.UNCERTAIN)] * len(chunk.deliveries)

    async def check(self) -> Checked:
        """Asks who each account's token belongs to; the first that is not taken is the answer."""
        ends = self._wire.ends()
        for token in self.tokens.values():
            headers = {"Authorization": f"Bearer {token}"}
            answer = await self._wire.request("GET", self._whoami, ends=ends, headers=headers)
            if isinstance(answer, SendResult):
                return Checked(answer)
            if not answer.ok:
                return Checked(by_status(answer.status, None))
        return Checked(SendResult(Verdict.ACCEPTED))

    def parse_receipt(self, request: ReceiptRequest) -> list[Receipt]:
        """A post is public once it has an address; there is nothing more to be told."""
        del request
        raise Invalid("Mastodon sends no receipts.")

    async def close(self) -> None:
        await self._wire.close()


def verdict(answer: Answer, now: datetime) -> SendResult:
    """Accepted only with an id and an address to read the post at."""
    if answer.ok:
        post = answer.json()
        ref, url = post.get("id"), post.get("url")
        if isinstance(ref, str) and ref and isinstance(url, str) and url:
            return SendResult(Verdict.ACCEPTED, provider_ref=ref, url=url)
        return NONSENSE
    if answer.status in STATUSES:
        return SendResult(*STATUSES[answer.status])
    return by_status(answer.status, _pause(answer, now))


def _pause(answer: Answer, now: datetime) -> float | None:
    """Retry-After, or the moment in X-RateLimit-Reset, which Mastodon sends in its place."""
    asked = wait(answer.headers.get("Retry-After"), now)
    reset = answer.headers.get("X-RateLimit-Reset")
    if asked is not None or reset is None or answer.status != _TOO_MANY:
        return asked
    try:
        return until(datetime.fromisoformat(reset), now)
    except ValueError:
        return None
