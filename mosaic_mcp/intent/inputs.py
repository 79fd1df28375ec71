"""Videos with their parts become the input arrays of a run request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mosaic_mcp.contract.spans import Span
from mosaic_mcp.intent.sources import Source

Artifact = Literal["highres", "proxy", "auto"]


@dataclass(frozen=True, slots=True)
class Video:
    """A source of the request. `source.value` is an address or an id (or a stand-in for one)."""

    source: Source
    span: Span
    artifact: Artifact | None = None


_PLAIN = {
    "video": "video_ids",
    "render": "node_render_ids",
    "url": "video_urls",
    "youtube": "video_urls",
}
_ITEMS = {
    "video": ("video_id_inputs", "id"),
    "render": ("node_render_inputs", "id"),
    "url": ("video_url_inputs", "url"),
    "youtube": ("youtube_url_inputs", "url"),
    "mimir": ("mimir_assets", "id"),
}


def input_fields(given: Mapping[str, Sequence[Video]], *, many_inputs: bool) -> dict[str, Any]:
    """The input fields of the request; `given` is Video Input node -> its videos.

    One Video Input is written in the top-level shorthand, several as `video_inputs`.
    """
    if not many_inputs:
        return _arrays(next(iter(given.values()), ()))
    return {
        "video_inputs": [{"agent_node_id": node, **_arrays(given[node])} for node in given],
    }


def _arrays(videos: Sequence[Video]) -> dict[str, Any]:
    """Plain arrays while one range fits all; else each video as an item with its own range."""
    spans = {video.span for video in videos}
    plain = len(spans) == 1 and all(v.source.kind in _PLAIN for v in videos)
    fields: dict[str, Any] = {}
    if plain:
        for video in videos:
            fields.setdefault(_PLAIN[video.source.kind], []).append(video.source.value)
        return fields | _range(spans.pop())
    for video in videos:
        name, key = _ITEMS[video.source.kind]
        item = {key: video.source.value, **_range(video.span)}
        if video.artifact is not None:
            item["artifact"] = video.artifact
        fields.setdefault(name, []).append(item)
    return fields


def _range(span: Span) -> dict[str, Any]:
    if span.from_end_ms is not None:  # in a preview, before the length is known
        return {"input_clip_start_ms": {"from_end_ms": span.from_end_ms}}
    ends = {"input_clip_start_ms": span.start_ms, "input_clip_end_ms": span.end_ms}
    return {name: value for name, value in ends.items() if value is not None}
