"""When a picture can be cut without encoding all of it, and having it done (`copying.py`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mosaic_mcp.studio.machine import cores
from mosaic_mcp.studio.perception.calling import call_about
from mosaic_mcp.studio.render.facts import Facts
from mosaic_mcp.studio.render.pieces import runs_of
from mosaic_mcp.studio.timeline.model import Clip, Source, Timeline

CUT = "cut.ts"
MOST_AT_ONCE = 4
"""Edges that are encoded side by side, each by one core: more than one render may be at work."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A picture in the job's folder, how many of its frames are copies, or why none could be."""

    picture: str
    copied: int = 0
    why: str = ""


def copied_from(
    timeline: Timeline, facts: Mapping[str, Facts], *, draft: bool = False
) -> Source | None:
    """The one source that a settled timeline does nothing to but cut, so that it may be copied.

    None when it does more, and for drafts, which are smaller.
    """
    if draft:
        return None
    drawn = timeline.captions or timeline.graphics or timeline.overlays or timeline.cutaways
    if timeline.framing or drawn:
        return None
    shown = dict.fromkeys(clip.source for clip in timeline.clips)
    if len(shown) != 1:
        return None
    source = timeline.sources[next(iter(shown))]
    if any(clip != _plain(clip) for clip in timeline.clips):
        return None
    stored = facts[source.sha256]
    as_stored = (
        (timeline.width, timeline.height) == (source.width, source.height)
        and timeline.frame_rate == source.frame_rate
        and not source.variable_frame_rate
        and not source.rotation
        and stored == Facts(seekable=True)
    )
    return source if as_stored else None


def _plain(clip: Clip) -> Clip:
    return Clip(source=clip.source, start=clip.start, end=clip.end, tile=clip.tile)


async def smart_cut(
    timeline: Timeline,
    source: Source,
    name: str,
    options: Mapping[str, str],
    *,
    job: Path,
    on_share: Callable[[float], None],
) -> Cut:
    """Cut `source`, the file `name` in the job's folder; `options` are x264's for the edges."""
    pieces = [
        (piece.first, piece.first + piece.count)
        for run in runs_of(timeline)
        for piece in run.pieces
    ]
    done = await call_about(
        source.name,
        "smart_cut",
        on_share=on_share,
        path=str(job / name),
        out=str(job / CUT),
        rate=str(timeline.frame_rate),
        pieces=pieces,
        options=dict(options),
        at_once=min(cores(), MOST_AT_ONCE),
    )
    return Cut(CUT, done.get("copied", 0), done.get("why", ""))
