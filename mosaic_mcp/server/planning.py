"""From a tool's arguments to a checked plan: the resolvers of run_agent and chain_run.

The SDK runs them before the tool's body and carries their questions to the user. They only read:
a plan is made anew in each round of questions. Their annotations are evaluated by the SDK, so
what must not be imported before the first call is `Any` here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any

from mcp.server.elicitation import ElicitationResult
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Elicit, Resolve

from mosaic_mcp.server import questions
from mosaic_mcp.server.engine import engine_of
from mosaic_mcp.server.questions import AgentChoice, Go, Places


@dataclass(frozen=True, slots=True)
class Planned:
    """A checked run, and the outputs that it goes on from."""

    plan: Any
    """An `intent.Plan`."""
    from_outputs: tuple[str, ...] = ()


async def choose_agent(ctx: Context[Any, Any], agent: str) -> AgentChoice | Elicit[AgentChoice]:
    """The agent as said, or the question which of several is meant."""
    from mosaic_mcp.intent import could_mean

    if not questions.can_ask(ctx):
        return AgentChoice(agent=agent)
    agents = await could_mean(await engine_of(ctx).client(), agent)
    return questions.ask_agent(agent, agents) if agents else AgentChoice(agent=agent)


async def place_videos(
    ctx: Context[Any, Any],
    agent: str,
    videos: list[Any],
    skip: list[str] | None,
    choice: Annotated[ElicitationResult[AgentChoice], Resolve(choose_agent)],
) -> Places | Elicit[Places]:
    """Nothing, or the question for which Video Input the unlabelled videos are."""
    from mosaic_mcp.errors import MosaicError
    from mosaic_mcp.intent import input_labels

    open_videos = [(i, _name(v)) for i, v in enumerate(videos) if getattr(v, "input", None) is None]
    if not open_videos or not questions.can_ask(ctx):
        return Places()
    engine = engine_of(ctx)
    client = await engine.client()
    try:
        labels = await input_labels(
            client, await _chosen(ctx, agent, choice), skip or (), engine.ledger().labels
        )
    except MosaicError:
        return Places()  # the plan says what is wrong, with everything else that is
    return questions.ask_places(open_videos, labels) if len(labels) > 1 else Places()


async def plan_videos(
    ctx: Context[Any, Any],
    agent: str,
    videos: list[Any],
    clip: str | None,
    params: dict[str, dict[str, Any]] | None,
    skip: list[str] | None,
    callback_url: str | None,
    choice: Annotated[ElicitationResult[AgentChoice], Resolve(choose_agent)],
    places: Annotated[ElicitationResult[Places], Resolve(place_videos)],
) -> Planned:
    """The plan of run_agent; raises InvalidRequest with every fault."""
    from mosaic_mcp.intent import VideoWish

    wishes = [
        VideoWish(source=v) if isinstance(v, str) else VideoWish(**v.model_dump()) for v in videos
    ]
    placed: Places = questions.answered(places) or Places()
    wishes = [
        VideoWish(w.source, w.input or placed.of(i), w.clip, w.artifact, w.transcript)
        for i, w in enumerate(wishes)
    ]
    agent = await _chosen(ctx, agent, choice)
    return Planned(await _plan(ctx, agent, wishes, clip, params, skip, callback_url))


async def plan_chain(
    ctx: Context[Any, Any],
    source: str | list[str],
    agent: str,
    clip: str | None,
    params: dict[str, dict[str, Any]] | None,
    skip: list[str] | None,
    callback_url: str | None,
    choice: Annotated[ElicitationResult[AgentChoice], Resolve(choose_agent)],
) -> Planned:
    """The plan of chain_run; raises InvalidRequest with every fault."""
    from mosaic_mcp.intent import VideoWish

    outputs = await _outputs(await engine_of(ctx).client(), source)
    wishes = [VideoWish(source=f"render:{output}") for output in outputs]
    agent = await _chosen(ctx, agent, choice)
    plan = await _plan(ctx, agent, wishes, clip, params, skip, callback_url)
    return Planned(plan, tuple(outputs))


async def agree_to_run(
    ctx: Context[Any, Any],
    dry_run: bool,
    confirm: str | None,
    planned: Annotated[Any, Resolve(plan_videos)],
) -> Go | Elicit[Go]:
    """run_agent's leave to spend."""
    return await _agree(ctx, planned, dry_run=dry_run, confirm=confirm)


async def agree_to_chain(
    ctx: Context[Any, Any],
    dry_run: bool,
    confirm: str | None,
    planned: Annotated[Any, Resolve(plan_chain)],
) -> Go | Elicit[Go]:
    """chain_run's leave to spend."""
    return await _agree(ctx, planned, dry_run=dry_run, confirm=confirm)


async def _agree(
    ctx: Context[Any, Any], planned: Planned, *, dry_run: bool, confirm: str | None
) -> Go | Elicit[Go]:
    """Leave to spend where none is needed or the caller shows it; else the question."""
    if dry_run or confirm is not None or not await engine_of(ctx).asks_before_spending():
        return Go(start=True)
    if not questions.can_ask(ctx):
        return Go(start=False)
    head = planned.plan.agent.agent
    videos = sum(len(given) for given in planned.plan.videos.values())
    return questions.ask_spending(head.name or head.id, videos)


async def _chosen(
    ctx: Context[Any, Any], agent: str, choice: ElicitationResult[AgentChoice]
) -> str:
    """The id that the user chose; what the caller said when the question stayed open."""
    from mosaic_mcp.intent import could_mean

    chosen: AgentChoice | None = questions.answered(choice)
    if chosen is None or chosen.agent == agent:
        return agent
    return questions.chosen_id(chosen, await could_mean(await engine_of(ctx).client(), agent))


async def _plan(
    ctx: Context[Any, Any],
    agent: str,
    wishes: Sequence[Any],
    clip: str | None,
    params: dict[str, dict[str, Any]] | None,
    skip: list[str] | None,
    callback_url: str | None,
) -> Any:
    from mosaic_mcp.intent import plan_run

    engine = engine_of(ctx)
    return await plan_run(
        await engine.client(),
        engine.settings,
        agent=agent,
        videos=wishes,
        clip=clip,
        params=params or {},
        skip=skip or (),
        callback_url=callback_url,
        labels=engine.ledger().labels,
    )


async def _outputs(client: Any, source: str | list[str]) -> list[str]:
    """The output ids behind a run id, or the ids as given."""
    from mosaic_mcp.errors import Conflict, NotFound

    if isinstance(source, list):
        return source
    try:
        run = await client.get_run(source)
    except NotFound:
        return [source]
    if not run.outputs:
        state = "has no outputs yet" if not run.status.terminal else "made no outputs"
        raise Conflict(
            f"Run {source} is {run.status} and {state}.",
            remedy=f"get_run(run_id='{source}') tells how it stands.",
        )
    return [output.id for output in run.outputs]


def _name(video: Any) -> str:
    """A video as a form shows it: the end of its path or address."""
    said = video if isinstance(video, str) else str(video.source)
    return PurePosixPath(said.replace("\\", "/")).name or said
