"""Following a run: at once on news, rising progress, bounded, and the same on both engines."""

from collections.abc import Iterator
from datetime import UTC, datetime

from mosaic_mcp.contract.extensions import NodeProgress, RunWatch
from mosaic_mcp.contract.node_types import NodeType
from mosaic_mcp.contract.runs import AgentRun, NodeErrors, RunNode, RunNodes, RunOutput
from mosaic_mcp.server.views import RunState, next_call, run_answer, summary
from mosaic_mcp.server.waiting import Progress, follow

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def a_run(status: str = "running", **more) -> AgentRun:
    return AgentRun(agent_id="a", started_at=NOW, status=status, **more)


def node(name: str, status: str, progress: float = 0.0, **more) -> NodeProgress:
    return NodeProgress(
        agent_node_id=f"r-{name}",
        original_node_id=name,
        tile=name.split("-", maxsplit=1)[0],
        status=status,
        progress=progress,
        **more,
    )


OUTPUT = RunOutput(id="o1", video_url="https://x/o1.mp4")


class Studio:
    """Answers `watch` from a script; the last entry stays."""

    def __init__(self, script: list[RunWatch]) -> None:
        self.script: Iterator[RunWatch] = iter(script)
        self.asked: list[tuple[int, float]] = []
        self.now = script[-1]

    async def watch(self, run_id: str, *, since: int, wait_s: float) -> RunWatch:
        self.asked.append((since, wait_s))
        self.now = next(self.script, self.now)
        return self.now


class Client:
    def __init__(self, studio: Studio | None = None, runs: list[AgentRun] | None = None) -> None:
        self._studio = studio
        self.runs = iter(runs or [])

    async def studio(self) -> Studio | None:
        return self._studio

    async def get_run(self, run_id: str) -> AgentRun:
        return next(self.runs)

    async def get_run_nodes(self, run_id: str) -> RunNodes:
        kind = NodeType(node_type_id="t", node_type_name="Captions")
        return RunNodes(
            run_id=run_id,
            nodes=(
                RunNode(agent_node_id="r", original_node_id="n", status="running", node_type=kind),
            ),
        )


class Told:
    def __init__(self) -> None:
        self.values: list[tuple[float, float | None, str | None]] = []

    async def __call__(self, progress, total=None, message=None) -> None:
        self.values.append((progress, total, message))


def watched(seq: int, run: AgentRun, *nodes: NodeProgress) -> RunWatch:
    return RunWatch(seq=seq, run=run, nodes=nodes)


async def test_a_run_that_has_ended_is_answered_at_once():
    studio = Studio([watched(1, a_run("completed", outputs=(OUTPUT,)))])
    state = await follow(Client(studio), "r", wait_s=50, progress=Progress(Told()))
    assert state.terminal
    assert len(studio.asked) == 1


async def test_a_change_ends_the_wait_and_a_mere_percentage_does_not():
    studio = Studio(
        [
            watched(1, a_run(), node("Clips", "running", 0.1)),
            watched(2, a_run(), node("Clips", "running", 0.6)),
            watched(3, a_run(), node("Clips", "completed", 1.0)),
            watched(4, a_run("completed")),
        ]
    )
    told = Told()
    state = await follow(Client(studio), "r", wait_s=50, progress=Progress(told))
    assert state.nodes[0].status == "completed"
    assert [asked[0] for asked in studio.asked] == [0, 1, 2]


async def test_news_that_the_caller_has_not_seen_is_answered_at_once():
    studio = Studio([watched(5, a_run(), node("Clips", "completed", 1.0))])
    state = await follow(Client(studio), "r", wait_s=50, since="older", progress=Progress(Told()))
    assert len(studio.asked) == 1
    assert state.since != "older"


async def test_waiting_to_the_end_passes_over_changes():
    studio = Studio(
        [
            watched(1, a_run(), node("Clips", "running")),
            watched(2, a_run(), node("Clips", "completed")),
            watched(3, a_run("completed")),
        ]
    )
    state = await follow(Client(studio), "r", wait_s=50, until_done=True, progress=Progress(Told()))
    assert state.terminal


async def test_progress_is_told_at_once_rises_strictly_and_stays_short():
    step = "transcribing a very long name " * 10
    studio = Studio(
        [
            watched(1, a_run(), node("Clips", "running", 0.5, step=step)),
            watched(2, a_run(), node("Clips", "running", 0.4, step=step)),
            watched(3, a_run("completed")),
        ]
    )
    told = Told()
    await follow(Client(studio), "r", wait_s=50, until_done=True, progress=Progress(told))
    values = [value for value, _, _ in told.values]
    assert values == sorted(set(values))
    assert all(total == 100 for _, total, _ in told.values)
    assert all(len(message or "") <= 120 for *_, message in told.values)
    assert values[-1] == 100


async def test_no_single_look_is_longer_than_the_heartbeat():
    studio = Studio([watched(1, a_run(), node("Clips", "running")), watched(2, a_run("failed"))])
    await follow(Client(studio), "r", wait_s=50, until_done=True, progress=Progress(Told()))
    assert all(wait <= 5 for _, wait in studio.asked)


async def test_an_engine_that_cannot_push_is_polled():
    client = Client(None, [a_run(), a_run("completed")])
    state = await follow(client, "r", wait_s=50, until_done=True, progress=Progress(Told()))
    assert state.terminal
    assert state.names() == {"n": "Captions"}


async def test_without_a_wait_the_present_state_is_the_answer():
    studio = Studio([watched(1, a_run(), node("Clips", "running"))])
    state = await follow(Client(studio), "r", wait_s=0, progress=Progress(Told()))
    assert not state.terminal
    assert len(studio.asked) == 1


def test_repeated_tiles_are_numbered_and_the_users_labels_win():
    nodes = (
        node("Captions-1", "completed"),
        node("Captions-2", "running"),
        node("Clips", "queued"),
    )
    state = RunState("r", a_run(), nodes, {"Clips": "Best moments"})
    assert state.names() == {
        "Captions-1": "Captions",
        "Captions-2": "Captions 2",
        "Clips": "Best moments",
    }


def test_every_state_that_is_not_the_end_names_the_exact_next_call():
    running = RunState("r1", a_run(), (node("Clips", "running"),))
    assert next_call(running) == f"get_run(run_id='r1', since='{running.since}', wait_s=30)"
    assert next_call(RunState("r1", a_run("completed"))) == "list_outputs(run_id='r1')"
    assert "resume_run(run_id='r1')" in next_call(RunState("r1", a_run("cancelled")))
    assert "top up credits" in next_call(RunState("r1", a_run("failed", needs_credits=True)))


def test_errors_are_told_by_the_name_of_the_node():
    run = a_run("failed", errors=(NodeErrors(original_node_id="Captions", messages=("No font.",)),))
    answer = run_answer(RunState("r", run, (node("Captions", "failed"),)))
    assert [(e.node, e.messages) for e in answer.errors] == [("Captions", ("No font.",))]
    assert answer.summary == "The run failed; no video was made."


def test_a_partly_finished_run_says_so():
    run = a_run("partial_complete", outputs=(OUTPUT,))
    assert summary(RunState("r", run)) == "Finished in part: 1 video ready, and some steps failed."
