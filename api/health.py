"""Alive, ready, and the figures."""

from __future__ import annotations

import asyncio
from typing import Final, Literal

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from api.metrics import Metrics
from api.problem import problems
from api.security import HouseDep
from geoalert.errors import Unavailable

router = APIRouter(tags=["health"])
PATIENCE: Final = 5.0  # seconds, as long as who asks how we are waits
FIGURES: Final = 10.0  # as long as Prometheus waits


class Alive(BaseModel):
    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    status: Literal["ready"] = "ready"
    channels: list[str]
    audience: Literal["store", "grid", "compiled grid"]  # what finds the people of an area now


@router.get("/healthz", summary="Alive")
async def alive() -> Alive:
    """The process answers; says nothing of the store."""
    return Alive()


@router.get("/readyz", summary="Ready to be asked", responses=problems(503))
async def ready(house: HouseDep) -> Ready:
    """The store answers and has this program's schema, and there is a channel to send by."""
    async with asyncio.timeout(PATIENCE):
        await house.answers()
        await house.require_current()
    if not house.channels:
        raise Unavailable("no channel is configured")
    return Ready(channels=sorted({channel.name for channel in house.channels.values()}), audience=house.finds_by)


@router.get("/metrics", summary="Figures for Prometheus", response_class=Response)
async def figures(request: Request, house: HouseDep) -> Response:
    """Still answers when the store does not; `geoalert_store_up` is 0 then."""
    metrics: Metrics = request.app.state.metrics
    try:
        async with asyncio.timeout(FIGURES):
            await metrics.read(house.store, house.channels.values())
    except (SQLAlchemyError, OSError):
        metrics.store_up.set(0)
    else:
        metrics.store_up.set(1)
    return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)
