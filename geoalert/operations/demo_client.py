"""The demo's own browser: it uses the public door like everybody else."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import Any

import aiohttp

from geoalert.errors import Unavailable

STARTUP = 40.0


@dataclass
class Client:
    """Talks to the API at `base` through the caller's session."""

    http: aiohttp.ClientSession
    base: str

    async def until_up(self, url: str) -> None:
        """Waits until the address answers.

        Raises:
            Unavailable: it does not.
        """
        for _ in range(int(STARTUP / 0.1)):
            try:
                async with self.http.get(url) as answer:
                    if answer.ok:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.1)
        raise Unavailable(f"{url} does not answer")

    async def get_json(self, url: str) -> dict[str, Any]:
        """A JSON object from an address."""
        async with self.http.get(url) as answer:
            found: dict[str, Any] = await answer.json()
            return found

    async def get(self, path: str, credential: str) -> dict[str, Any]:
        """GET; Unavailable if refused."""
        return await self._ask("GET", path, credential, None)

    async def post(self, path: str, credential: str, body: object | None = None) -> dict[str, Any]:
        """POST; Unavailable if refused."""
        return await self._ask("POST", path, credential, body)

    async def refusal(self, path: str, credential: str, body: object) -> str:
        """The reason the API gives for refusing; Unavailable if it does not refuse."""
        async with self.http.post(self.base + path, json=body, headers=self._headers(credential)) as answer:
            if answer.ok:
                raise Unavailable(f"{path} should have been refused")
            return f"{answer.status} {(await answer.json())['detail']}"

    async def _ask(self, method: str, path: str, credential: str, body: object | None) -> dict[str, Any]:
        async with self.http.request(method, self.base + path, json=body, headers=self._headers(credential)) as answer:
            text = await answer.text()
            if not answer.ok:
                raise Unavailable(f"{method} {path}: {answer.status} {text[:300]}")
            found: dict[str, Any] = await answer.json() if text else {}
            return found

    @staticmethod
    def _headers(credential: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {credential}", "Idempotency-Key": str(uuid.uuid4())}
