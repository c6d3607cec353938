"""The whole chain in few words, for tests that need an alert sent before they can look at anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from geoalert.alerts import Request, approve, draft, find_alert, submit
from geoalert.alerts.tables import Alert, Message
from geoalert.bootstrap import House
from geoalert.departments import Actor, authenticate, find_department
from geoalert.dispatch.lease import due
from geoalert.dispatch.receipts import fold_receipts
from geoalert.operations.broadcast import broadcast
from geoalert.operations.compose import compose
from geoalert.operations.demo_city import Credentials
from geoalert.operations.demo_story import FLOOD, WATER
from geoalert.operations.follow_up import cancel, draft_update
from geoalert.operations.release import Released, release
from geoalert.report import alert_report
from geoalert.store import database_now
from geoalert.subscribers import make_person, register
from geoalert.subscribers.person import Point

KOTHRUD = (73.8077, 18.5074)  # lon, lat: well inside Kothrud-Bavdhan
HADAPSAR = (73.9340, 18.5005)
WATER_SUPPLY = "water-supply"
DISASTER = "disaster-management"


@dataclass
class Chain:
    """Officers of the demo departments at work in one house."""

    house: House
    officers: Credentials
    numbers: count[int] = field(default_factory=lambda: count(1))

    async def actor(self, credential: str) -> Actor:
        async with self.house.store.reading() as session:
            return await authenticate(session, credential)

    async def settle(self, at: tuple[float, float] = KOTHRUD, **wishes: Any) -> int:
        """Adds a person who lives at (lon, lat); returns their id."""
        number = next(self.numbers)
        channels = wishes.pop("channels", ("push",))
        values = {"push": f"test-token-{number:06d}", "sms": f"+915{number:09d}"}
        person = make_person(
            addresses={name: values[name] for name in channels},
            channels=channels,
            points=[Point(*at), *wishes.pop("more_points", [])],
            consent=wishes.pop("consent", "test"),
            **wishes,
        )
        async with self.house.store.writing() as session:
            (id_,) = await register(session, [person], "test")
        return id_

    async def request(self, **changes: Any) -> Request:
        async with self.house.store.reading() as session:
            now = await database_now(session)
        values: dict[str, Any] = {
            "category": "water-supply",
            "severity": "Moderate",
            "texts": WATER,
            "expires": now + timedelta(hours=6),
            "wards": ["kothrud-bavdhan"],
            "channels": ("push", "sms"),
        }
        return Request(**(values | changes))

    async def drafted(self, **changes: Any) -> tuple[Alert, Message]:
        request = await self.request(**changes)
        author = await self.actor(self.officers.officers[WATER_SUPPLY][0])
        async with self.house.store.writing() as session:
            content = await compose(session, self.house.desk, request)
            unit = await find_department(session, WATER_SUPPLY)
            return await draft(session, author, unit.id, content)

    async def approved(self, **changes: Any) -> str:
        """An alert up to its approval; returns its identifier."""
        alert, message = await self.drafted(**changes)
        await self.approve(alert.identifier, message.content_hash)
        return alert.identifier

    async def approve(self, identifier: str, content_hash: str) -> None:
        first, second = self.officers.officers[WATER_SUPPLY]
        author, approver = await self.actor(first), await self.actor(second)
        async with self.house.store.writing() as session:
            alert = await find_alert(session, identifier)
            await submit(session, author, alert)
            await approve(session, approver, alert, content_hash)

    async def send(self, identifier: str, **options: Any) -> Released:
        officer = await self.actor(self.officers.officers[WATER_SUPPLY][1])
        async with self.house.store.writing() as session:
            alert = await find_alert(session, identifier)
            return await release(session, self.house.desk, officer, alert, **options)

    async def sent(self, **changes: Any) -> tuple[str, Released]:
        """An alert from draft to release."""
        identifier = await self.approved(**changes)
        return identifier, await self.send(identifier)

    async def updating(self, identifier: str, **changes: Any) -> Message:
        """An update of a released alert, drafted by its author."""
        request = await self.request(**changes)
        author = await self.actor(self.officers.officers[WATER_SUPPLY][0])
        async with self.house.store.writing() as session:
            alert = await find_alert(session, identifier)
            return await draft_update(session, self.house.desk, author, alert, request)

    async def broadcast(self, **changes: Any) -> tuple[str, Released]:
        officer = await self.actor(self.officers.officers[DISASTER][0])
        values = {"category": "flood", "severity": "Extreme", "texts": FLOOD} | changes
        request = await self.request(**values)
        async with self.house.store.writing() as session:
            alert, released = await broadcast(session, self.house.desk, officer, request, "the river rises")
            return alert.identifier, released

    async def cancel(
        self, identifier: str, texts: dict[str, dict[str, str]], department: str = WATER_SUPPLY
    ) -> Released:
        officer = await self.actor(self.officers.officers[department][0])
        async with self.house.store.writing() as session:
            return await cancel(session, self.house.desk, officer, identifier, texts, "it is over")

    async def carry(self, *, rounds: int = 50) -> None:
        """Carries what is due now, as a worker would, and folds what came back."""
        courier = self.house.courier()
        for _ in range(rounds):
            async with self.house.store.reading() as session:
                found = await due(session, 100)
            if not found:
                break
            for batch in found:
                await courier.carry(batch.id)
        await fold_receipts(self.house.store)

    async def report(self, identifier: str) -> dict[str, Any]:
        async with self.house.store.reading() as session:
            return await alert_report(session, await find_alert(session, identifier))
