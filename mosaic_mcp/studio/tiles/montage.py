"""Montage: the best of many inputs as one sequence, cut on the beats of a music."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import anyio.to_thread

from mosaic_mcp.contract.tiles.sound import MontageParams
from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.tiles.joining import differing, joined
from mosaic_mcp.studio.tiles.material import Material, Window, look_at
from mosaic_mcp.studio.tiles.montage_wish import Wish, length_read, wish_of
from mosaic_mcp.studio.tiles.reframe import face_path
from mosaic_mcp.studio.tiles.sight import intervals_of
from mosaic_mcp.studio.tiles.tile import TileContext
from mosaic_mcp.studio.timeline.model import Clip, CropKey, Framing, Source, Timeline, Track

NOTE = (
    "Cuts fall on beats of the audio (or of the BPM that is asked for) and lie within shots; the "
    "moments are chosen by sharpness, motion and faces, every input is shown while there is room, "
    "nothing twice. Of the prompt only pace (fast, slow) and length (“30 seconds”) are read; the "
    "run warns of times that are not taken for the length (“2 s clips”, “80s style”). With audio "
    "the inputs' own sound is off, and what they say is neither captioned nor written; without, it "
    "stays, and quick pictures are shown shorter. The first input's shape is kept, others are "
    "cropped to it. An input that is only sound (Audio Generation) is the audio."
)

USUAL_S = 30.0
"""Length without audio where none is asked for, if there is so much."""
SHORTEST = Fraction(1, 3)
"""Seconds: nobody sees what is shown for less."""
NEAR_ENOUGH = 0.15
"""Share of the length asked for by which it may be missed before that is told."""
MUSIC_LUFS = -14.0
FADE_S = 0.6


async def apply(
    inputs: Sequence[Timeline], params: MontageParams, context: TileContext
) -> list[Timeline]:
    """One sequence of all inputs."""
    shown = [t for t in inputs if any(_seen(t, c) for c in t.clips)]
    if not shown:
        raise MediaError(
            "There is no picture to make a montage of.", remedy="Connect videos to Montage."
        )
    audio = await _audio(inputs, params, context)
    wish = wish_of(params.prompt or "")
    if wish.passed_over:
        await context.warn(length_read(wish))
    material = await look_at(shown, context)
    room = material.seconds
    grid = await _grid(audio, params, room, wish, context)
    rate = shown[0].frame_rate
    # In a thread: hours of material have so many windows that it takes seconds.
    clips = await anyio.to_thread.run_sync(_chosen, material, grid, wish, rate)
    if not clips:
        raise MediaError(
            "The inputs are too short to cut between them.", remedy="Give longer videos."
        )
    made = await _sequence(shown, clips, audio, context)
    asked = f" of {wish.length_s:g} s that are asked for" if wish.length_s else ""
    if missed := _missed(made.duration, wish, audio, room):
        await context.warn(missed)
    await context.report(1.0, f"{len(clips)} clips, {float(made.duration):.1f} s{asked}")
    return [made]


def _missed(length: Fraction, wish: Wish, audio: Source | None, room: Fraction) -> str | None:
    """What to tell of a montage that is not as long as was asked for, and why."""
    if wish.length_s is None or abs(float(length) / wish.length_s - 1) <= NEAR_ENOUGH:
        return None
    if audio is not None and audio.duration < min(room, Fraction(wish.length_s)):
        why = f"{audio.name} is no longer"
    else:
        why = f"too little material ({float(room):.1f} s), and nothing is shown twice"
    return f"it lasts {float(length):.1f} s, not the {wish.length_s:g} s asked for: {why}"


def _seen(timeline: Timeline, clip: Clip) -> bool:
    return timeline.sources[clip.source].kind == "video"


async def _audio(
    inputs: Sequence[Timeline], params: MontageParams, context: TileContext
) -> Source | None:
    """The uploaded audio, or the first input that is only sound."""
    if params.audio_id is not None:
        source = await context.assets.source(params.audio_id)
        if not source.audio_channels:
            raise MediaError(
                f"{source.name} ({params.audio_id}) has no sound.",
                remedy="Upload an audio file and give its id.",
            )
        return source
    for timeline in inputs:
        sounds = [timeline.sources[c.source] for c in timeline.clips]
        if sounds and all(source.kind == "audio" for source in sounds):
            return sounds[0]
    return None


async def _grid(
    audio: Source | None, params: MontageParams, room: Fraction, wish: Wish, context: TileContext
) -> list[Fraction]:
    """The beats from 0 to the end of the montage; none: it goes by what is seen."""
    end = min(room, Fraction(wish.length_s or USUAL_S).limit_denominator(1000))
    found: list[Fraction] = []
    if audio is not None:
        await context.report(0.75, f"finding the beats of {audio.name}")
        heard = await context.perception.beats(audio)
        found = list(heard.times)
        end = min(room, audio.duration)
        if wish.length_s:
            end = min(end, Fraction(wish.length_s).limit_denominator(1000))
        if not found and params.bpm is None:
            await context.warn(f"no beats in {audio.name}: it is cut by what is seen")
    if params.bpm is not None:
        first = found[0] if found else Fraction(0)
        period = Fraction(60) / Fraction(params.bpm).limit_denominator(1000)
        found = [first + n * period for n in range(int((end - first) / period) + 1)]
    return _filled(found, end)


def _filled(beats: list[Fraction], end: Fraction) -> list[Fraction]:
    """The beats with those that one would tap before the first and after the last, up to `end`.

    None where no beat lies between the beginning and the end.
    """
    if len(beats) < 2:
        return []
    gaps = sorted(b - a for a, b in pairwise(beats))
    period = gaps[len(gaps) // 2]
    before = beats[0]
    while before - period > period / 2:
        before -= period
        beats = [before, *beats]
    while beats[-1] + period <= end:
        beats = [*beats, beats[-1] + period]
    inside = [at for at in beats if period / 2 < at <= end]
    return [Fraction(0), *inside] if inside else []


def _chosen(material: Material, grid: Sequence[Fraction], wish: Wish, rate: Fraction) -> list[Clip]:
    return on_beats(material, grid, wish.pace_s, rate) if grid else by_sight(material, wish, rate)


def on_beats(
    material: Material, grid: Sequence[Fraction], pace_s: float, rate: Fraction
) -> list[Clip]:
    """Clips whose edges are the beats, in whole frames; it ends where there is nothing more."""
    beat = float(grid[-1] / (len(grid) - 1))
    step = 2 ** max(0, round(math.log2(pace_s / beat)))
    while step > 1 and (len(grid) - 1) / step < material.inputs:
        step //= 2
    frames = [round(at * rate) for at in grid]
    clips: list[Clip] = []
    slots = [(a, min(a + step, len(grid) - 1)) for a in range(0, len(grid) - 1, step)]
    for number, (first, last) in enumerate(slots):
        taken = _fill(material, frames, first, last, rate, len(slots) - number)
        clips += taken
        if sum((c.duration for c in taken), Fraction(0)) * rate < frames[last] - frames[first]:
            break
    return clips


def _fill(
    material: Material, frames: Sequence[int], first: int, last: int, rate: Fraction, left: int
) -> list[Clip]:
    """One clip from beat to beat, or shorter ones, between beats, where no shot is so long."""
    length = (frames[last] - frames[first]) / rate
    if length < SHORTEST:
        return []
    window = material.take(length, left)
    if window is not None:
        return [_clip(window, length, rate)]
    if last - first < 2:
        return []
    middle = (first + last) // 2
    early = _fill(material, frames, first, middle, rate, left)
    if not early:
        return []
    return early + _fill(material, frames, middle, last, rate, left)


def by_sight(material: Material, wish: Wish, rate: Fraction) -> list[Clip]:
    """Clips about as long as the pace says: shorter where much moves."""
    end = Fraction(wish.length_s or USUAL_S).limit_denominator(1000)
    longest = Fraction(wish.pace_s * 1.25).limit_denominator(100)
    clips: list[Clip] = []
    done = Fraction(0)
    while end - done > SHORTEST:
        left = max(1, int((end - done) / longest))
        window, length = None, longest
        while window is None and length >= SHORTEST:
            window = material.take(length, left)
            length = length if window else length * 2 / 3
        if window is None:
            break
        wanted = Fraction(wish.pace_s * (1.25 - 0.5 * window.motion)).limit_denominator(100)
        frames = int(min(length, wanted, end - done) * rate)
        if frames < 1:
            break
        clips.append(_clip(window, frames / rate, rate))
        done += clips[-1].duration
    return clips


def _clip(window: Window, length: Fraction, rate: Fraction) -> Clip:
    """The window as a clip that begins on a frame."""
    start = max(window.clip.start, Fraction(round(window.start * rate)) / rate)
    return window.clip.model_copy(update={"start": start, "end": start + length})


async def _sequence(
    shown: Sequence[Timeline], clips: Sequence[Clip], audio: Source | None, context: TileContext
) -> Timeline:
    """The clips on the first input's canvas, with the audio under them."""
    for told in differing(shown):
        await context.warn(told)
    if any(timeline.tracks or timeline.sound for timeline in shown):
        await context.warn(
            "voices, music and enhanced sound of the videos are left out: lay them behind Montage"
        )
    base = joined(shown, f"{shown[0].name}, montage")
    change: dict[str, object] = {
        "clips": tuple(clip.model_copy(update={"tile": context.node}) for clip in clips),
        "framing": await _framing(base, clips, context),
        "tracks": (),
        "sound": None,
    }
    if audio is not None:
        level = await context.perception.level(audio)
        length = sum((clip.duration for clip in clips), Fraction(0))
        track = Track(
            tile=context.node,
            source=audio.sha256,
            until=length,
            loop=audio.duration < length,
            gain_db=round(MUSIC_LUFS - level, 1) if level > -60 else 0.0,
            fade_s=FADE_S,
        )
        silent = tuple(c.model_copy(update={"volume": 0.0, "tile": context.node}) for c in clips)
        # None of their words would be shown.
        change |= {"clips": silent, "tracks": (track,), "captions": None}
        change["sources"] = {**base.sources, audio.sha256: audio}
    return base.model_copy(update=change)


async def _framing(base: Timeline, clips: Sequence[Clip], context: TileContext) -> Framing | None:
    """As it was; else every other shape is cropped to the canvas, at the face."""
    paths: dict[str, tuple[CropKey, ...]] = dict(base.framing.paths) if base.framing else {}
    if base.framing is not None and base.framing.fit == "pad":
        return base.framing
    canvas = Fraction(base.width, base.height)
    for sha in dict.fromkeys(clip.source for clip in clips):
        source = base.sources[sha]
        if sha not in paths and source.width and source.height:
            paths[sha] = ()
            if abs(Fraction(source.width, source.height) / canvas - 1) > Fraction(1, 50):
                paths[sha] = await face_path(source, intervals_of(sha, [base]), canvas, context)
    return Framing(tile=context.node, fit="crop", paths=paths)
