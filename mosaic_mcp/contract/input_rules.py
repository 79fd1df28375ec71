"""The rules of a run's inputs: which sources stand where, their ranges, their addresses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from mosaic_mcp.contract.graph import Graph
from mosaic_mcp.contract.run_page import Rule
from mosaic_mcp.contract.runs import (
    ITEM_ARRAYS,
    PLAIN_ARRAYS,
    SOURCE_ARRAYS,
    ClipRange,
    InputArrays,
    RunRequest,
    VideoInputEntry,
)
from mosaic_mcp.contract.words import listed, nearest
from mosaic_mcp.contract.youtube import youtube_id
from mosaic_mcp.errors import Fault


def check_inputs(request: RunRequest, runnable: Graph, *, mimir: bool) -> Iterator[Fault]:
    """All faults of the inputs, for the runnable graph; `mimir` when Mimir can be asked."""
    yield from _inputs(request, runnable)
    for where, arrays in _places(request):
        yield from _ranges(where, arrays)
        yield from _addresses(where, arrays)
        if arrays.mimir_assets and not mimir:
            yield _no_mimir(where)


def _places(request: RunRequest) -> Iterator[tuple[str, InputArrays]]:
    """Everywhere that sources may stand: the top level, then each entry."""
    yield "", request
    for index, entry in enumerate(request.video_inputs):
        yield f"video_inputs[{index}].", entry


def _inputs(request: RunRequest, graph: Graph) -> Iterator[Fault]:
    """Which sources are given where, against the Video Inputs of the runnable graph."""
    top = [name for name in SOURCE_ARRAYS if getattr(request, name)]
    clip = [name for name in ClipRange.model_fields if getattr(request, name) is not None]
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
    elif not graph.video_inputs:
        if top or request.video_inputs or clip:
            yield Fault(
                (top or clip or ["video_inputs"])[0],
                "This agent generates its own media and has no Video Input.",
                "Remove the inputs; prompts go into update_params.",
                Rule.generation,
            )
    elif request.video_inputs:
        if clip and not top:
            yield Fault(
                clip[0],
                "applies to top-level inputs, and this request has none.",
                "Put the range into the entries of video_inputs.",
                Rule.top_range,
            )
        yield from _entries(request.video_inputs, graph)
    else:
        yield from _shorthand(top, graph)


def _shorthand(top: Sequence[str], graph: Graph) -> Iterator[Fault]:
    """Top-level arrays serve an agent with one Video Input."""
    tiles = graph.video_inputs
    if not top:
        remedy = f"Give sources for {known(graph, tiles)}."
        yield Fault("video_inputs", "No video is given.", remedy, Rule.each_input)
    elif len(tiles) > 1:
        yield Fault(
            top[0],
            f"This agent has {len(tiles)} Video Inputs, so it must be said which gets what.",
            f"Use video_inputs with an entry for each of {known(graph, tiles)}.",
            Rule.each_input,
        )


def _entries(entries: Sequence[VideoInputEntry], graph: Graph) -> Iterator[Fault]:
    """Every entry belongs to a Video Input and names a source; every Video Input has one."""
    tiles = graph.video_inputs
    names = known(graph, tiles)
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
                f"There is no entry for {known(graph, [node])}.",
                "Add one with its sources.",
                Rule.each_input,
            )
        if given[node] > 1:
            yield Fault(
                "video_inputs",
                f"There are {given[node]} entries for {known(graph, [node])}.",
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
        if not is_http(url):
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


def is_http(url: str) -> bool:
    """True for an http or https address with a host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def known(graph: Graph, nodes: Sequence[str] | None = None) -> str:
    """Nodes (default: all) as `Captions (id), …`."""
    labels = graph.labels()
    chosen = graph.order if nodes is None else nodes
    return listed([f"{labels[n]} ({n})" for n in chosen])
