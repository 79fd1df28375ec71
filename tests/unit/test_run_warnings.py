"""What a run says that its caller must know, from the log of its attempts."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from mosaic_mcp.studio.store.run_logs import warnings_of
from mosaic_mcp.studio.store.tables import job_logs, metadata, renders, run_nodes


@pytest.fixture
def database() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def put(database: sa.Connection, table: sa.Table, **values: Any) -> None:
    """A row whose other columns say nothing."""
    needed = (c for c in table.c if not (c.nullable or c.default or c.server_default))
    blank = {c.name: 0 if isinstance(c.type, sa.Integer | sa.Boolean) else "" for c in needed}
    del blank["owner"]
    blank.pop("seq", None)
    values = {"owner": "local", "run_id": "run", "generation": 1, "attempt": 1, **values}
    database.execute(table.insert().values({**blank, **values}))


def node(database: sa.Connection, node_id: str = "words", status: str = "completed") -> None:
    put(database, run_nodes, id=node_id, node_id=node_id, status=status)


def render(
    database: sa.Connection, name: str, status: str = "completed", node_id: str = "words"
) -> None:
    put(database, renders, id=name, run_node_id=node_id, name=name, status=status)


def attempt(
    database: sa.Connection,
    *warnings: str,
    render_id: str | None = None,
    outcome: str | None = "done",
    node_id: str = "words",
    **more: Any,
) -> None:
    lines = [{"at": "", "level": "info", "text": "working"}]
    lines += [{"at": "", "level": "warning", "text": text} for text in warnings]
    put(
        database,
        job_logs,
        run_node_id=node_id,
        render_id=render_id,
        outcome=outcome,
        lines=lines,
        **more,
    )


def test_a_nodes_and_its_outputs_warnings_are_told_each_text_once(database):
    node(database)
    render(database, "talk")
    attempt(database, "no emojis", "no emojis", "another font")
    attempt(database, "another font", "too quiet", render_id="talk")
    assert warnings_of(database, "run") == {"words": ["no emojis", "another font", "too quiet"]}


def test_what_holds_for_some_of_several_outputs_is_told_with_their_names(database):
    node(database)
    for name in ("clip 1", "clip 2", "clip 3"):
        render(database, name)
    attempt(database)
    attempt(database, "another font", "-20 LUFS", render_id="clip 1")
    attempt(database, "another font", "-19 LUFS", render_id="clip 2")
    attempt(database, "another font", "-19 LUFS", render_id="clip 3")
    assert warnings_of(database, "run")["words"] == [
        "another font",
        "clip 1: -20 LUFS",
        "clip 2, clip 3: -19 LUFS",
    ]


def test_only_outputs_that_are_done_and_the_last_attempt_at_each_are_heard(database):
    node(database)
    render(database, "talk")
    render(database, "torn", status="failed")
    attempt(database, "the node before", generation=0)
    attempt(database, "the node")
    attempt(database, "trying again", render_id="talk", outcome="retrying", attempt=0)
    attempt(database, "the output", render_id="talk")
    attempt(database, "the output that failed", render_id="torn")
    attempt(database, "an output that is not wanted any more", render_id="gone")
    assert warnings_of(database, "run") == {"words": ["the node", "the output"]}


def test_a_run_that_ended_before_the_log_of_its_last_attempt_did_tells_all(database):
    node(database)
    render(database, "talk")
    attempt(database, "the node", outcome=None)
    attempt(database, "an attempt that was killed", render_id="talk", outcome=None, attempt=0)
    attempt(database, "the output", render_id="talk", outcome=None)
    assert warnings_of(database, "run") == {"words": ["the node", "the output"]}


def test_warnings_of_another_run_are_not_told(database):
    node(database)
    attempt(database, "another run", run_id="other")
    assert warnings_of(database, "run") == {}
