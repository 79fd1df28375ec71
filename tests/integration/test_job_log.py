"""What the log of an attempt keeps when much is said."""

import sqlalchemy as sa

from mosaic_mcp.studio.runs.run_log import MOST_LINES, JobLog
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import job_logs


async def test_after_very_many_steps_warnings_and_the_reason_of_a_failure_find_room(store: Store):
    log = JobLog(store, "anna", "run")
    await log.begin(run_node_id="node", render_id=None, generation=1, attempt=1)
    for step in range(MOST_LINES + 5):
        await log.note(f"step {step}")
    await log.note("one video was left out", "warning")
    await log.fail("the disk is full")
    with store.engine.connect() as c:
        lines = c.execute(sa.select(job_logs.c.lines)).scalar_one()
    assert len(lines) == MOST_LINES + 2
    assert [line["text"] for line in lines[-2:]] == ["one video was left out", "the disk is full"]
