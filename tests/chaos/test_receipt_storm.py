"""Thousands of receipts at the HTTP hook: shuffled, repeated, forged, for nobody, and before we knew ourselves."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from urllib.parse import urlencode

from sqlalchemy import func, select
from twilio.request_validator import RequestValidator

from geoalert.bootstrap import callback_base
from geoalert.dispatch.channels.channel import Chunk, Idempotency, SendResult, Status, Verdict
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.plan import Route
from geoalert.dispatch.proof import Key, Proof
from geoalert.dispatch.receipts import SET_ASIDE, fold_receipts, receipts_waiting
from geoalert.dispatch.reference import make_refs
from geoalert.dispatch.tables import ReceiptRow
from geoalert.sandbox.credentials import read_credentials
from geoalert.store.keys import new_keys
from tests.chaos.cells import batch_of, lay, released, settle
from tests.chaos.extent import RECEIPTS
from tests.chaos.sink import SinkChannel
from tests.figures import Figure
from tests.integration.api.conftest import Door
from tests.waiting import until
from tests.workbench import Chain

SEED = 9
REPEATS = 5
SHARE = 100  # one in so many is forged, and one in so many is for nobody
EARLY = 5  # one in so many comes before our own commit
UNKNOWN = 1_000_000  # no batch has this number
GROUP = 50  # at one time
BATCH = 100
STORIES = (  # what a carrier says of one message, and where that ends
    (("sent", "delivered"), Outcome.DELIVERED),
    (("sent", "undelivered"), Outcome.FAILED),
    (("undelivered", "delivered"), Outcome.DELIVERED),
    (("sent",), Outcome.ACCEPTED),
)
IN_ORDER = ("sent", "undelivered", "delivered")
A_STORY = sum(len(story) for story, _ in STORIES) / len(STORIES)
PEOPLE = round(RECEIPTS / A_STORY)
FORGERIES = ("reference", "signature", "path")


@dataclass(frozen=True)
class Call:
    batch: int
    position: int
    status: str
    forged: str = ""


class _Proven(Proof):
    """Every message has been answered well before."""

    async def turn(self, key: Key) -> int | None:
        del key
        return None


@dataclass
class Gate(SinkChannel):
    """Takes what it is given at once, and says so when it is opened."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, chunk: Chunk) -> list[SendResult]:
        await self.gate.wait()
        return [SendResult(Verdict.ACCEPTED)] * len(chunk.deliveries)


@dataclass
class Carrier:
    """Calls back, as Twilio signs it, and now and then as somebody else would."""

    door: Door

    def __post_init__(self) -> None:
        credentials = self.door.house.settings.sandbox.credentials
        assert credentials is not None
        self.validator = RequestValidator(read_credentials(credentials).twilio_token)
        self.stranger, self.strange_keys = RequestValidator("f" * 32), new_keys()

    async def post(self, call: Call) -> int:
        house = self.door.house
        ref = make_refs(self.strange_keys if call.forged == "reference" else house.keys, call.batch, [call.position])[0]
        secret = (self.strange_keys if call.forged == "path" else house.keys).hook_path("twilio")
        path = f"/v1/hooks/twilio/{secret}/{ref}"
        form = {"MessageSid": "SM" + "0" * 32, "MessageStatus": call.status}
        if call.status == "undelivered":
            form["ErrorCode"] = "30003"
        signs = self.stranger if call.forged == "signature" else self.validator
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": signs.compute_signature(callback_base(house.settings) + path, form),
        }
        answer = await self.door.call("POST", path, content=urlencode(form).encode(), headers=headers)
        return answer.status_code

    async def post_all(self, calls: Sequence[Call]) -> Counter[tuple[str, int]]:
        """Many at a time; by forgery how they were answered. Two workers fold meanwhile."""
        answers: Counter[tuple[str, int]] = Counter()
        for start in range(0, len(calls), GROUP):
            group = calls[start : start + GROUP]
            codes = await asyncio.gather(*(self.post(call) for call in group))
            answers.update((call.forged, code) for call, code in zip(group, codes, strict=True))
            if start // GROUP % 2:
                await asyncio.gather(self.fold(), self.fold())
        await self.fold()
        return answers

    async def fold(self) -> None:
        while await fold_receipts(self.door.house.store):
            pass


