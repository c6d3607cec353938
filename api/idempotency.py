"""The same POST twice is done once.

A key belongs to the credential that sent it. Key, effect and answer are written in one transaction: no crash comes
between them. A second request with the same key waits for the first (on the unique row; on SQLite for the one writer)
and is given the same answer. A refusal leaves no trace, so the request may be put right and sent again.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Final

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.security import ActorDep, HouseDep
from geoalert.departments.tables import RepeatedRequest
from geoalert.errors import Invalid
from geoalert.store import Store, database_now, insert_for

KEPT: Final = timedelta(days=7)
HEADER: Final = "Idempotency-Key"


@dataclass(frozen=True, slots=True)
class Answer:
    body: BaseModel
    location: str | None = None


Effect = Callable[[AsyncSession], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Once:
    """Runs an effect in a writing session and answers with what it returns; with a key, once for all repeats."""

    store: Store
    credential_id: int
    key: str | None
    request_hash: str

    async def __call__(self, effect: Effect, status: int = 200) -> Response:
        """The answer, after the commit.

        Raises:
            Invalid: the key was used for another request.
        """
        async with self.store.writing() as session:
            if self.key is None:
                response = _response(status, _render(await effect(session)))
            else:
                response = await self._first_or_again(session, self.key, effect, status)
        return response

    async def _first_or_again(self, session: AsyncSession, key: str, effect: Effect, status: int) -> Response:
        claimed = await session.execute(
            insert_for(session)(RepeatedRequest)
            .values(
                credential_id=self.credential_id,
                key=key,
                request_hash=self.request_hash,
                status=0,
                answer="",
                at=await database_now(session),
            )
            .on_conflict_do_nothing()
            .returning(RepeatedRequest.id)
        )
        row = claimed.scalar_one_or_none()
        if row is None:
            return await self._again(session, key)
        answer = _render(await effect(session))
        await session.execute(
            update(RepeatedRequest).where(RepeatedRequest.id == row).values(status=status, answer=answer)
        )
        return _response(status, answer)

    async def _again(self, session: AsyncSession, key: str) -> Response:
        held = (
            await session.scalars(
                select(RepeatedRequest).where(
                    RepeatedRequest.credential_id == self.credential_id, RepeatedRequest.key == key
                )
            )
        ).one()
        if held.request_hash != self.request_hash:
            raise Invalid("this key was used for another request; take a fresh one", pointer=f"/{HEADER}")
        response = _response(held.status, held.answer)
        response.headers["Idempotency-Replayed"] = "true"
        return response


def _render(answer: Answer) -> str:
    return json.dumps({"location": answer.location, "body": answer.body.model_dump_json()})


def _response(status: int, kept: str) -> Response:
    answer = json.loads(kept)
    headers = {"Location": answer["location"]} if answer["location"] else {}
    return Response(answer["body"], status, headers, media_type="application/json")


async def once(
    request: Request,
    house: HouseDep,
    actor: ActorDep,
    key: Annotated[
        str | None,
        Header(
            alias=HEADER,
            min_length=1,
            max_length=255,
            pattern=r"^[\x21-\x7e]+$",
            description="Repeats with this key and the same body are answered as the first was, and change nothing.",
        ),
    ] = None,
) -> Once:
    """The runner for this request. Its body enters a keyed hash: a body may hold a phone number."""
    whole = b"\n".join(
        [request.method.encode(), request.url.path.encode(), request.url.query.encode(), await request.body()]
    )
    return Once(house.store, actor.credential_id, key, house.keys.index(sha256(whole).hexdigest(), "request").hex())


OnceDep = Annotated[Once, Depends(once)]


async def forget_old(store: Store) -> None:
    """Drops answers nobody will ask for again."""
    async with store.writing() as session:
        await session.execute(delete(RepeatedRequest).where(RepeatedRequest.at < await database_now(session) - KEPT))
