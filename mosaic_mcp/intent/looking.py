"""What the studio knows of a plan's videos before it runs: how long they are, and which words the
ranges of Clips would cut. The hosted engine does not tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mosaic_mcp.contract.moments import Length, check_lengths, chosen_moments
from mosaic_mcp.contract.rules import parse_run
from mosaic_mcp.contract.run_page import MAX_DURATION_S
from mosaic_mcp.errors import InvalidRequest, MosaicError

if TYPE_CHECKING:
    from mosaic_mcp.client import MosaicClient, StudioExtension
    from mosaic_mcp.contract.extensions import Known
    from mosaic_mcp.contract.tiles.params import Moment
    from mosaic_mcp.intent.inputs import Video
    from mosaic_mcp.intent.request import Plan


@dataclass(frozen=True, slots=True)
class Looked:
    """Lengths by id (of a file: its stand-in), and what to warn of."""

    lengths: dict[str, Length] = field(default_factory=dict[str, Length])
    warnings: list[str] = field(default_factory=list[str])


async def look(client: MosaicClient, plan: Plan, *, files: bool = False) -> Looked:
    """Look at the videos that are cut; with `files` also at those not handed over yet.

    A file is read whole for that, as long ones take a while.
    """
    looked, studio, graph = Looked(), await client.studio(), plan.runnable
    chosen = chosen_moments(graph, plan.fields.get("update_params", {}))
    for node, videos in plan.videos.items() if studio is not None else ():
        cuts = {clips: m for clips, m in chosen.items() if node in graph.ancestors(clips)}
        edges = [ms for moments in cuts.values() for m in moments for ms in (m.start_ms, m.end_ms)]
        for video in videos:
            if not edges and video.span.whole:
                continue
            known = await _known(studio, plan, video, edges, files=files) if studio else None
            if known is not None:
                length = Length(known.name, round(known.duration_s * 1000))
                looked.lengths[video.source.value] = length
                looked.warnings.extend(_torn(known, cuts, graph.labels()))
    return looked


async def look_at_files(client: MosaicClient, plan: Plan) -> list[str]:
    """The warnings about files of this machine that are not handed over yet.

    Raises InvalidRequest for a part or a range that lies behind the end of one.
    """
    if not any(upload.file for upload in plan.uploads.values()):
        return []
    looked = await look(client, plan, files=True)
    longest = MAX_DURATION_S * 1000
    lengths = {ref: length.ms for ref, length in looked.lengths.items()}
    videos = {
        node: [replace(v, span=v.span.resolve(lengths.get(v.source.value, longest))) for v in given]
        for node, given in plan.videos.items()
    }
    faults = check_lengths(parse_run(plan.body(videos)), plan.runnable, looked.lengths)
    if told := [replace(f, where=plan.in_words(f.where)) for f in faults]:
        raise InvalidRequest(told)
    return [warning for warning in looked.warnings if warning not in plan.warnings]


async def _known(
    studio: StudioExtension, plan: Plan, video: Video, edges: Sequence[int], *, files: bool
) -> Known | None:
    """None for what cannot be looked at: the run tells why, if it is a fault."""
    ref, upload = video.source.value, plan.uploads.get(video.source.value)
    try:
        if upload is None and video.source.kind in ("video", "render"):
            kind = "videos" if video.source.kind == "video" else "renders"
            return await studio.known(kind, ref, edges)
        if upload is not None and upload.file is not None and files and studio.info.local_files:
            return await studio.known(None, str(upload.file.path), edges)
    except MosaicError:
        return None
    return None


def _torn(
    known: Known, cuts: Mapping[str, Sequence[Moment]], labels: Mapping[str, str]
) -> Iterator[str]:
    """In the words of the run, which warns of the same (`studio/tiles/moments.py`)."""
    inside = {torn.at_ms: torn.text for torn in known.torn}
    for clips, moments in cuts.items():
        for number, moment in enumerate(moments, 1):
            for verb, at_ms in (("begins", moment.start_ms), ("ends", moment.end_ms)):
                if at_ms in inside:
                    yield (
                        f"{labels[clips]}: clip {number} {verb} at {at_ms / 1000:.2f} s, inside "
                        f"the word {inside[at_ms]!r} of {known.name}. read_transcript has the "
                        "times of words."
                    )
