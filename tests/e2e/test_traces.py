"""One alert followed from the officer's request to the provider's call, by a collector that speaks OTLP."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from geoalert.sandbox.credentials import write_credentials
from tests.conftest import Providers
from tests.e2e.commands import PERSONAL, environment, running
from tests.e2e.towns import body, credential
from tests.e2e.warm import Shell
from tests.waiting import until


@dataclass
class Collector:
    """What arrived at /v1/traces."""

    url: str = ""
    raw: list[bytes] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        read = await request.read()
        whole = gzip.decompress(read) if read[:2] == b"\x1f\x8b" else read
        self.raw.append(whole)
        for resource in ExportTraceServiceRequest.FromString(whole).resource_spans:
            for scope in resource.scope_spans:
                self.spans += scope.spans
        return web.Response(content_type="application/x-protobuf")

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    collector = Collector()
    app = web.Application(client_max_size=2**24)
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    collector.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield collector
    finally:
        await runner.cleanup()


async def test_one_trace_from_the_request_to_the_providers_call(tmp_path: Path, providers: Providers) -> None:
    write_credentials(tmp_path / "box.json", providers.sandbox.credentials)
    env = environment(GEOALERT_SANDBOX_CREDENTIALS="box.json", GEOALERT_WORKER_SUPERVISE="false")
    plain = Shell(tmp_path, env)
    assert plain("db", "upgrade").code == 0
    header = "phone,email,push_token,places,language,categories,channels,min_severity,quiet_hours,consent\n"
    (tmp_path / "people.csv").write_text(f"{header}+12025550101,,,18.5074 73.8077,mr,,sms,,,form\n", encoding="utf-8")
    assert plain("subscribers", "import", "people.csv").code == 0
    officer = credential(plain, "disaster-management", "--officer", "First", "--role", "disaster")
    async with collecting() as collector:
        watched = {**env, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        async with (
            running("serve", "--port", "0", cwd=tmp_path, env=watched, name="serve") as serving,
            running("worker", cwd=tmp_path, env=watched, name="worker"),
        ):
            await until(lambda: b"/docs" in serving.err.read_bytes(), "the door is open")
            address = serving.err.read_text().partition("serving on ")[2].partition("/docs")[0]
            flood = body(category="flood", severity="Extreme", channels=["sms"]) | {"reason": "the river rises"}
            async with httpx2.AsyncClient(base_url=address, timeout=30) as client:
                await until(lambda: _alive(client), "it answers")
                answer = await client.post("/v1/broadcasts", json=flood, headers={"Authorization": f"Bearer {officer}"})
                await client.get("/v1/locate", params={"lat": "18.5074", "lon": "73.8077"})
            assert answer.is_success, answer.text
            await until(
                lambda: (
                    collector.named("provider call")
                    and collector.named("carry batch")
                    and collector.named("GET /v1/locate")
                ),
                "it was traced",
            )
    (request,) = collector.named("POST /v1/broadcasts")
    (carry,) = collector.named("carry batch")
    (call,) = collector.named("provider call")
    assert {span.trace_id for span in (request, carry, call)} == {request.trace_id}
    assert (carry.parent_span_id, call.parent_span_id) == (request.span_id, carry.span_id)
    said = {each.key: each.value.string_value or each.value.int_value for each in call.attributes}
    assert said == {"provider": "twilio", "recipients": 1, "accepted": 1}
    assert not any(PERSONAL.search(whole) or b"18.5" in whole for whole in collector.raw)


async def _alive(client: httpx2.AsyncClient) -> bool:
    try:
        return (await client.get("/healthz")).is_success
    except httpx2.TransportError:
        return False
