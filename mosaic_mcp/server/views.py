"""From the contract's models to the few facts that a model needs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mosaic_mcp.server.answers import ErrorLine, RunAnswer, StepLine
from mosaic_mcp.server.results import shorten

if TYPE_CHECKING:
    from mosaic_mcp.contract.extensions import NodeProgress
    from mosaic_mcp.contract.runs import AgentRun, RunNode

FINISHED = frozenset({"completed", "partial_complete", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class RunState:
    """A run at a moment, from either engine.

    `progress` is empty on an engine without the studio's extension.
    """

    run_id: str
    run: AgentRun
    nodes: Sequence[RunNode | NodeProgress] = ()
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """Labels that the user gave, by template node id."""

    @property
    def terminal(self) -> bool:
        """True when nothing more will happen by itself."""
        return self.run.status.terminal

    @property
    def since(self) -> str:
        """A digest of the public state: equal on both engines and after a restart."""
        facts = [
            self.run.status,
            self.run.needs_credits,
            [(n.agent_node_id, n.status) for n in self.nodes],
            sorted(o.id for o in self.run.outputs),
            [(e.original_node_id, *e.messages) for e in self.run.errors],
        ]
        return hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()[:12]

    def names(self) -> dict[str, str]:
        """Template node id -> label: the user's, else the tile's name, numbered when repeated."""
        tiles = [(n.original_node_id or n.agent_node_id, tile_name(n)) for n in self.nodes]
        names: dict[str, str] = {}
        seen: dict[str, int] = {}
        for node, tile in tiles:
            seen[tile] = seen.get(tile, 0) + 1
            numbered = tile if seen[tile] == 1 else f"{tile} {seen[tile]}"
            names[node] = self.labels.get(node, numbered)
        return names

    def percent(self) -> float:
        """0..100 over all nodes; a node that renders weighs as much as four that decide."""
        if self.terminal:
            return 100.0
        done = total = 0.0
        for node in self.nodes:
            weight = 4.0 if getattr(node, "makes_outputs", False) else 1.0
            share = 1.0 if node.status in FINISHED else float(getattr(node, "progress", 0.0))
            done += weight * share
            total += weight
        return 100.0 * done / total if total else 0.0

    def doing(self) -> str:
        """The step under way, as a short phrase: "Captions: transcribing talk.mp4"."""
        names = self.names()
        for node in reversed(self.nodes):
            if node.status == "running":
                name = names[node.original_node_id or node.agent_node_id]
                step = getattr(node, "step", "")
                rate = getattr(node, "rate", None)
                # Of the render under way, measured; before there is a frame there is no rate.
                speed = f" at {rate:.1f}x" if rate else ""
                return f"{name}: {step}{speed}" if step else name
        waiting = next((n for n in self.nodes if n.status == "queued"), None)
        if waiting is not None:
            name = names[waiting.original_node_id or waiting.agent_node_id]
            return f"{name}: {getattr(waiting, 'step', '') or 'about to begin'}"
        return str(self.run.status)


def tile_name(node: RunNode | NodeProgress) -> str:
    """The tile of a node, whichever model tells it."""
    from mosaic_mcp.contract.extensions import NodeProgress

    if isinstance(node, NodeProgress):
        return node.tile
    return node.node_type.node_type_name or node.node_type.node_type_id


def run_answer(state: RunState, *, detailed: bool = False) -> RunAnswer:
    """The facts of a run, with the exact next call."""
    names = state.names()
    run = state.run
    steps = [
        _step(node, names[node.original_node_id or node.agent_node_id])
        for node in state.nodes
        if detailed or not state.terminal or node.status not in ("completed", "not_started")
    ]
    errors = [
        ErrorLine(
            node=names.get(e.original_node_id or "", e.original_node_id or "run"),
            messages=tuple(shorten(e.messages)),
        )
        for e in run.errors
    ]
    warnings = [
        f"{names[node.original_node_id or node.agent_node_id]}: {warning}"
        for node in state.nodes
        for warning in getattr(node, "warnings", ())
    ]
    return RunAnswer(
        run_id=state.run_id,
        status=str(run.status),
        summary=summary(state),
        percent=None if state.terminal else round(state.percent()),
        steps=tuple(steps),
        errors=tuple(errors),
        needs_credits=run.needs_credits or None,
        warnings=tuple(shorten(warnings, most=20 if detailed else 5)),
        agent_id=run.agent_id if detailed else None,
        since=None if state.terminal else state.since,
        next=next_call(state),
    )


def _step(node: RunNode | NodeProgress, name: str) -> StepLine:
    running = node.status == "running"
    progress = getattr(node, "progress", None)
    return StepLine(
        node=name,
        status=str(node.status),
        percent=round(100 * progress) if running and progress is not None else None,
        doing=getattr(node, "step", "") or None if node.status in ("running", "queued") else None,
    )


def summary(state: RunState) -> str:
    """One sentence that a person can be told."""
    run, made = state.run, len(state.run.outputs)
    videos = "1 video" if made == 1 else f"{made} videos"
    if state.terminal and any(output.files_deleted_at for output in run.outputs):
        return f"Finished: {run.status}. {run.status_message}"
    match str(run.status):
        case "completed":
            return f"Finished: {videos} ready."
        case "partial_complete":
            stopped = "wait for credits" if run.needs_credits else "failed"
            return f"Finished in part: {videos} ready, and some steps {stopped}."
        case "failed":
            told = f" {run.status_message}" if run.status_message else ""
            return f"The run failed; no video was made.{told}"
        case "cancelled":
            kept = f" {videos} made before that are kept." if made else ""
            return f"Cancelled.{kept}"
        case _:
            waiting = " Credits ran out: some steps wait for them." if run.needs_credits else ""
            ready = f" {videos} ready so far." if made else ""
            return f"Running, {state.percent():.0f} % ({state.doing()}).{ready}{waiting}"


def next_call(state: RunState) -> str:
    """The call that goes on from here."""
    run_id = state.run_id
    match str(state.run.status):
        case "completed":
            return f"list_outputs(run_id='{run_id}')"
        case "failed" | "cancelled" | "partial_complete" if state.run.needs_credits:
            return f"top up credits as the warning says, then resume_run(run_id='{run_id}')"
        case "partial_complete":
            return f"list_outputs(run_id='{run_id}') for what is ready; the errors say what is not"
        case "failed":
            return f"mend what the errors say, then resume_run(run_id='{run_id}') or a new run"
        case "cancelled":
            return f"resume_run(run_id='{run_id}') to go on"
        case _:
            return f"get_run(run_id='{run_id}', since='{state.since}', wait_s=30)"
