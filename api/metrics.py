"""Figures for a scraper. One registry for each application; labels hold route templates, never an address as sent."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from fastapi.routing import APIRoute
from opentelemetry.trace import Span, SpanKind
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from sqlalchemy import func, select
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geoalert.dispatch.alarms import CRITICAL, WARNING
from geoalert.dispatch.channels import Channel
from geoalert.dispatch.overview import ProviderState, halts, open_alarms, providers, queues, staff_messages
from geoalert.dispatch.tables import Batch, ReceiptRow
from geoalert.store import Store, database_now
from geoalert.tracing import HEADER, TRACER, within

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
        self.queued = Gauge("geoalert_due_recipients", "Recipients that are due", ("lane",), registry=self.registry)
        self.lane_age = Gauge(
            "geoalert_lane_age_seconds", "Wait of the oldest due batch", ("lane",), registry=self.registry
        )
        one = ("provider", "channel")
        self.share = Gauge(
            "geoalert_provider_share", "Part of its usual work that a provider is given", one, registry=self.registry
        )
        self.rate = Gauge("geoalert_provider_rate", "Recipients a second it takes", one, registry=self.registry)
        self.used = Gauge("geoalert_provider_used_today", "Recipients handed over today", one, registry=self.registry)
        self.balance = Gauge("geoalert_provider_balance", "Money left, as it says", one, registry=self.registry)
        self.well = Gauge("geoalert_provider_well", "Whether it last answered us well", one, registry=self.registry)
        self.halts = Gauge("geoalert_halts", "What stands still until somebody acts", ("why",), registry=self.registry)
        self.alarms = Gauge("geoalert_alarms", "Open alarms", ("severity",), registry=self.registry)
        self.staff = Gauge(
            "geoalert_staff_message_accepted", "Whether it took the last daily message", one, registry=self.registry
        )
        self.staff_age = Gauge(
            "geoalert_staff_message_age_seconds", "Since the last daily message", one, registry=self.registry
        )

    async def read(self, store: Store, channels: Iterable[Channel]) -> None:
        """Takes the store's figures."""
        async with store.reading() as session:
            now = await database_now(session)
            lanes = await queues(session, now)
            stops = await halts(session)
            configured = await providers(session, channels, stops, now)
            alarms = await open_alarms(session)
            staff = await staff_messages(session, now)
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
        for lane in lanes:
            self.queued.labels(lane.lane).set(lane.recipients)
            self.lane_age.labels(lane.lane).set(lane.oldest_s)
        self.halts.clear()
        for stop in stops:
            self.halts.labels(stop.why).inc()
        for severity in (CRITICAL, WARNING):
            self.alarms.labels(severity).set(sum(alarm.severity == severity for alarm in alarms))
        for said in staff:
            self.staff.labels(said.provider, said.channel).set(said.said == "accepted")
            self.staff_age.labels(said.provider, said.channel).set((now - said.at).total_seconds())
        for provider in configured:
            self._show(provider)

    def _show(self, state: ProviderState) -> None:
        name = (state.provider, state.channel)
        self.share.labels(*name).set(0.0 if state.state == "stands still" else state.share)
        self.rate.labels(*name).set(state.rate)
        self.used.labels(*name).set(state.used_today)
        self.well.labels(*name).set(not state.said)
        if state.balance is not None:
            self.balance.labels(*name).set(state.balance)

    def text(self) -> bytes:
        """In Prometheus's text format."""
        return generate_latest(self.registry)


class Measured:
    """Counts, times and traces every request."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER)
        with TRACER.start_as_current_span("request", within(given), kind=SpanKind.SERVER) as span:
            await self._measured(scope, receive, send, span)

    async def _measured(self, scope: Scope, receive: Receive, send: Send, span: Span) -> None:
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
            span.update_name(f"{method} {route}")
            span.set_attribute("http.response.status_code", status)
            self.metrics.requests.labels(method, route, str(status)).inc()
            self.metrics.seconds.labels(method, route).observe(time.perf_counter() - began)
