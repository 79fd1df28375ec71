"""Captions as an ASS file: words in groups, the spoken one standing out, inside the safe zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import pysubs2

from mosaic_mcp.studio.render import fonts
from mosaic_mcp.studio.render.fonts import Font
from mosaic_mcp.studio.timeline.edit import offsets
from mosaic_mcp.studio.timeline.model import Captions, CaptionStyle, Timeline

SIDE = 0.08
"""Share of the width kept free at each side: players put buttons there."""
LOWEST = 0.88
"""The lower edge of captions stays above this share of the height (the lowest 12 % are covered by
titles and controls in social apps)."""
HIGHEST = 0.06
PAUSE = Fraction(6, 10)
"""A pause this long ends a group."""
LINGER = Fraction(3, 10)
"""The last word of a group stays this long when nothing follows."""
MOST_LINES = 2


@dataclass(frozen=True, slots=True)
class Shown:
    """A word in output time."""

    text: str
    start: Fraction
    end: Fraction
    clip: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """The finished file and what was substituted."""

    text: str
    note: str


def shown_words(timeline: Timeline, captions: Captions) -> list[Shown]:
    """The words that the output says; one that a cut removed by more than half is not shown."""
    shown: list[Shown] = []
    for index, (clip, at) in enumerate(zip(timeline.clips, offsets(timeline), strict=False)):
        for word in captions.words:
            if word.source != clip.source:
                continue
            if clip.start <= (word.start + word.end) / 2 < clip.end:
                start = max(word.start, clip.start) - clip.start + at
                end = min(word.end, clip.end) - clip.start + at
                shown.append(Shown(clean(word.text), start, end, index))
    return [word for word in shown if word.text]


def clean(text: str) -> str:
    """Text without anything that ASS would obey: tags, escapes, line breaks."""
    return " ".join(text.replace("{", "(").replace("}", ")").replace("\\", "/").split())


def groups_of(words: Sequence[Shown], look: CaptionStyle) -> list[list[Shown]]:
    """Words that are shown together: min..max of them, ended by sentences, pauses and cuts.

    A sentence or a pause may leave a group shorter than min; a group is never longer than max.
    """
    groups: list[list[Shown]] = []
    group: list[Shown] = []
    for word, following in pairwise([*words, None]):
        assert word is not None  # noqa: S101 - only the last of the pairs' seconds is None
        group.append(word)
        ends = (
            following is None
            or len(group) >= look.max_words
            or following.start - word.end >= PAUSE
            or word.text.endswith((".", "?", "!", "…"))
            or (len(group) >= look.min_words and word.text.endswith((",", ";", ":")))
        )
        if ends:
            groups.append(group)
            group = []
    return groups


def ass_file(timeline: Timeline) -> Sheet:
    """The timeline's captions as ASS text, with a note on substituted fonts."""
    captions = timeline.captions
    if captions is None:
        raise ValueError("the timeline has no captions")
    look = captions.look
    words = shown_words(timeline, captions)
    text = "".join(word.text for word in words)
    font, note = fonts.choose(look.font, look.font_weight, text)
    groups = groups_of(words, look)
    size = font_size(timeline, look, font, groups)
    subs = pysubs2.SSAFile()
    subs.info.update(
        {
            "PlayResX": str(timeline.width),
            "PlayResY": str(timeline.height),
            "WrapStyle": "2",  # break only where we say
            "ScaledBorderAndShadow": "yes",
        }
    )
    subs.styles["Default"] = _style(timeline, look, font, size)
    for group, following in pairwise([*groups, None]):
        assert group is not None  # noqa: S101 - as above
        subs.events += _events(group, following, look, font, size, timeline)
    return Sheet(subs.to_string("ass"), note)


def font_size(
    timeline: Timeline, look: CaptionStyle, font: Font, groups: Sequence[Sequence[Shown]]
) -> float:
    """The size in pixels: as wished, or from the canvas, and always so that two lines fit."""
    automatic = 0.075 * min(timeline.width, timeline.height)
    size = look.font_size_px or automatic
    room = _room(timeline)
    # The active word of `scaling` grows by 12 %.
    growth = 1.12 if look.style == "scaling" else 1.0
    for group in groups:
        widest = max(
            (fonts.width_of(font, line, size) for line in _lines(group, font, size, room)),
            default=0.0,
        )
        if widest * growth > room:
            size *= room / (widest * growth)
    return size


def _room(timeline: Timeline) -> float:
    return timeline.width * (1 - 2 * SIDE)


