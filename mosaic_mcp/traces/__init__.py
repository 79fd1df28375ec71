"""Traces: one per tool call, from the MCP client to every FFmpeg that works for it.

    tools/call run_agent            the MCP server; the SDK makes this span, and takes a client's
    └── POST                        the engine's client, and below it
        POST /agent/{agent_id}/run  the studio, by FastAPI
        └── run                     from its request to its end, however many restarts later
            └── node, render        one span per attempt
                └── ffmpeg          one per process

They are made with OpenTelemetry's interface, which does nothing until `start_traces` finds an
endpoint in the environment and brings the implementation (the extra `otel`). Spans hold ids, names
of ours and numbers: no text of users, no paths.

What outlives a process cannot hold a span open. So a run keeps where it belongs (`carried`) in the
database; its own span gets its id from the run's, is exported by whoever ends the run, and until
then is the parent of what happens below it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
from collections.abc import Generator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

Value = str | int | float | bool
wanted_ids: ContextVar[tuple[int, int] | None] = ContextVar("mosaic_wanted_ids", default=None)
"""Trace and span id of the next span, in place of random ones."""

log = logging.getLogger(__name__)
_propagator = TraceContextTextMapPropagator()  # without baggage: that is none of an engine's matter
_tracer = trace.get_tracer("mosaic_mcp")


def start_traces(service: str) -> None:
    """Export the traces of this process as `service`, if the environment names a collector."""
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return
    if importlib.util.find_spec("opentelemetry.exporter") is None:
        log.error(
            "no traces are sent, although %s is set: they need `pip install 'mosaic-mcp[otel]'`",
            ENDPOINTS[0],
        )
        return
    from mosaic_mcp.traces.exporting import export

    export(service)


@contextmanager
def span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    within: Context | None = None,
    attributes: Mapping[str, Value | None] | None = None,
) -> Generator[Span]:
    """A span around the block; what leaves it as an exception marks it by its type alone.

    `within` is the context of its parent, None: what goes on now. Attributes that are None are left
    out.
    """
    with _tracer.start_as_current_span(
        name,
        context=within,
        kind=kind,
        attributes={key: v for key, v in (attributes or {}).items() if v is not None},
        record_exception=False,
        set_status_on_exception=False,
    ) as made:
        try:
            yield made
        except BaseException as error:
            failed(made, type(error).__name__)
            raise


def failed(made: Span, kind: str) -> None:
    """Mark a span as failed, by the kind of error."""
    made.set_attribute("error.type", kind)
    made.set_status(trace.StatusCode.ERROR)


def inject(headers: MutableMapping[str, str]) -> None:
    """Add `traceparent` to a request's headers, while there is a trace."""
    _propagator.inject(headers)


def carried() -> str | None:
    """The present place in a trace as a `traceparent`, to be kept; None outside of one."""
    headers: dict[str, str] = {}
    inject(headers)
    return headers.get("traceparent")


def run_context(kept: str | None, run_id: str, generation: int) -> Context:
    """The context of what happens in a run: its own span is the parent, exported or not yet."""
    parent = _place(kept)
    trace_id, span_id = _ids(parent, run_id, generation)
    flags = parent.trace_flags if parent else TraceFlags(TraceFlags.SAMPLED)
    own = SpanContext(trace_id, span_id, is_remote=True, trace_flags=flags)
    return trace.set_span_in_context(NonRecordingSpan(own), Context())


def run_ended(kept: str | None, run_id: str, generation: int, began: str, status: str) -> None:
    """Export a run's span, from `began` (ISO 8601) to now. Each resume makes another one."""
    parent = _place(kept)
    within = trace.set_span_in_context(NonRecordingSpan(parent), Context()) if parent else Context()
    token = wanted_ids.set(_ids(parent, run_id, generation))
    try:
        made = _tracer.start_span(
            "run",
            context=within,
            attributes={"run_id": run_id, "status": status, "generation": generation},
            start_time=int(datetime.fromisoformat(began).timestamp() * 1e9),
        )
    finally:
        wanted_ids.reset(token)
    if status == "failed":
        failed(made, status)
    made.end()


def trace_id(kept: str | None, run_id: str) -> str:
    """The id of the trace in which a run is, as collectors show it."""
    return f"{_ids(_place(kept), run_id, 1)[0]:032x}"


def _place(kept: str | None) -> SpanContext | None:
    if kept is None:
        return None
    context = _propagator.extract({"traceparent": kept}, context=Context())
    found = trace.get_current_span(context).get_span_context()
    return found if found.is_valid else None


def _ids(parent: SpanContext | None, run_id: str, generation: int) -> tuple[int, int]:
    digest = hashlib.sha256(f"{run_id}:{generation}".encode()).digest()
    own = hashlib.sha256(run_id.encode()).digest()
    found = parent.trace_id if parent else int.from_bytes(own[:16], "big")
    return found, int.from_bytes(digest[:8], "big")
