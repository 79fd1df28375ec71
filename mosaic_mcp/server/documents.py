"""What the resources say: facts of agents, runs, edits and tiles, as the tools tell them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mcp.server.mcpserver import Context

from mosaic_mcp.contract.extensions import Edit
from mosaic_mcp.contract.tiles.catalogue import TILE_TYPES, tile_type
from mosaic_mcp.contract.words import listed, nearest
from mosaic_mcp.errors import NotFound, Unsupported
from mosaic_mcp.intent import find_agent
from mosaic_mcp.server.describe import describe, parameter_lines, tile_standing
from mosaic_mcp.server.engine import Engine
from mosaic_mcp.server.outputs import BRIEF, brief, log_address, output_line
from mosaic_mcp.server.views import RunState, run_answer
from mosaic_mcp.server.waiting import Progress, follow

Facts = dict[str, Any]

MOST_CUTS = 150
MOST_OUTPUTS = 30
"""Cuts and outputs in one timeline document: together about 20,000 characters."""


async def agent(engine: Engine, said: str) -> Facts:
    """An agent, by id or name, as find_agents describes it."""
    client = await engine.client()
    detail = await find_agent(client, said)
    answer = await describe(client, detail, engine.ledger().labels(detail.agent.id))
    return answer.model_dump(mode="json", exclude_none=True)


async def run(engine: Engine, run_id: str, ctx: Context[Any, Any]) -> Facts:
    """A run as it stands, with its first finished videos."""
    client = await engine.client()
    seen = await follow(client, run_id, wait_s=0, progress=Progress(ctx.report_progress))
    ledger = engine.ledger()
    state = RunState(run_id, seen.run, seen.nodes, ledger.labels(seen.run.agent_id))
    lines = [await output_line(client, output, state) for output in seen.run.outputs[:BRIEF]]
    answer = run_answer(state, detailed=True).model_copy(
        update={
            "outputs": tuple(brief(line) for line in lines),
            "from_outputs": ledger.lineage(run_id),
            "log": await log_address(client, run_id),
        }
    )
    facts = answer.model_dump(mode="json", exclude_none=True)
    if seen.run.outputs and await client.studio() is not None:
        facts["timeline"] = f"mosaic://runs/{run_id}/timeline"
    return facts


async def timeline(engine: Engine, run_id: str) -> Facts:
    """The finished videos of a run as cuts; only the studio knows them."""
    client = await engine.client()
    studio = await client.studio()
    if studio is None:
        raise Unsupported(
            "Only the local studio tells an edit as cuts; the hosted API does not.",
            remedy=f"list_outputs(run_id='{run_id}') gives a Premiere timeline where there is one.",
        )
    edits = (await studio.timeline(run_id)).edits
    state = await client.get_run(run_id)
    nodes = await client.get_run_nodes(run_id)
    names = RunState(run_id, state, nodes.nodes, engine.ledger().labels(state.agent_id)).names()
    first = f"view_output(output_id='{edits[0].output_id}')" if edits else ""
    return {
        "run_id": run_id,
        "status": str(state.status),
        **shown_edits(edits, names),
        "next": first or f"get_run(run_id='{run_id}'): no video is finished",
    }


def shown_edits(edits: Sequence[Edit], names: Mapping[str, str]) -> Facts:
    """The first outputs with the first cuts, and how many were left out."""
    left = MOST_CUTS
    outputs: list[Facts] = []
    for edit in edits[:MOST_OUTPUTS]:
        outputs.append(_edit_facts(edit, names, left))
        left = max(0, left - len(edit.cuts))
    return {"outputs": outputs, "outputs_left_out": max(0, len(edits) - MOST_OUTPUTS) or None}


def _edit_facts(edit: Edit, names: Mapping[str, str], most: int) -> Facts:
    """One output: its cuts, and what lies over them with the node that put it there."""

    def node(node_id: str | None) -> str:
        return names.get(node_id or "", node_id or "")

    over: dict[str, str] = {}
    if edit.framing_node is not None:
        crop = "crop on the main face, if there is one"
        how = crop if edit.framing == "crop" else "whole picture over a blur"
        over["framing"] = f"{how} ({node(edit.framing_node)})"
    if edit.captions_node is not None:
        over["captions"] = f"{edit.caption_words} words ({node(edit.captions_node)})"
    if edit.graphics:
        over["graphics"] = f"{edit.graphics} ({', '.join(map(node, edit.graphics_nodes))})"
    if edit.overlay_nodes:
        over["overlays"] = ", ".join(node(n) for n in edit.overlay_nodes)
    if edit.cutaway_nodes:
        over["cutaways"] = ", ".join(node(n) for n in edit.cutaway_nodes)
    if edit.track_nodes:
        over["sound beside"] = ", ".join(node(n) for n in edit.track_nodes)
    if edit.sound_node is not None:
        over["sound"] = node(edit.sound_node)
    facts: Facts = {
        "output_id": edit.output_id,
        "name": edit.name,
        "duration_s": edit.duration_s,
        "canvas": f"{edit.width}x{edit.height} at {edit.frame_rate} frames/s",
        "cuts": [cut.model_dump() for cut in edit.cuts[:most]],
        **over,
    }
    if len(edit.cuts) > most:
        facts["cuts_left_out"] = len(edit.cuts) - most
        facts["all_cuts"] = "timeline_zip of list_outputs has an EDL and OTIO with every cut"
    return facts


async def tile(engine: Engine, name: str) -> Facts:
    """A tile: its parameters, and how well this engine does it."""
    client = await engine.client()
    known = tile_type(name)
    if known is None:
        names = [t.name for t in TILE_TYPES]
        raise NotFound(
            f"There is no tile {name!r}.",
            remedy=f"{nearest(name, names)}Tiles: {listed(names, most=len(names))}.",
        )
    info = (await tile_standing(client)).get(known.node_type_id)
    facts: Facts = {
        "tile": known.name,
        "kind": known.kind,
        "standing": info.standing if info else "done by Mosaic; the ranges are of our catalogue",
        "how": " ".join(part for part in (info.note if info else "", known.note) if part),
        "parameters": [
            line.model_dump(mode="json", exclude_none=True)
            for line in parameter_lines(known, {}, hosted=info is None)
        ],
    }
    if not known.protected:
        facts["use"] = f"build_agent(name='…', tiles=['{known.name}'])"
    return facts