def stories(ids: Sequence[int]) -> Iterator[tuple[Call, Outcome]]:
    """Every receipt of these batches, and where its recipient's story ends."""
    for number in range(PEOPLE):
        story, end = STORIES[number % len(STORIES)]
        for status in story:
            yield Call(ids[number // BATCH], number % BATCH, status), end


async def test_a_storm_of_receipts_ends_where_they_would_in_order(door: Door, figure: Figure) -> None:
    chain, carrier = Chain(door.house, door.demo), Carrier(door)
    alerts = [await released(chain, "Moderate") for _ in range(2)]
    owners = [owner for owner, _ in await settle(chain, PEOPLE)]
    calm, stormy = [await lay(chain, alert, "sms", Route("twilio", BATCH), owners) for alert in alerts]
    channel = Gate("sms", "twilio", Idempotency.LOOKUP, 0, chunk=BATCH, rate=10_000.0)
    courier = replace(door.house.courier(), channels={"twilio": channel}, lease=timedelta(minutes=30))

    channel.gate.set()
    for id_ in calm:
        await courier.carry(id_)
    for status in IN_ORDER:
        answers = await carrier.post_all([call for call, _ in stories(calm) if call.status == status])
        assert set(answers) == {("", 204)}

    chance = random.Random(SEED)  # noqa: S311 - an order to come in
    true = [call for call, _ in stories(stormy)]
    undelivered = [call for call, end in stories(stormy) if end is not Outcome.DELIVERED]
    odd = max(len(FORGERIES), len(true) // SHARE)
    forged = [  # every one of them would change an end
        replace(chance.choice(undelivered), status="delivered", forged=FORGERIES[number % len(FORGERIES)])
        for number in range(odd)
    ]
    unknown = [Call(UNKNOWN + number, 0, "delivered") for number in range(odd)]
    coming = [call for call in [*true, *forged, *unknown] for _ in range(chance.randint(1, REPEATS))]
    chance.shuffle(coming)

    channel.gate.clear()
    courier = replace(courier, proof=_Proven())  # whole batches are under way at once
    carrying = [asyncio.create_task(courier.carry(id_)) for id_ in stormy]

    async def under_way() -> bool:
        return all([Outcome.PENDING not in (await batch_of(chain, id_)).outcomes for id_ in stormy])

    await until(under_way, "all have left")
    early = len(coming) // EARLY
    answers = await carrier.post_all(coming[:early])
    assert any([Outcome.DELIVERED in (await batch_of(chain, id_)).outcomes for id_ in stormy])
    channel.gate.set()  # only now do we hear from the provider itself
    await asyncio.gather(*carrying)
    answers += await carrier.post_all(coming[early:])

    times = Counter(call.forged for call in coming)
    refused = {"reference": 403, "signature": 403, "path": 404}
    assert answers == {("", 204): times[""], **{(kind, refused[kind]): times[kind] for kind in FORGERIES}}
    ends = [STORIES[number % len(STORIES)][1] for number in range(PEOPLE)]
    for start, one, other in zip(range(0, PEOPLE, BATCH), calm, stormy, strict=True):
        first, second = await batch_of(chain, one), await batch_of(chain, other)
        assert first.outcomes == second.outcomes == bytes(ends[start : start + BATCH])
        assert first.reasons == second.reasons
    async with door.house.store.reading() as session:
        assert await receipts_waiting(session) == 0
        aside = select(func.count()).select_from(ReceiptRow).where(ReceiptRow.folded == SET_ASIDE)
        assert await session.scalar(aside) == len(unknown)
        kept = select(func.count()).select_from(ReceiptRow).where(ReceiptRow.status != Status.ACCEPTED.value)
        assert await session.scalar(kept) == 2 * sum(call.status != "sent" for call in true) + len(unknown)
    figure(
        f"{len(true):,} receipts in {len(coming):,} calls, {early:,} of them before our own commit: the same end as in "
        f"order; forged {sum(times[kind] for kind in FORGERIES)}, accepted 0"
    )
