"""Figures for a scraper. One registry for each application; labels hold route templates, never an address as sent."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from sqlalchemy import func, select
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geoalert.dispatch.tables import Batch, ReceiptRow
from geoalert.store import Store, database_now

STATES = ("queued", "leased", "parked", "done")


@dataclass
class Metrics:
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        labels = ("method", "route")
        self.requests = Counter(
            "geoalert_requests_total", "Requests answered", (*labels, "status"), registry=self.registry
        )
        self.seconds = Histogram("geoalert_request_seconds", "Time to answer a request", labels, registry=self.registry)
        self.store_up = Gauge("geoalert_store_up", "Whether the store answered", registry=self.registry)
        self.batches = Gauge("geoalert_batches", "Batches by state", ("state",), registry=self.registry)
        self.queue_age = Gauge(
            "geoalert_queue_age_seconds", "How long the oldest due batch has waited", registry=self.registry
        )
        self.receipts = Gauge("geoalert_receipts_waiting", "Receipts not yet folded", registry=self.registry)

    async def read(self, store: Store) -> None:
        """Takes the store's figures."""
        async with store.reading() as session:
            now = await database_now(session)
            rows = await session.execute(select(Batch.state, func.count()).group_by(Batch.state))
            counts = dict(rows.all())
            oldest = (
                await session.execute(
                    select(func.min(Batch.not_before)).where(Batch.state == "queued", Batch.not_before <= now)
                )
            ).scalar_one()
            waiting = (
                await session.execute(select(func.count()).select_from(ReceiptRow).where(ReceiptRow.folded == 0))
            ).scalar_one()
        for state in STATES:
            self.batches.labels(state).set(counts.get(state, 0))
        self.queue_age.set((now - oldest).total_seconds() if oldest else 0)
        self.receipts.set(waiting)

    def text(self) -> bytes:
        """In Prometheus's text format."""
        return generate_latest(self.registry)


class Measured:
    """Counts and times every request."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500
        began = time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            found = scope.get("route")
            route = found.path if isinstance(found, APIRoute) else "other"
            method = scope["method"] if isinstance(found, APIRoute) else "other"
            self.metrics.requests.labels(method, route, str(status)).inc()
            self.metrics.seconds.labels(method, route).observe(time.perf_counter() - began)
