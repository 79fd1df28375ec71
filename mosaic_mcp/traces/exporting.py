"""Sending spans to a collector over OTLP/HTTP. Imported only where an endpoint is set."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Status

import mosaic_mcp
from mosaic_mcp.traces import wanted_ids

OUR_NAME = re.compile(r"[A-Z]{3,7} /[\w/{}.-]*|[a-z][\w/]*( [a-z_]{1,40})?")
"""Names of spans that we and the MCP SDK make: "POST /agent/{agent_id}/run", "tools/call get_run".
"""
THEIR_NAMES = ("gen_ai.tool.name", "gen_ai.prompt.name")
"""What a caller called for; it may be any text, and then there is no such tool."""
THEIR_WORDS = ("url.", "client.", "user_agent.", "network.", "mcp.resource.")
"""Attributes that quote what a caller sent, beyond the route that it met."""


def export(service: str) -> None:
    """Send what this process traces; what is left at its end is sent then."""
    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {SERVICE_NAME: service}
    resource = Resource.create({**named, "service.version": mosaic_mcp.__version__})
    provider = TracerProvider(resource=resource, id_generator=_Ids())
    provider.add_span_processor(BatchSpanProcessor(_WithoutWords(OTLPSpanExporter())))
    trace.set_tracer_provider(provider)


class _Ids(RandomIdGenerator):
    """Random ids, but for a run's span: its children have been told its id."""

    def generate_trace_id(self) -> int:
        wanted = wanted_ids.get()
        return wanted[0] if wanted else super().generate_trace_id()

    def generate_span_id(self) -> int:
        wanted = wanted_ids.get()
        return wanted[1] if wanted else super().generate_span_id()


class _WithoutWords(SpanExporter):
    """Leaves out what libraries add in words: messages of exceptions, and names that callers chose.

    Those may quote a user's text or a path.
    """

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.export([_without_words(span) for span in spans])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def _without_words(span: ReadableSpan) -> ReadableSpan:
    ours = OUR_NAME.fullmatch(span.name) is not None
    attributes = {
        key: value
        for key, value in (span.attributes or {}).items()
        if (ours or key not in THEIR_NAMES) and not key.startswith(THEIR_WORDS)
    }
    return ReadableSpan(
        name=span.name if ours else span.name.partition(" ")[0],
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=attributes,
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
