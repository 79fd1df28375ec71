"""Our tables: the only truth about agents, assets and runs. DBOS keeps its own file.

Every table has `owner`: a row of another owner does not exist for a caller (404). Times are ISO
8601 texts in UTC; JSON columns hold pydantic models as they dump themselves.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData()


def _id() -> sa.Column[str]:
    return sa.Column("id", sa.Text, primary_key=True)


def _owner() -> sa.Column[str]:
    return sa.Column("owner", sa.Text, nullable=False, index=True)


def _waiting() -> tuple[sa.Column[Any], ...]:
    """How a job waits for disk space."""
    return (
        sa.Column("need_disk", sa.BigInteger, nullable=False, server_default="0"),  # bytes
        sa.Column("turn", sa.Integer, nullable=False, server_default="0"),
        # +1 each time that the job is put back, so that DBOS takes it for new work
        sa.Column("not_before", sa.Float),  # seconds since the epoch
        sa.Column("waits_for", sa.Text),  # "disk space: 1.2 GB free, 2 GB needed"
    )


def _at_work(table: str) -> sa.Index:
    """Finds the few rows that are queued or running among all that ever were."""
    at_work = sa.text("status IN ('queued', 'running')")
    return sa.Index(
        f"ix_{table}_at_work",
        "status",
        "owner",
        "run_id",
        sqlite_where=at_work,
        postgresql_where=at_work,
    )


agents = sa.Table(
    "agents",
    metadata,
    _id(),
    _owner(),
    sa.Column("name", sa.Text),
    sa.Column("description", sa.Text),
    sa.Column("visibility", sa.Text),
    sa.Column("graph", sa.JSON, nullable=False),
    # {"nodes": [AgentNode…], "connections": [Connection…]}
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("updated_at", sa.Text, nullable=False),
    sa.Column("deleted_at", sa.Text),
)

assets = sa.Table(
    "assets",
    metadata,
    _id(),
    _owner(),
    sa.Column("asset_type", sa.Text, nullable=False),  # video | audio | image
    sa.Column("status", sa.Text, nullable=False),  # awaiting_upload | ready
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, index=True),
    sa.Column("source", sa.JSON),  # timeline.model.Source of a ready asset
    sa.Column("file", sa.Text),  # key in the library
    sa.Column("seal", sa.Text),  # size and time of the file when its bytes were hashed
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("expires_at", sa.Text),
)

transcripts = sa.Table(
    "transcripts",
    metadata,
    _id(),
    _owner(),
    sa.Column("asset_id", sa.Text, nullable=False, index=True),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("format", sa.Text, nullable=False),  # srt | vtt
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
)

runs = sa.Table(
    "runs",
    metadata,
    _id(),
    _owner(),
    sa.Column("agent_id", sa.Text, nullable=False, index=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("status_message", sa.Text),
    sa.Column("generation", sa.Integer, nullable=False, default=1),  # +1 at each resume
    sa.Column("request", sa.JSON, nullable=False),  # RunRequest as posted
    sa.Column("quality", sa.Text, nullable=False, default="standard"),
    sa.Column("idempotency_key", sa.Text),
    sa.Column("request_hash", sa.Text),
    sa.Column("callback_url", sa.Text),
    sa.Column("links_at", sa.Text),  # where its links begin, when somebody passes them on
    sa.Column("started_at", sa.Text, nullable=False),
    sa.Column("updated_at", sa.Text, nullable=False),
    sa.Column("finished_at", sa.Text),
    sa.Column("trace", sa.Text),  # the traceparent of the request that began it
    sa.UniqueConstraint("owner", "idempotency_key"),
    sa.Index("ix_runs_status", "status"),
)

run_inputs = sa.Table(
    "run_inputs",
    metadata,
    _id(),
    _owner(),
    sa.Column("run_id", sa.Text, nullable=False, index=True),
    sa.Column("node_id", sa.Text, nullable=False),  # template id of its Video Input
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("spec", sa.JSON, nullable=False),
    # {"kind": "video"|"render"|"url"|"youtube", "ref": …, "start_ms"?: …, "end_ms"?: …}
    sa.Column("asset_id", sa.Text),  # once ingested
)

run_nodes = sa.Table(
    "run_nodes",
    metadata,
    _id(),  # the runtime id that the API shows as agent_node_id
    _owner(),
    sa.Column("run_id", sa.Text, nullable=False, index=True),
    sa.Column("node_id", sa.Text, nullable=False),  # template id: original_node_id
    sa.Column("node_type_id", sa.Text, nullable=False),
    sa.Column("params", sa.JSON, nullable=False),  # merged with update_params
    sa.Column("needs", sa.JSON, nullable=False),  # template ids upstream, after ignore_nodes
    sa.Column("position", sa.Integer, nullable=False),  # topological
    sa.Column("renders_outputs", sa.Boolean, nullable=False),  # the last node before Destination
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("status_message", sa.Text),
    sa.Column("errors", sa.JSON, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False, default=0),
    sa.Column("needs_credits", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("worker", sa.Text),
    sa.Column("progress", sa.Float, nullable=False, default=0.0),
    sa.Column("step", sa.Text, nullable=False, default=""),
    sa.Column("rate", sa.Float),
    sa.Column("timelines", sa.JSON),  # list of Timeline once applied
    sa.Column("started_at", sa.Text),
    sa.Column("finished_at", sa.Text),
    *_waiting(),
    sa.UniqueConstraint("run_id", "node_id"),
    _at_work("run_nodes"),
)

renders = sa.Table(
    "renders",
    metadata,
    _id(),  # outputs[].id, usable as a node_render_id
    _owner(),
    sa.Column("run_id", sa.Text, nullable=False, index=True),
    sa.Column("run_node_id", sa.Text, nullable=False, index=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("timeline", sa.JSON, nullable=False),
    sa.Column("recipe_hash", sa.Text, nullable=False, index=True),
    sa.Column("status", sa.Text, nullable=False),  # NodeStatus values
    sa.Column("error", sa.Text),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False, default=0),
    sa.Column("worker", sa.Text),
    sa.Column("progress", sa.Float, nullable=False, default=0.0),
    sa.Column("facts", sa.JSON),  # MediaFacts of the finished file
    sa.Column("completed_at", sa.Text),
    sa.Column("need_memory", sa.BigInteger, nullable=False, server_default="0"),  # bytes
    sa.Column("deleted_at", sa.Text),  # when its files were deleted to free space
    *_waiting(),
    _at_work("renders"),
)

events = sa.Table(
    "events",
    metadata,
    # A few numbers a second for each render: a cluster uses up 32 bits in a month or two.
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    _owner(),
    sa.Column("run_id", sa.Text, nullable=False, index=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)

webhooks = sa.Table(
    "webhooks",  # the outbox: what is posted to callback_url; times to compare are Unix seconds
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),  # order within a run
    sa.Column("id", sa.Text, nullable=False, unique=True),  # the header webhook-id
    _owner(),
    sa.Column("run_id", sa.Text, nullable=False, index=True),
    sa.Column("event", sa.Text, nullable=False),  # contract.webhooks.Flag
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("payload", sa.JSON, nullable=False),  # contract.webhooks.Event, its links not signed
    sa.Column("state", sa.Text, nullable=False, index=True),  # WebhookDelivery.state
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("next_at", sa.Float, nullable=False),
    sa.Column("ends_at", sa.Float, nullable=False),  # given up when an attempt fails after it
    sa.Column("claimed_until", sa.Float, nullable=False, default=0.0),  # > now: it is being sent
    sa.Column("last_status", sa.Integer),
    sa.Column("last_error", sa.Text),
    sa.Column("recorded_at", sa.Text, nullable=False),
    sa.Column("delivered_at", sa.Text),
)

credit_accounts = sa.Table(
    "credit_accounts",
    metadata,
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("plan_id", sa.Text),
    sa.Column("plan_since", sa.Text),  # its months are counted from here
    sa.Column("topup_enabled", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("topup_threshold", sa.Integer, nullable=False, server_default="0"),  # credits
    sa.Column("topup_quantity", sa.Integer, nullable=False, server_default="0"),  # credits
)

credit_entries = sa.Table(
    "credit_entries",
    metadata,
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),  # node:… | render:… | plan:… | topup:…
    sa.Column("run_id", sa.Text, index=True),
    sa.Column("units", sa.BigInteger, nullable=False),  # thousandths; below 0: used
    sa.Column("reserved", sa.Boolean, nullable=False),  # until the work is done
    sa.Column("at", sa.Text, nullable=False),
)

workers = sa.Table(
    "workers",
    metadata,
    _id(),  # a process that works
    _owner(),
    sa.Column("beat", sa.Float, nullable=False),  # when it last said so: seconds, database's clock
    sa.Column("since", sa.Float, nullable=False, server_default="0"),  # when it first did
)

secrets = sa.Table(
    "secrets",
    metadata,
    _id(),  # what it is for
    _owner(),
    sa.Column("value", sa.Text, nullable=False),
)

job_logs = sa.Table(
    "job_logs",  # one row for each attempt at a node or a render
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
    _owner(),
    sa.Column("run_id", sa.Text, nullable=False, index=True),
    sa.Column("run_node_id", sa.Text, nullable=False),
    sa.Column("render_id", sa.Text),  # none: the node itself
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("began_at", sa.Text, nullable=False),
    sa.Column("ended_at", sa.Text),
    sa.Column("outcome", sa.Text),  # done | failed | retrying | stopped
    sa.Column("lines", sa.JSON, nullable=False),  # [{"at": …, "level": …, "text": …}…]
    sa.Column("files", sa.LargeBinary),  # zlib of JSON: {name: render.commands.SideFile}
)

ffmpeg_logs = sa.Table(
    "ffmpeg_logs",  # one row for each FFmpeg process
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
    _owner(),
    sa.Column("run_id", sa.Text, nullable=False, index=True),
    sa.Column("job_seq", sa.Integer, nullable=False, index=True),
    sa.Column("folder", sa.Text, nullable=False),
    sa.Column("arguments", sa.JSON, nullable=False),
    sa.Column("began_at", sa.Text, nullable=False),
    sa.Column("seconds", sa.Float),  # none: it runs, or its studio was killed
    sa.Column("exit_code", sa.Integer),  # none: it was stopped
    sa.Column("frames", sa.Integer, nullable=False),
    sa.Column("media_s", sa.Float, nullable=False),
    sa.Column("log", sa.Text, nullable=False),  # the end of its messages
)

triggers = sa.Table(
    "triggers",
    metadata,
    _id(),
    _owner(),
    sa.Column("agent_id", sa.Text, nullable=False, index=True),
    sa.Column("channels", sa.JSON, nullable=False),  # ids (UC…) and handles (@name)
    sa.Column("filter_options", sa.JSON(none_as_null=True)),  # FilterOptions, what is said of it
    sa.Column("callback_url", sa.Text),
    sa.Column("created_at", sa.Text, nullable=False),
)
