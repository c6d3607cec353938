"""Clients of the HTTP door that ask again under the same key until the answer is yes, as good ones do."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx2

from geoalert.operations.demo_story import FLOOD, WATER
from tests.integration.api.conftest import PROBLEM
from tests.workbench import KOTHRUD

CLIENTS: Final = 6
BROADCASTS: Final = 20  # one request in so many
AGAIN: Final = 0.2  # seconds; sooner than Retry-After asks for
NAMED: Final = {
    "alerts": "identifier",
    "broadcasts": "alert",
    "subscribers": "reference",
}  # what was made, in an answer


def body(what: str, number: int) -> dict[str, Any]:
    """What a client wants. Broadcasts are for push, people sign up for SMS: the audience stays as it is."""
    if what == "subscribers":
        lon, lat = KOTHRUD
        return {"phone": f"+91{9_000_000_000 + number}", "places": [{"lat": lat, "lon": lon}], "consent": "web"}
    of_both = {"expires": EXPIRES, "area": {"wards": ["kothrud-bavdhan"]}, "channels": ["push"]}
    if what == "alerts":
        return of_both | {"category": "water-supply", "severity": "Moderate", "texts": WATER}
    texts = {language: text | {"headline": f"{text['headline']} ({number})"} for language, text in FLOOD.items()}
    return of_both | {"category": "flood", "severity": "Extreme", "texts": texts, "reason": "the river rises"}


EXPIRES: Final = (datetime.now(UTC) + timedelta(hours=6)).isoformat()  # the same at each asking: it is the same request


@dataclass
class Clients:
    """Ask until they are told `enough` and at least `least` have a yes. `said_yes` names what was acknowledged."""

    url: str
    credentials: Mapping[str, str] = field(repr=False)
    least: int
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    said_yes: dict[str, list[str]] = field(default_factory=lambda: {what: [] for what in NAMED})
    unavailable: int = 0  # answers of 503
    cut: int = 0  # connections that broke, or could not be made
    _asked: int = 0

    @property
    def acknowledged(self) -> int:
        return sum(map(len, self.said_yes.values()))

    async def ask(self) -> None:
        async with httpx2.AsyncClient(base_url=self.url, timeout=60) as client, asyncio.TaskGroup() as group:
            for _ in range(CLIENTS):
                group.create_task(self._one(client))

    async def _one(self, client: httpx2.AsyncClient) -> None:
        while not (self.enough.is_set() and self._asked >= self.least):
            self._asked += 1
            number = self._asked
            what = "broadcasts" if number % BROADCASTS == 0 else ("alerts", "subscribers")[number % 2]
            self.said_yes[what].append(await self._until_yes(client, what, number))

    async def _until_yes(self, client: httpx2.AsyncClient, what: str, number: int) -> str:
        while True:
            answer = await self._asking(client, what, number)
            if answer is None:
                self.cut += 1
            elif answer.status_code == 201:
                return str(answer.json()[NAMED[what]])
            else:
                assert answer.status_code == 503, answer.text
                assert answer.headers["content-type"] == PROBLEM
                assert int(answer.headers["retry-after"]) > 0
                assert "Traceback" not in answer.text
                self.unavailable += 1
            await asyncio.sleep(AGAIN)

    async def _asking(self, client: httpx2.AsyncClient, what: str, number: int) -> httpx2.Response | None:
        headers = {"Authorization": f"Bearer {self.credentials[what]}", "Idempotency-Key": f"{what}-{number}"}
        try:
            return await client.post(f"/v1/{what}", json=body(what, number), headers=headers)
        except httpx2.TransportError:
            return None
