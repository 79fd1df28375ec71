"""The input rules of Run Agent, each with the sentence of the page that it comes from.

`check_run` reports all faults of a request at once. It needs the agent's graph and nothing else,
so the client checks before it uploads and the studio checks again before a run exists.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from mosaic_mcp.contract.errors import NOT_A_FIELD, faults_of
from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.contract.params import check_params
from mosaic_mcp.contract.runs import (
    ITEM_ARRAYS,
    PLAIN_ARRAYS,
    SOURCE_ARRAYS,
    ClipRange,
    InputArrays,
    MimirAsset,
    RunRequest,
    VideoInputEntry,
    VideoUrlInput,
)
from mosaic_mcp.contract.words import listed, nearest
from mosaic_mcp.contract.youtube import youtube_id
from mosaic_mcp.errors import Fault, InvalidRequest

MAX_URL_BYTES = 5 * 1024**3
"""“Maximum file size: 5 GB per video” (Signed URLs)."""

MAX_DURATION_S = 5 * 3600
"""“Maximum duration: 5 hours per video” (YouTube and signed URLs)."""


class Rule:
    """Sentences of the seed page Run Agent (docs.mosaic.so/api/agent-runs/post-agent-run)."""

    either = "Use either top-level input arrays or video_inputs (not both in the same request)."
    each_input = (
        "If the runnable graph has multiple Video Input tiles, provide one video_inputs entry for "
        "each runnable input tile."
    )
    at_least_one = (
        "Each entry must include agent_node_id plus at least one of video_ids, node_render_ids, "
        "video_urls, or mimir_assets."
    )
    tile = "video_inputs[] entries map assets to a specific Video Input tile (agent_node_id)"
    generation = (
        "For workflows starting with generation nodes and no Video Input node, no video inputs "
        "should be provided."
    )
    range = "if both are provided, input_clip_end_ms must be greater than input_clip_start_ms."
    top_range = "Optional start offset applied to all top-level input arrays."
    own_range = (
        "If you need different start/end ranges for different inputs, use video_id_inputs, "
        "node_render_inputs, video_url_inputs, or youtube_url_inputs instead of the plain string "
        "arrays."
    )
    unknown_node = "Unknown agent_node_id keys return 400"
    protected = (
        "Protected/system nodes (for example Video Input/Destination/trigger nodes) cannot be "
        "overridden with update_params"
    )
    runnable = "Keys must be valid agent_node_id values from the runnable graph."
    ignored = "Optional list of agent_node_id values to bypass for this run."
    urls = "Must be HTTP or HTTPS URLs pointing to video files"
    youtube = "Supports standard YouTube video URLs"
    mimir = (
        "If no Mimir connection is configured for the agent's workspace, the API returns a 400 "
        "error explaining how to set one up."
    )
    callback = "Optional webhook URL for status updates"


def parse_run(body: object) -> RunRequest:
    """The request in a JSON body; raises InvalidRequest with every fault of its shape."""
    try:
        return (
            RunRequest.model_validate_json(body)
            if isinstance(body, str | bytes)
            else RunRequest.model_validate(body)
        )
    except ValidationError as error:
        faults = faults_of(error.errors(include_url=False))
        raise InvalidRequest([_with_nearest_field(fault) for fault in faults]) from error


_FIELDS = tuple(
    name
    for model in (RunRequest, VideoInputEntry, VideoUrlInput, MimirAsset)
    for name in model.model_fields
)


def _with_nearest_field(fault: Fault) -> Fault:
    if fault.what != NOT_A_FIELD:
        return fault
    guess = nearest(fault.where.rpartition(".")[2], _FIELDS)
    return replace(fault, remedy=f"{guess}{fault.remedy}")


def check_run(
    request: RunRequest, graph: Graph, *, mimir_connected: bool = False, hosted: bool = False
) -> list[Fault]:
    """All faults of a run request for an agent's (template) graph; empty when it may run.

    With `hosted` Mosaic itself has the last word: what only Mosaic knows (its Mimir connection,
    parameters that are not public, what is saved in its agents) is no fault here.
    """
    faults = [*_ignored(request, graph)]
    runnable = graph.runnable(request.ignore_nodes)
    faults += _inputs(request, runnable)
    for where, arrays in _places(request):
        faults += _ranges(where, arrays)
        faults += _addresses(where, arrays)
        if arrays.mimir_assets and not (mimir_connected or hosted):
            faults.append(_no_mimir(where))
    faults += _update_keys(request.update_params, graph, runnable)
    faults += _params(request.update_params, runnable, hosted=hosted)
    if request.callback_url is not None and not _is_http(request.callback_url):
        faults.append(
            Fault(
                "callback_url",
                "is not an http or https address.",
                "Give the address of your webhook, as https://example.com/hook.",
                Rule.callback,
            )
        )
    return faults


def _places(request: RunRequest) -> Iterator[tuple[str, InputArrays]]:
    """Everywhere that sources may stand: the top level, then each entry."""
    yield "", request
    for index, entry in enumerate(request.video_inputs):
        yield f"video_inputs[{index}].", entry


def _ignored(request: RunRequest, graph: Graph) -> Iterator[Fault]:
    labels = graph.labels()
    for index, node in enumerate(request.ignore_nodes):
        where = f"ignore_nodes[{index}]"
        if node not in graph.nodes:
            yield Fault(
                where,
                f"There is no node {node!r} in this agent.",
                f"{nearest(node, list(graph.nodes))}Its nodes: {_known(graph)}.",
                Rule.ignored,
            )
        elif node in (*graph.video_inputs, *graph.of_kind("generation")):
            yield Fault(
                where,
                f"{labels[node]} is where the videos come in; without it nothing can run.",
                "Ignore other nodes, or run an agent without this input.",
                Rule.ignored,
            )


def _inputs(request: RunRequest, graph: Graph) -> Iterator[Fault]:
    """Which sources are given where, against the Video Inputs of the runnable graph."""
    tiles = graph.video_inputs
    names = _known(graph, tiles)
    top = [name for name in SOURCE_ARRAYS if getattr(request, name)]
    if top and request.video_inputs:
        yield Fault(
            ", ".join(top),
            "Top-level inputs and video_inputs stand in one request.",
            "Move all of them into video_inputs.",
            Rule.either,
        )
    if not graph.nodes:
        yield Fault(
            "",
            "This agent has no tile that could run.",
            "Add a Video Input or a generating tile and connect the others to it.",
        )
        return
    clip = [name for name in ClipRange.model_fields if getattr(request, name) is not None]
    if clip and request.video_inputs and not top:
        yield Fault(
            clip[0],
            "applies to top-level inputs, and this request has none.",
            "Put the range into the entries of video_inputs.",
            Rule.top_range,
        )
    if not tiles:
        if top or request.video_inputs or clip:
            yield Fault(
                (top or clip or ["video_inputs"])[0],
                "This agent generates its own media and has no Video Input.",
                "Remove the inputs; prompts go into update_params.",
                Rule.generation,
            )
        return
    if not top and not request.video_inputs:
        yield Fault(
            "video_inputs",
            "No video is given.",
            f"Give sources for {names}.",
            Rule.each_input,
        )
    if top and not request.video_inputs and len(tiles) > 1:
        yield Fault(
            top[0],
            f"This agent has {len(tiles)} Video Inputs, so it must be said which gets what.",
            f"Use video_inputs with an entry for each of {names}.",
            Rule.each_input,
        )
    if request.video_inputs:
        yield from _entries(request.video_inputs, graph, tiles)


def _entries(
    entries: Sequence[VideoInputEntry], graph: Graph, tiles: Sequence[str]
) -> Iterator[Fault]:
    names = _known(graph, tiles)
    for index, entry in enumerate(entries):
        where = f"video_inputs[{index}]"
        if entry.agent_node_id not in graph.nodes:
            yield Fault(
                f"{where}.agent_node_id",
                f"There is no runnable node {entry.agent_node_id!r} in this agent.",
                f"{nearest(entry.agent_node_id, tiles)}Its Video Inputs: {names}.",
                Rule.tile,
            )
        elif entry.agent_node_id not in tiles:
            label = graph.labels()[entry.agent_node_id]
            yield Fault(
                f"{where}.agent_node_id",
                f"{label} is not a Video Input.",
                f"Its Video Inputs: {names}.",
                Rule.tile,
            )
        if not entry.has_sources:
            yield Fault(where, "names no source.", "Add at least one.", Rule.at_least_one)
    given = Counter(entry.agent_node_id for entry in entries)
    for node in tiles:
        if given[node] == 0:
            yield Fault(
                "video_inputs",
                f"There is no entry for {_known(graph, [node])}.",
                "Add one with its sources.",
                Rule.each_input,
            )
        if given[node] > 1:
            yield Fault(
                "video_inputs",
                f"There are {given[node]} entries for {_known(graph, [node])}.",
                "Put all its sources into one entry.",
                Rule.each_input,
            )


def _ranges(where: str, arrays: InputArrays) -> Iterator[Fault]:
    yield from _range(where, arrays)
    clipped = arrays.input_clip_start_ms is not None or arrays.input_clip_end_ms is not None
    plain = any(getattr(arrays, name) for name in PLAIN_ARRAYS)
    items = [name for name in ITEM_ARRAYS if getattr(arrays, name)]
    if clipped and items and not plain:
        yield Fault(
            f"{where}input_clip_start_ms"
            if arrays.input_clip_start_ms is not None
            else f"{where}input_clip_end_ms",
            f"The range beside {items[0]} applies to the plain arrays only, and there are none.",
            "Put the range into each item.",
            Rule.own_range,
        )
    for name in items:
        for index, item in enumerate(getattr(arrays, name)):
            yield from _range(f"{where}{name}[{index}].", item)


def _range(where: str, clip: ClipRange) -> Iterator[Fault]:
    start, end = clip.input_clip_start_ms, clip.input_clip_end_ms
    if start is not None and end is not None and end <= start:
        yield Fault(
            f"{where}input_clip_end_ms",
            f"{end} ms is not after the start at {start} ms.",
            "Give an end after the start, or leave one of them out.",
            Rule.range,
        )
    if start is None and end == 0:
        yield Fault(f"{where}input_clip_end_ms", "An end at 0 leaves nothing.", "", Rule.range)


def _addresses(where: str, arrays: InputArrays) -> Iterator[Fault]:
    plain = [(f"{where}video_urls[{i}]", url) for i, url in enumerate(arrays.video_urls)]
    plain += [
        (f"{where}video_url_inputs[{i}].url", item.url)
        for i, item in enumerate(arrays.video_url_inputs)
    ]
    for place, url in plain:
        if not _is_http(url):
            yield Fault(place, "is not an http or https address.", "", Rule.urls)
    tube = [(f"{where}youtube_urls[{i}]", url) for i, url in enumerate(arrays.youtube_urls)]
    tube += [
        (f"{where}youtube_url_inputs[{i}].url", item.url)
        for i, item in enumerate(arrays.youtube_url_inputs)
    ]
    for place, url in tube:
        if youtube_id(url) is None:
            yield Fault(
                place,
                "is not the address of a YouTube video.",
                "Use https://www.youtube.com/watch?v=…, or video_urls for other addresses.",
                Rule.youtube,
            )


def _no_mimir(where: str) -> Fault:
    return Fault(
        f"{where}mimir_assets",
        "No Mimir connection is configured for this workspace.",
        "In the Mosaic dashboard open Settings > Integrations, add the Mimir instance URL and an "
        "API key from the Mimir user settings, then run again; or give the video another way.",
        Rule.mimir,
    )


def _update_keys(
    update: Mapping[str, Mapping[str, Any]], graph: Graph, runnable: Graph
) -> Iterator[Fault]:
    labels = graph.labels()
    for node in update:
        where = f"update_params.{node}"
        if node not in graph.nodes:
            yield Fault(
                where,
                "There is no such node in this agent.",
                f"{nearest(node, list(graph.nodes))}Its nodes: {_known(graph)}.",
                Rule.unknown_node,
            )
        elif (tile := graph.tile(node)) is not None and tile.protected:
            yield Fault(
                where,
                f"{labels[node]} is a protected node.",
                "Its parameters cannot be changed for a run.",
                Rule.protected,
            )
        elif node not in runnable.nodes:
            yield Fault(
                where,
                f"{labels[node]} takes no part in this run: it is ignored, or nothing leads to it.",
                "Remove it from ignore_nodes or from update_params.",
                Rule.runnable,
            )


def _params(
    update: Mapping[str, Mapping[str, Any]], runnable: Graph, *, hosted: bool
) -> Iterator[Fault]:
    """Faults of every node's parameters as they would run: the saved ones with the changes."""
    for node in runnable.order:
        tile = runnable.tile(node)
        if tile is None or tile.protected:
            continue
        changes = update.get(node, {})
        merged = {**runnable.nodes[node].params_used, **changes}
        for fault in check_params(
            tile, merged, f"update_params.{node}", complete=not hosted, hosted=hosted
        ):
            if fault.where.rpartition(".")[2] in changes:
                yield fault
            elif not hosted:
                what = f"as saved in the agent, {fault.what}"
                remedy = fault.remedy or "Give it in update_params, or save it in the agent."
                yield Fault(fault.where, what, remedy, fault.rule)


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _known(graph: Graph, nodes: Sequence[str] | None = None) -> str:
    labels = graph.labels()
    chosen = graph.order if nodes is None else nodes
    return listed([f"{labels[n]} ({n})" for n in chosen])
