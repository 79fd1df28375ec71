"""Several timelines into one, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from mosaic_mcp.studio.timeline.edit import at_rate, later, tracks_in
from mosaic_mcp.studio.timeline.model import CaptionWord, CropKey, FaceSeen, Timeline, Track


def joined(timelines: Sequence[Timeline], name: str) -> Timeline:
    """All clips in order on the first timeline's canvas, in its framing.

    Overlays, the look of captions, and what is done to the sound are those of the first timeline
    that has any: `differing` tells where that is not all. Crop paths, caption words, graphics,
    faces and cutaways are kept for every source: they are in source time. Music and voices stay
    with the pictures that they were laid over.
    """
    first = timelines[0]
    timelines = [at_rate(timeline, first.frame_rate) for timeline in timelines]
    framing = first.framing
    captions = next((t.captions for t in timelines if t.captions), None)
    if framing is not None:
        paths: dict[str, tuple[CropKey, ...]] = {}
        for timeline in reversed(timelines):
            paths |= timeline.framing.paths if timeline.framing else {}
        framing = framing.model_copy(update={"paths": paths})
    if captions is not None:
        words: dict[CaptionWord, None] = {}
        for timeline in timelines:
            words |= dict.fromkeys(timeline.captions.words if timeline.captions else ())
        captions = captions.model_copy(update={"words": tuple(words)})
    return first.model_copy(
        update={
            "name": name,
            "sources": {sha: s for t in timelines for sha, s in t.sources.items()},
            "clips": tuple(clip for t in timelines for clip in t.clips),
            "framing": framing,
            "captions": captions,
            "overlays": next((t.overlays for t in timelines if t.overlays), ()),
            "sound": next((t.sound for t in timelines if t.sound), None),
            "graphics": tuple(dict.fromkeys(g for t in timelines for g in t.graphics)),
            "faces": {
                sha: tuple(sorted(found, key=lambda face: face.time))
                for sha, found in _faces(timelines).items()
            },
            "cutaways": tuple(dict.fromkeys(c for t in timelines for c in t.cutaways)),
            "tracks": tuple(_tracks(timelines)),
        }
    )


def differing(timelines: Sequence[Timeline]) -> Iterator[str]:
    """What `joined` does to all of them, and not each of them had."""
    drawn = [(t.name, t.captions.look) for t in timelines if t.captions]
    if any(look != drawn[0][1] for _, look in drawn):
        yield f"all captions look like those of {drawn[0][0]}"
    marked = next((t for t in timelines if t.overlays), None)
    if marked and any(t.overlays != marked.overlays for t in timelines):
        yield f"the watermark of {marked.name} is shown over all videos"
    heard = next((t for t in timelines if t.sound), None)
    if heard and any(t.sound != heard.sound for t in timelines):
        yield f"the sound of all videos is enhanced as that of {heard.name}"


def _tracks(timelines: Sequence[Timeline]) -> Iterator[Track]:
    """The tracks of all, each while its own timeline is shown."""
    at = Fraction(0)
    for timeline in timelines:
        for track in tracks_in(timeline, [(Fraction(0), timeline.duration)]):
            until = min(track.until or timeline.duration, timeline.duration)
            yield later(track.model_copy(update={"until": until}), at)
        at += timeline.duration


def _faces(timelines: Sequence[Timeline]) -> dict[str, set[FaceSeen]]:
    """The faces that any of the timelines knows, by source."""
    found: dict[str, set[FaceSeen]] = {}
    for timeline in timelines:
        for sha, faces in timeline.faces.items():
            found.setdefault(sha, set()).update(faces)
    return found
