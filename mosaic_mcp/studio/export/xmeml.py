"""Final Cut Pro 7 XML (xmeml 5): what Premiere and Resolve import with cuts, links and motion."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from fractions import Fraction
from urllib.parse import quote

from mosaic_mcp.studio.export.cuts import Cut, plain
from mosaic_mcp.studio.export.lanes import Lane, lanes_at, notes_of
from mosaic_mcp.studio.export.marks import marks_of
from mosaic_mcp.studio.export.media import (
    frames_in,
    label_rate,
    numbered,
    own_rate,
    sequence_rate,
    timebase,
)
from mosaic_mcp.studio.export.motion import Place, motion_of
from mosaic_mcp.studio.timeline.model import Source, Timeline
from mosaic_mcp.studio.timeline.timecode import Numbering

AUDIO_RATE = 48_000


def xmeml(timeline: Timeline, paths: Mapping[str, str]) -> bytes:
    """The sequence as XML; `paths` are relative paths of the sources by hash."""
    root = ET.Element("xmeml", version="5")
    sequence = _add(root, "sequence", id="sequence-1")
    rate = sequence_rate(timeline.frame_rate)
    lanes = lanes_at(timeline, rate)
    total = max((lane.cuts[-1].record_out for lane in lanes if lane.cuts), default=0)
    _text(sequence, "name", timeline.name)
    _text(sequence, "duration", total)
    _rate(sequence, rate)
    _timecode(sequence, rate, Numbering(timebase(rate)[0]), 0)
    media = _add(sequence, "media")
    writer = _Writer(timeline, paths, lanes)
    writer.video(_add(media, "video"))
    writer.audio(_add(media, "audio"))
    for mark in marks_of(timeline, rate):
        _marker(sequence, mark.text, mark.kind, mark.first, mark.first + mark.count)
    for note in notes_of(timeline):
        _marker(sequence, note, "not in this sequence", 0)
    ET.indent(root)
    head = b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n'
    return head + ET.tostring(root, "utf-8")


class _Writer:
    """Writes clip items; a file is described once and referred to after."""

    def __init__(self, timeline: Timeline, paths: Mapping[str, str], lanes: list[Lane]) -> None:
        self.timeline = timeline
        self.paths = paths
        self.lanes = lanes
        self.rate = sequence_rate(timeline.frame_rate)
        self.described: set[str] = set()
        self.linked = _linked(lanes)

    def video(self, video: ET.Element) -> None:
        sample = _add(_add(video, "format"), "samplecharacteristics")
        _rate(sample, self.rate)
        _text(sample, "width", self.timeline.width)
        _text(sample, "height", self.timeline.height)
        _text(sample, "anamorphic", "FALSE")
        _text(sample, "pixelaspectratio", "square")
        _text(sample, "fielddominance", "none")
        for number, lane in enumerate(lane for lane in self.lanes if lane.kind == "Video"):
            track = _add(video, "track")
            for index, cut in enumerate(lane.cuts):
                own = lane.name == "Video"
                name = f"video-{cut.index}" if own else f"above-{number}-{index}"
                item = self._item(track, cut, name)
                self._motion(item, cut)
                if own:
                    self._links(item, cut)

    def audio(self, audio: ET.Element) -> None:
        """The clips' own sound linked to their pictures, then every other lane; by channel."""
        sample = _add(_add(audio, "format"), "samplecharacteristics")
        _text(sample, "depth", 16)
        _text(sample, "samplerate", AUDIO_RATE)
        for number, lane in enumerate(lane for lane in self.lanes if lane.kind == "Audio"):
            for channel in range(1, max(map(_channels, lane.cuts), default=0) + 1):
                track = _add(audio, "track")
                for index, cut in enumerate(lane.cuts):
                    if _channels(cut) < channel:
                        continue
                    own = lane.name == "Audio"
                    name = f"audio-{cut.index}" if own else f"track-{number}-{index}"
                    item = self._item(track, cut, f"{name}-{channel}")
                    place = _add(item, "sourcetrack")
                    _text(place, "mediatype", "audio")
                    _text(place, "trackindex", channel)
                    if own:
                        self._links(item, cut)
                    elif cut.gain_db:
                        _level(item, cut.gain_db)

    def _item(self, track: ET.Element, cut: Cut, item_id: str) -> ET.Element:
        item = _add(track, "clipitem", id=item_id)
        _text(item, "name", cut.source.name)
        _text(item, "enabled", "TRUE")
        # `in` and `out` are in the rate that the item states. For every source that is the
        # sequence's: Premiere and Resolve are reported to read them so whatever is stated.
        _text(item, "duration", frames_in(cut, self.rate))
        _rate(item, self.rate)
        _text(item, "start", cut.record_in)
        _text(item, "end", cut.record_out)
        _text(item, "in", cut.source_in)
        _text(item, "out", cut.source_out)
        if cut.source.kind == "image":
            _text(item, "stillframe", "TRUE")
            _text(item, "alphatype", "straight")
        self._file(item, cut.source)
        for note in cut.notes:
            _marker(item, note, "not in this sequence", cut.source_in)
        return item

    def _file(self, item: ET.Element, source: Source) -> None:
        file = _add(item, "file", id=f"file-{source.sha256[:12]}")
        if source.sha256 in self.described:
            return
        self.described.add(source.sha256)
        rate = own_rate(source, self.rate)
        _text(file, "name", source.name)
        _text(file, "pathurl", quote(self.paths[source.sha256]))
        _rate(file, rate)
        # A still is as long as its longest use.
        uses = (
            cut for lane in self.lanes for cut in lane.cuts if cut.source.sha256 == source.sha256
        )
        _text(file, "duration", max(frames_in(cut, rate) for cut in uses))
        labels = label_rate(source, rate)
        _timecode(file, labels, *numbered(source, labels))
        media = _add(file, "media")
        if source.kind != "audio":
            sample = _add(_add(media, "video"), "samplecharacteristics")
            _rate(sample, rate)
            _text(sample, "width", source.width)
            _text(sample, "height", source.height)
        if source.audio_channels:
            audio = _add(media, "audio")
            sample = _add(audio, "samplecharacteristics")
            _text(sample, "depth", 16)
            _text(sample, "samplerate", source.audio_rate)
            _text(audio, "channelcount", source.audio_channels)

    def _links(self, item: ET.Element, cut: Cut) -> None:
        """Tie picture and sound of a clip together, so that editors move them as one."""
        for (kind, track), places in self.linked.items():
            if cut.index not in places:
                continue
            link = _add(item, "link")
            name = f"{kind}-{cut.index}"
            _text(link, "linkclipref", name if kind == "video" else f"{name}-{track}")
            _text(link, "mediatype", kind)
            _text(link, "trackindex", track)
            _text(link, "clipindex", places[cut.index])

    def _motion(self, item: ET.Element, cut: Cut) -> None:
        """Scale, place and opacity as an editor's own, to be changed there."""
        motion = motion_of(cut, self.timeline, self.rate)
        if abs(motion.scale - 1) >= 0.001 or motion.places:
            effect = _effect(item, "Basic Motion", "basic", "motion", "video")
            _text(_parameter(effect, "scale", "Scale"), "value", round(100 * motion.scale, 3))
            if motion.places:
                _centre(_parameter(effect, "center", "Center"), motion.places, cut.source)
        if motion.opacity < 1:
            effect = _effect(item, "Opacity", "opacity", "motion", "video")
            parameter = _parameter(effect, "opacity", "Opacity")
            _text(parameter, "value", round(100 * motion.opacity, 1))


