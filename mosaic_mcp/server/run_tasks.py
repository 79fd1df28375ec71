"""The engine's runs as tasks: `taskId` is the run id, so a task outlives server and studio.

Nothing is kept here. `tasks/get` reads the run from the engine; of the call that made the task only
what its result needs and the engine does not know (warnings of the plan, the asked detail) is in
the ledger.

A run that is resumed is the same task again, working: its id is the run's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from mcp.server.context import HandlerResult
from mcp_types import CallToolRequestParams, CallToolResult

from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.outputs import answer_with_outputs
from mosaic_mcp.server.tasks import Make, Task
from mosaic_mcp.server.views import RunState, next_call, summary

if TYPE_CHECKING:
    from mosaic_mcp.client import MosaicClient
    from mosaic_mcp.contract.extensions import NodeProgress
    from mosaic_mcp.contract.runs import AgentRun, RunNode

LONG = frozenset({"run_agent", "chain_run", "resume_run", "get_run"})
"""Tools that wait for a run."""
POLL_MS = (2_000, 10_000)
"""Between two looks: while the run is young, and at most."""
AGE_PER_POLL = 15
"""A run is looked at again after about a fifteenth of its age."""


class RunTasks:
    """A task store over the engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def call(self, params: CallToolRequestParams, make: Make) -> HandlerResult | Task:
        """Make the call without its wait: the task replaces it. Answers what ended at once."""
        asked = dict(params.arguments or {})
        wait_s = asked.get("wait_s")
        if params.name not in LONG or (params.name == "get_run" and wait_s == 0):
            return await make()
        if wait_s is None or isinstance(wait_s, int | float):
            params.arguments = asked | {"wait_s": min(wait_s or 0, 0)}  # below 0 is refused
        outcome = await make()
        facts = _facts(outcome)
        if not _goes_on(facts, since=asked.get("since")):
            return outcome
        run_id: str = facts["run_id"]
        kept = {
            "warnings": facts.get("warnings", []),
            "replayed": facts.get("replayed", False),
            "detailed": asked.get("response_format") == "detailed",
        }
        self._engine.ledger().keep_task(run_id, kept)
        return await self.get(run_id)

    async def get(self, task_id: str) -> Task:
        """The run, and at its end the result that the tool would have given."""
        client = await self._engine.client()
        seen = await _look(client, task_id)
        ledger = self._engine.ledger()
        state = RunState(task_id, seen.run, seen.nodes, ledger.labels(seen.run.agent_id))
        task = Task(
            task_id=task_id,
            status="working",
            created_at=state.run.started_at,
            updated_at=seen.updated_at,
            message=summary(state),
            poll_ms=poll_ms(datetime.now(UTC) - state.run.started_at.astimezone(UTC)),
        )
        if not state.terminal:
            return task
        if state.run.status == "cancelled":  # no result: what to do is in the message
            return replace(task, status="cancelled", message=f"{task.message} {next_call(state)}")
        kept = ledger.task(task_id)
        result = await answer_with_outputs(self._engine, client, state, **kept)
        return replace(task, status="completed", result=result)

    async def answer(self, task_id: str, _answers: Mapping[str, Any], /) -> None:
        """Runs ask nothing once they have started: an answer has nowhere to go, and no effect."""
        await (await self._engine.client()).get_run(task_id)

    async def cancel(self, task_id: str) -> None:
        """Cancel the run, as cancel_run does: what is finished stays, resume_run goes on."""
        await (await self._engine.client()).cancel_run(task_id)


def _facts(outcome: HandlerResult) -> dict[str, Any]:
    """What a tool answered; empty for a failure and for a question."""
    if isinstance(outcome, CallToolResult) and not outcome.is_error:
        return cast(dict[str, Any], outcome.structured_content or {})
    return {}


def _goes_on(facts: Mapping[str, Any], *, since: Any) -> bool:
    """True when the tool would have waited: its run is at work, and there is no news to tell."""
    at_work = facts.get("status") == "running" and "run_id" in facts
    return at_work and since in (None, facts.get("since"))


class _Seen(NamedTuple):
    """A run at a moment, and when it last changed."""

    run: AgentRun
    nodes: Sequence[RunNode | NodeProgress]
    updated_at: datetime


async def _look(client: MosaicClient, run_id: str) -> _Seen:
    """The run now. The contract dates only a run's outputs; the studio every change."""
    studio = await client.studio()
    if studio is None:
        run, nodes = await client.get_run(run_id), (await client.get_run_nodes(run_id)).nodes
        updated_at = None
    else:
        seen = await studio.watch(run_id, since=0, wait_s=0)
        run, nodes, updated_at = seen.run, seen.nodes, seen.updated_at
    finished = [o.completed_at for o in run.outputs if o.completed_at]
    return _Seen(run, nodes, updated_at or max([run.started_at, *finished]))


def poll_ms(age: timedelta) -> int:
    """When to look again at a run of this age, milliseconds."""
    first, most = POLL_MS
    return round(min(most, max(first, age.total_seconds() * 1000 / AGE_PER_POLL)))
