"""Following one alert from the officer's request to the provider's call, by OpenTelemetry's API.

Spans cost next to nothing until a process collects them (`bootstrap.telemetry`). They name rooms of the product, ids of
rows, providers and counts: never a number, a token, a place or a text.
"""

from __future__ import annotations

from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

TRACER: Final = trace.get_tracer("geoalert")
HEADER: Final = "traceparent"  # W3C Trace Context
_W3C: Final = TraceContextTextMapPropagator()


def present() -> str | None:
    """The span we are in, as it travels; None where nothing is collected."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return carrier.get(HEADER)


def within(traceparent: str | None) -> Context | None:
    """What a span goes on from; None where nothing came."""
    return _W3C.extract({HEADER: traceparent}) if traceparent else None