def _linked(lanes: Sequence[Lane]) -> dict[tuple[str, int], dict[int, int]]:
    """The tracks whose clips are linked, and where in each of them a clip is, from 1."""
    pictures = [cut for lane in lanes if lane.name == "Video" for cut in lane.cuts]
    sounds = [cut for lane in lanes if lane.name == "Audio" for cut in lane.cuts]
    tracks = {("video", 1): pictures}
    for channel in (1, 2):
        tracks["audio", channel] = [cut for cut in sounds if _channels(cut) >= channel]
    return {
        track: {cut.index: place for place, cut in enumerate(cuts, 1)}
        for track, cuts in tracks.items()
    }


def _channels(cut: Cut) -> int:
    return 0 if cut.muted else min(cut.source.audio_channels, 2)


def _centre(parameter: ET.Element, places: Sequence[Place], source: Source) -> None:
    """Where the picture's centre is: keys, or one value of what never moves."""
    for place in places:
        at = parameter
        if len(places) > 1:
            at = _add(parameter, "keyframe")
            _text(at, "when", place.frame)
        value = _add(at, "value")
        # From the canvas' centre, in shares of the source's size: so Premiere writes and reads it.
        _text(value, "horiz", round(place.x / source.width, 6))
        _text(value, "vert", round(place.y / source.height, 6))


def _level(item: ET.Element, gain_db: float) -> None:
    """The level as the editor's own fader: a factor, 1 as recorded."""
    effect = _effect(item, "Audio Levels", "audiolevels", "audiolevels", "audio")
    _text(_parameter(effect, "level", "Level"), "value", round(10 ** (gain_db / 20), 5))


def _effect(item: ET.Element, name: str, effect_id: str, kind: str, media: str) -> ET.Element:
    effect = _add(_add(item, "filter"), "effect")
    _text(effect, "name", name)
    _text(effect, "effectid", effect_id)
    _text(effect, "effectcategory", kind)
    _text(effect, "effecttype", kind)
    _text(effect, "mediatype", media)
    return effect


def _marker(parent: ET.Element, name: str, comment: str, frame: int, end: int = -1) -> None:
    marker = _add(parent, "marker")
    _text(marker, "name", name)
    _text(marker, "comment", comment)
    _text(marker, "in", frame)
    _text(marker, "out", end)


def _parameter(effect: ET.Element, name: str, title: str) -> ET.Element:
    parameter = _add(effect, "parameter")
    _text(parameter, "parameterid", name)
    _text(parameter, "name", title)
    return parameter


def _add(parent: ET.Element, tag: str, **attributes: str) -> ET.Element:
    return ET.SubElement(parent, tag, attributes)


def _text(parent: ET.Element, tag: str, value: object) -> None:
    # XML 1.0 has no place for control characters; user names may hold some.
    ET.SubElement(parent, tag).text = plain(str(value))


def _rate(parent: ET.Element, rate: Fraction) -> None:
    base, ntsc = timebase(rate)
    element = _add(parent, "rate")
    _text(element, "timebase", base)
    _text(element, "ntsc", "TRUE" if ntsc else "FALSE")


def _timecode(parent: ET.Element, rate: Fraction, numbering: Numbering, first: int) -> None:
    element = _add(parent, "timecode")
    _rate(element, rate)
    _text(element, "string", numbering.label(first))
    _text(element, "frame", first)
    _text(element, "displayformat", "DF" if numbering.drop else "NDF")
