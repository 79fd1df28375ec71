"""What the studio counts, for Prometheus (GET /metrics).

Counters and histograms are of this process, from its start. Everything else is asked of the
database and the disk when somebody looks, and is the same whichever process answers.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import sqlalchemy as sa
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from mosaic_mcp.contract.runs import NodeStatus, RunStatus
from mosaic_mcp.studio.liveness import alive
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import renders, run_nodes, runs, webhooks

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

_SECONDS = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200)

REQUESTS = Counter(
    "mosaic_http_requests", "Requests by route.", ["method", "route", "status"], registry=REGISTRY
)
REQUEST_SECONDS = Histogram(
    "mosaic_http_request_seconds",
    "Time to answer; a watch waits for news.",
    ["route"],
    registry=REGISTRY,
)
RENDER_SECONDS = Histogram(
    "mosaic_render_seconds", "Time that a render took.", buckets=_SECONDS, registry=REGISTRY
)
RENDERED_MEDIA_SECONDS = Histogram(
    "mosaic_rendered_media_seconds", "Length of a render.", buckets=_SECONDS, registry=REGISTRY
)
JOBS = Counter(
    "mosaic_jobs", "Attempts at nodes and renders.", ["kind", "outcome"], registry=REGISTRY
)
FFMPEG_FAILURES = Counter(
    "mosaic_ffmpeg_failures", "FFmpeg processes that ended with an error.", registry=REGISTRY
)

_RUNS = Gauge("mosaic_runs", "Runs by status.", ["status"], registry=REGISTRY)
_QUEUED = Gauge(
    "mosaic_queue_length", "Nodes and renders that wait for a worker.", ["kind"], registry=REGISTRY
)
_RUNNING = Gauge("mosaic_running", "Nodes and renders at work.", ["kind"], registry=REGISTRY)
_DISK_FREE = Gauge("mosaic_disk_free_bytes", "Free on the data folder's disk.", registry=REGISTRY)
_DATABASE = Gauge("mosaic_database_bytes", "Size of the studio's database.", registry=REGISTRY)
_WORKERS = Gauge("mosaic_workers", "Processes that work and are alive.", registry=REGISTRY)
_WEBHOOKS = Gauge(
    "mosaic_webhooks_pending", "Webhooks that are still to be delivered.", registry=REGISTRY
)


async def exposition(store: Store, home: Path, dead_s: float) -> bytes:
    """The numbers in Prometheus' text format; a worker is dead after `dead_s` of silence."""
    await store.read(lambda c: _look(c, dead_s))
    _DISK_FREE.set(shutil.disk_usage(home).free)
    return generate_latest(REGISTRY)


def _look(connection: sa.Connection, dead_s: float) -> None:
    counted = dict(_counts(connection, runs, runs.c.status))
    for status in RunStatus:
        _RUNS.labels(status).set(counted.get(status, 0))
    for kind, table in (("node", run_nodes), ("render", renders)):
        counted = dict(_counts(connection, table, table.c.status))
        _QUEUED.labels(kind).set(counted.get(NodeStatus.queued, 0))
        _RUNNING.labels(kind).set(counted.get(NodeStatus.running, 0))
    _DATABASE.set(_database_bytes(connection))
    _WORKERS.set(alive(connection, dead_s))
    _WEBHOOKS.set(dict(_counts(connection, webhooks, webhooks.c.state)).get("pending", 0))


def _counts(
    connection: sa.Connection, table: sa.Table, status: sa.ColumnElement[str]
) -> list[tuple[str, int]]:
    query = sa.select(status, sa.func.count()).select_from(table).group_by(status)
    return [(known, number) for known, number in connection.execute(query)]


def _database_bytes(connection: sa.Connection) -> int:
    if connection.dialect.name == "postgresql":
        query = sa.select(sa.func.pg_database_size(sa.func.current_database()))
        return int(connection.execute(query).scalar_one())
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    return int(pages) * int(connection.exec_driver_sql("PRAGMA page_size").scalar_one())