def _lines(group: Sequence[Shown], font: Font, size: float, room: float) -> list[str]:
    return [" ".join(w.text for w in part) for part in _broken(group, font, size, room)]


def _broken(group: Sequence[Shown], font: Font, size: float, room: float) -> list[Sequence[Shown]]:
    """The group in one line, or in the two lines that are nearest to equal."""
    whole = " ".join(w.text for w in group)
    if len(group) < MOST_LINES or fonts.width_of(font, whole, size) <= room:
        return [group]

    def longer(split: int) -> float:
        parts = (group[:split], group[split:])
        return max(fonts.width_of(font, " ".join(w.text for w in p), size) for p in parts)

    best = min(range(1, len(group)), key=longer)
    return [group[:best], group[best:]]


def _events(
    group: Sequence[Shown],
    following: Sequence[Shown] | None,
    look: CaptionStyle,
    font: Font,
    size: float,
    timeline: Timeline,
) -> list[pysubs2.SSAEvent]:
    lines = _broken(group, font, size, _room(timeline))
    limit = following[0].start if following else timeline.duration
    end = min(group[-1].end + LINGER, max(limit, group[-1].end))
    if look.style == "karaoke":
        return [_event(group[0].start, end, _karaoke(lines, group))]
    events: list[pysubs2.SSAEvent] = []
    for index, word in enumerate(group):
        until = group[index + 1].start if index + 1 < len(group) else end
        if until > word.start:
            events.append(_event(word.start, until, _marked(lines, word, look)))
    return events


def _event(start: Fraction, end: Fraction, text: str) -> pysubs2.SSAEvent:
    return pysubs2.SSAEvent(start=round(start * 1000), end=round(end * 1000), text=text)


def _marked(lines: Sequence[Sequence[Shown]], active: Shown, look: CaptionStyle) -> str:
    """The group with the active word in the highlight colour, or larger as well."""
    tag = f"{{\\1c{_colour(look.highlight_color)}}}"
    if look.style == "scaling":
        tag = f"{{\\1c{_colour(look.highlight_color)}\\fscx112\\fscy112}}"
    return "\\N".join(
        " ".join(f"{tag}{w.text}{{\\r}}" if w is active else w.text for w in line) for line in lines
    )


def _karaoke(lines: Sequence[Sequence[Shown]], group: Sequence[Shown]) -> str:
    """The group with a fill that runs through each word while it is spoken."""
    at = group[0].start
    texts: list[str] = []
    for line in lines:
        parts: list[str] = []
        for word in line:
            wait = max(0, round((word.start - at) * 100))
            lasts = max(1, round((word.end - word.start) * 100))
            parts.append(f"{{\\k{wait}}}{{\\kf{lasts}}}{word.text}")
            at = max(at, word.end)
        texts.append(" ".join(parts))
    return "\\N".join(texts)


def _style(timeline: Timeline, look: CaptionStyle, font: Font, size: float) -> pysubs2.SSAStyle:
    scale = min(timeline.width, timeline.height) / 1080
    height = size * 1.25 * MOST_LINES
    # Alignment 2 grows upwards from a line at MarginV; the centre of two lines is where the
    # position says, moved so that both edges stay in the safe zone.
    centre = look.vertical_position / 100 * timeline.height
    low = min(centre + height / 2, LOWEST * timeline.height)
    low = max(low, HIGHEST * timeline.height + height)
    karaoke = look.style == "karaoke"
    return pysubs2.SSAStyle(
        fontname=font.name,
        fontsize=fonts.libass_size(font, size),
        bold=font.bold,
        primarycolor=_rgb(look.highlight_color if karaoke else look.base_color),
        secondarycolor=_rgb(look.base_color),
        outlinecolor=_rgb(look.stroke_color),
        backcolor=_rgb(look.shadow_color, 1 - look.shadow_opacity / 100),
        outline=look.stroke_width * scale if look.stroke_enabled else 0,
        shadow=look.shadow_blur * scale if look.shadow_enabled else 0,
        alignment=pysubs2.Alignment.BOTTOM_CENTER,
        marginl=round(SIDE * timeline.width),
        marginr=round(SIDE * timeline.width),
        marginv=round(timeline.height - low),
    )


def _rgb(colour: str, transparent: float = 0.0) -> pysubs2.Color:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return pysubs2.Color(red, green, blue, round(255 * transparent))


def _colour(colour: str) -> str:
    """`#RRGGBB` as ASS writes it in a tag: &HBBGGRR&."""
    return f"&H{colour[5:7]}{colour[3:5]}{colour[1:3]}&".upper()
