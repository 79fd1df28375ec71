"""Everything of a timeline that editors have tracks for, one lane each; the rest as notes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from mosaic_mcp.studio.export.cuts import Cut, changes, cuts_of
from mosaic_mcp.studio.export.media import recounted
from mosaic_mcp.studio.render.pieces import settled
from mosaic_mcp.studio.timeline.edit import shown
from mosaic_mcp.studio.timeline.model import Cutaway, Overlay, Timeline, Track


@dataclass(frozen=True, slots=True)
class Lane:
    """A track of an editor: cuts in the order of the sequence, none over another."""

    name: str
    kind: Literal["Video", "Audio"]
    cuts: tuple[Cut, ...]


def lanes_of(timeline: Timeline) -> list[Lane]:
    """Picture, cutaways and overlays above it, its sound, then every music and voice track."""
    cuts = tuple(cuts_of(timeline))
    total = cuts[-1].record_out if cuts else 0
    seen = tuple(cut for cut in cuts if cut.source.kind != "audio")
    heard = tuple(
        replace(cut, notes=()) for cut in cuts if cut.source.audio_channels and not cut.muted
    )
    return [
        Lane("Video", "Video", seen),
        *(Lane("Cutaways", "Video", lane) for lane in _cutaways(timeline)),
        *(
            Lane("Overlay", "Video", (_laid_over(timeline, overlay, total),))
            for overlay in timeline.overlays
            if total
        ),
        *([Lane("Audio", "Audio", heard)] if heard else []),
        *(
            Lane(track.kind.capitalize(), "Audio", tuple(_played(timeline, track, total)))
            for track in timeline.tracks
        ),
    ]


def lanes_at(timeline: Timeline, rate: Fraction) -> list[Lane]:
    """The lanes in frames of another rate. A cut too short for one of them is left out."""
    lanes: list[Lane] = []
    for lane in lanes_of(timeline):
        cuts = (recounted(cut, timeline.frame_rate, rate) for cut in lane.cuts)
        lanes.append(replace(lane, cuts=tuple(c for c in cuts if c.record_in < c.record_out)))
    return lanes


def _cutaways(timeline: Timeline) -> list[tuple[Cut, ...]]:
    """The cutaways on as few lanes as keep them apart, later ones above."""
    lanes: list[list[Cut]] = []
    sequence = settled(timeline)
    for cutaway in timeline.cutaways:
        for start, end in shown(sequence, cutaway.over):
            cut = _away(timeline, cutaway, start, end)
            if cut.source_out <= cut.source_in:
                continue
            under = [i for i, lane in enumerate(lanes) if any(_meet(cut, c) for c in lane)]
            place = under[-1] + 1 if under else 0
            if place == len(lanes):
                lanes.append([])
            lanes[place].append(cut)
    return [tuple(sorted(lane, key=lambda c: c.record_in)) for lane in lanes]


def _meet(one: Cut, other: Cut) -> bool:
    return one.record_in < other.record_out and other.record_in < one.record_out


def _away(timeline: Timeline, cutaway: Cutaway, start: Fraction, end: Fraction) -> Cut:
    rate, source = timeline.frame_rate, timeline.sources[cutaway.source]
    first, last = round(start * rate), round(end * rate)
    begin = round(cutaway.start * rate)
    count = last - first
    notes = ["fills the picture; its sound is not heard", *changes(cutaway)]
    if source.duration and begin + count > (there := int(source.duration * rate)):
        count = max(there - begin, 0)
        notes.append(f"ends early: its last frame stands until frame {last} of the sequence")
    return Cut(
        0,
        source,
        cutaway.tile,
        first,
        first + count,
        begin,
        begin + count,
        fills=True,
        notes=tuple(notes),
    )


def _laid_over(timeline: Timeline, overlay: Overlay, total: int) -> Cut:
    """A still over the whole length."""
    source = timeline.sources[overlay.source]
    return Cut(0, source, overlay.tile, 0, total, 0, total, overlay=overlay)


def _played(timeline: Timeline, track: Track, total: int) -> Iterator[Cut]:
    """A track as clips: one, or one for each time that it begins again."""
    rate, source = timeline.frame_rate, timeline.sources[track.source]
    if track.until is not None:
        total = min(total, round(track.until * rate))
    begin = round(track.start * rate)
    end = round((source.duration if track.end is None else track.end) * rate)
    at = round(track.at * rate)
    notes = tuple(_track_notes(track))
    while at < total and end > begin:
        count = min(end - begin, total - at)
        yield Cut(
            0,
            source,
            track.tile,
            at,
            at + count,
            begin,
            begin + count,
            gain_db=track.gain_db,
            notes=notes,
        )
        at += count
        if not track.loop:
            return


def _track_notes(track: Track) -> Iterator[str]:
    if track.gain_db:
        yield f"level {track.gain_db:+g} dB"
    if track.duck_db:
        softer = "while somebody speaks" if track.kind == "music" else "for all else under this"
        yield f"{track.duck_db:+g} dB {softer}"
    if track.fade_s:
        yield f"fades in and out over {track.fade_s:g} s"


def notes_of(timeline: Timeline) -> list[str]:
    """What is done to the whole that no track holds, and no motion (`motion_notes`)."""
    notes: list[str] = []
    if (framing := timeline.framing) is not None and framing.fit == "pad":
        notes.append("every picture is shown whole over a blurred copy of itself")
    if (sound := timeline.sound) is not None:
        if sound.denoise:
            notes.append("noise is taken out of the whole sound")
        if sound.loudness_lufs is not None:
            notes.append(
                f"the whole sound is at {sound.loudness_lufs:g} LUFS, at most "
                f"{sound.true_peak_db:g} dBTP"
            )
    return notes
