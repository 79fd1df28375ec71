"""Final Cut Pro 7 XML (xmeml 5): what Premiere and Resolve import with cuts, links and motion."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from fractions import Fraction
from urllib.parse import quote

from mosaic_mcp.studio.export.cuts import Cut, frames_in, plain, timebase
from mosaic_mcp.studio.export.lanes import Lane, lanes_of, notes_of
from mosaic_mcp.studio.export.subtitles import cues_of
from mosaic_mcp.studio.render.framing import centre
from mosaic_mcp.studio.timeline.model import Timeline

AUDIO_RATE = 48_000
KEY_EVERY_S = Fraction(1, 4)
"""Motion is written as a key this often: editors ease between keys in their own way."""


def xmeml(timeline: Timeline, paths: Mapping[str, str]) -> bytes:
    """The sequence as XML; `paths` are relative paths of the sources by hash."""
    root = ET.Element("xmeml", version="5")
    sequence = _add(root, "sequence", id="sequence-1")
    lanes = lanes_of(timeline)
    total = max((lane.cuts[-1].record_out for lane in lanes if lane.cuts), default=0)
    _text(sequence, "name", timeline.name)
    _text(sequence, "duration", total)
    _rate(sequence, timeline.frame_rate)
    _timecode(sequence, timeline.frame_rate)
    media = _add(sequence, "media")
    writer = _Writer(timeline, paths)
    writer.video(_add(media, "video"), [lane for lane in lanes if lane.kind == "Video"])
    writer.audio(_add(media, "audio"), [lane for lane in lanes if lane.kind == "Audio"])
    for cue in cues_of(timeline):
        _marker(sequence, cue.text, "caption", round(cue.start * timeline.frame_rate))
    for note in notes_of(timeline):
        _marker(sequence, note, "not in this sequence", 0)
    ET.indent(root)
    head = b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n'
    return head + ET.tostring(root, "utf-8")


class _Writer:
    """Writes clip items; a file is described once and referred to after."""

    def __init__(self, timeline: Timeline, paths: Mapping[str, str]) -> None:
        self.timeline = timeline
        self.paths = paths
        self.described: set[str] = set()

    def video(self, video: ET.Element, lanes: list[Lane]) -> None:
        sample = _add(_add(video, "format"), "samplecharacteristics")
        _rate(sample, self.timeline.frame_rate)
        _text(sample, "width", self.timeline.width)
        _text(sample, "height", self.timeline.height)
        _text(sample, "anamorphic", "FALSE")
        _text(sample, "pixelaspectratio", "square")
        _text(sample, "fielddominance", "none")
        for number, lane in enumerate(lanes):
            track = _add(video, "track")
            for index, cut in enumerate(lane.cuts):
                if number == 0:
                    item = self._item(track, cut, f"video-{cut.index}")
                    self._motion(item, cut)
                    self._links(item, cut)
                else:
                    item = self._item(track, cut, f"cutaway-{number}-{index}")
                    self._motion(item, cut, fill=True)

    def audio(self, audio: ET.Element, lanes: list[Lane]) -> None:
        """The clips' own sound linked to their pictures, then every other lane; by channel."""
        sample = _add(_add(audio, "format"), "samplecharacteristics")
        _text(sample, "depth", 16)
        _text(sample, "samplerate", AUDIO_RATE)
        for number, lane in enumerate(lanes):
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
        rate = self.timeline.frame_rate
        _text(item, "name", cut.source.name)
        _text(item, "enabled", "TRUE")
        _text(item, "duration", frames_in(cut, rate))
        _rate(item, rate)
        _text(item, "start", cut.record_in)
        _text(item, "end", cut.record_out)
        _text(item, "in", cut.source_in)
        _text(item, "out", cut.source_out)
        self._file(item, cut)
        for note in cut.notes:
            _marker(item, note, "not in this sequence", cut.source_in)
        return item

    def _file(self, item: ET.Element, cut: Cut) -> None:
        source = cut.source
        file = _add(item, "file", id=f"file-{source.sha256[:12]}")
        if source.sha256 in self.described:
            return
        self.described.add(source.sha256)
        rate = self.timeline.frame_rate
        _text(file, "name", source.name)
        _text(file, "pathurl", quote(self.paths[source.sha256]))
        _rate(file, rate)
        _text(file, "duration", frames_in(cut, rate))
        _timecode(file, rate)
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
        ends = [(f"video-{cut.index}", "video", 1)]
        ends += [
            (f"audio-{cut.index}-{channel}", "audio", channel)
            for channel in range(1, _channels(cut) + 1)
        ]
        for reference, kind, track in ends:
            link = _add(item, "link")
            _text(link, "linkclipref", reference)
            _text(link, "mediatype", kind)
            _text(link, "trackindex", track)
            _text(link, "clipindex", cut.index + 1)

    def _motion(self, item: ET.Element, cut: Cut, *, fill: bool = False) -> None:
        """Scale and position: the reframe as an editor's own keys, to be changed there."""
        timeline, source = self.timeline, cut.source
        scales = (timeline.width / source.width, timeline.height / source.height)
        framing = timeline.framing
        crop = not fill and not cut.whole and framing is not None and framing.fit == "crop"
        scale = max(scales) if crop or fill else min(scales)
        if abs(scale - 1) < 0.001 and not crop:
            return
        effect = _add(_add(item, "filter"), "effect")
        _text(effect, "name", "Basic Motion")
        _text(effect, "effectid", "basic")
        _text(effect, "effectcategory", "motion")
        _text(effect, "effecttype", "motion")
        _text(effect, "mediatype", "video")
        parameter = _parameter(effect, "scale", "Scale")
        _text(parameter, "value", round(100 * scale, 3))
        if not crop or framing is None:
            return
        parameter = _parameter(effect, "center", "Center")
        keys = framing.paths.get(source.sha256, ())
        rate = timeline.frame_rate
        step = max(1, round(KEY_EVERY_S * rate))
        last: tuple[float, float] | None = None
        for frame in range(cut.source_in, cut.source_out, step):
            x, y = centre(keys, Fraction(frame) / rate)
            # Offsets of the picture's centre, in shares of the canvas.
            place = (
                round((0.5 - x) * source.width * scale / timeline.width, 5),
                round((0.5 - y) * source.height * scale / timeline.height, 5),
            )
            if place == last:
                continue
            last = place
            key = _add(parameter, "keyframe")
            _text(key, "when", frame)
            value = _add(key, "value")
            _text(value, "horiz", place[0])
            _text(value, "vert", place[1])


def _channels(cut: Cut) -> int:
    return min(cut.source.audio_channels, 2)


def _level(item: ET.Element, gain_db: float) -> None:
    """The level as the editor's own fader: a factor, 1 as recorded."""
    effect = _add(_add(item, "filter"), "effect")
    _text(effect, "name", "Audio Levels")
    _text(effect, "effectid", "audiolevels")
    _text(effect, "effectcategory", "audiolevels")
    _text(effect, "effecttype", "audiolevels")
    _text(effect, "mediatype", "audio")
    _text(_parameter(effect, "level", "Level"), "value", round(10 ** (gain_db / 20), 5))


def _marker(parent: ET.Element, name: str, comment: str, frame: int) -> None:
    marker = _add(parent, "marker")
    _text(marker, "name", name)
    _text(marker, "comment", comment)
    _text(marker, "in", frame)
    _text(marker, "out", -1)


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


def _timecode(parent: ET.Element, rate: Fraction) -> None:
    element = _add(parent, "timecode")
    _rate(element, rate)
    _text(element, "string", "00:00:00:00")
    _text(element, "frame", 0)
    _text(element, "displayformat", "NDF")
