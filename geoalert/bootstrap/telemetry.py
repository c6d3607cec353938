"""Sending spans to a collector, for processes that stay; only where one is named and `geoalert[otel]` is installed."""

from __future__ import annotations

import importlib
import logging
import os
from typing import Final

from opentelemetry import trace

from geoalert import __version__

log = logging.getLogger(__name__)

# OpenTelemetry's own names; everything else of its environment counts, too.
COLLECTOR: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def collect_traces(process: str) -> bool:
    """Begins to send this process's spans; False where no collector is named, or the extra is missing."""
    if not any(os.environ.get(name) for name in COLLECTOR):
        return False
    try:
        sdk = importlib.import_module("opentelemetry.sdk.trace")
        sending = importlib.import_module("opentelemetry.sdk.trace.export")
        resources = importlib.import_module("opentelemetry.sdk.resources")
        otlp = importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    except ImportError:
        log.warning("a collector is named, but geoalert[otel] is not installed: no traces are sent")
        return False
    about = resources.Resource.create({"service.name": f"geoalert {process}", "service.version": __version__})
    provider = sdk.TracerProvider(resource=about)
    provider.add_span_processor(sending.BatchSpanProcessor(otlp.OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return True
