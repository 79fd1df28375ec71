"""Reframe: the face stays in the crop, and the crop moves like a camera."""

from fractions import Fraction
from itertools import pairwise
from math import cos, pi, sin

import pytest

from mosaic_mcp.contract.tiles.params import ReframeParams
from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.perception.model import Face
from mosaic_mcp.studio.tiles import reframe
from mosaic_mcp.studio.tiles.crop_path import MAX_SPEED, CropSize, follow
from mosaic_mcp.studio.timeline.model import CropKey, Timeline
from tests.support.tiles import Known, context, source, timeline

SIZE = CropSize.of(source(), Fraction(9, 16))
VERTICAL = ReframeParams(aspect_ratio="9:16")


def face(time, x: float, y: float = 0.4, size: float = 0.12) -> Face:
    return Face(time=Fraction(time), x=x, y=y, width=size, height=size * 16 / 9)


def at(keys: tuple[CropKey, ...], time: Fraction) -> tuple[float, float]:
    """Where the crop's centre is: smoothstep from key to key, a jump at cuts."""
    before = [k for k in keys if k.time <= time]
    after = [k for k in keys if k.time > time]
    if not after or after[0].cut:
        return before[-1].x, before[-1].y
    u = float((time - before[-1].time) / (after[0].time - before[-1].time))
    u = u * u * (3 - 2 * u)
    a, b = before[-1], after[0]
    return a.x + (b.x - a.x) * u, a.y + (b.y - a.y) * u


def share_inside(keys, truth, size: CropSize) -> float:
    """The share of moments at which the whole face is in the crop."""
    inside = 0
    for f in truth:
        x, y = at(keys, f.time)
        inside += abs(f.x - x) + f.width / 2 <= size.width / 2 + 1e-9 and (
            abs(f.y - y) + f.height / 2 <= size.height / 2 + 1e-9
        )
    return inside / len(truth)


def swaying(time: Fraction) -> float:
    return 0.5 + 0.03 * sin(2 * pi * float(time) / 3)


def walking(time: Fraction) -> float:
    return 0.5 - 0.3 * cos(2 * pi * float(time) / 12)


@pytest.mark.parametrize(
    ("size", "more", "canvas"),
    [
        ((1920, 1080), {}, (608, 1080)),
        ((1280, 720), {"aspect_ratio": "1:1"}, (720, 720)),
        ((3840, 2160), {}, (1080, 1920)),
        ((1920, 1080), {"zoom_out": True}, (1080, 1920)),
        ((1920, 1080), {"resolution": "full"}, (1080, 1920)),
    ],
)
async def test_at_the_sources_resolution_nothing_is_blown_up(size, more, canvas):
    talk = timeline(source(width=size[0], height=size[1]))
    params = ReframeParams.model_validate({"resolution": "source", **more})
    (out,) = await reframe.apply([talk], params, context(Known({}, faces=[face(1, 0.5)])))
    assert (out.width, out.height) == canvas


@pytest.mark.parametrize("movement", [swaying, walking])
@pytest.mark.parametrize("spacing", [Fraction(1, 4), Fraction(1)])
def test_the_face_is_inside_the_crop_in_98_percent_of_frames(movement, spacing):
    frames = [face(Fraction(n, 30), movement(Fraction(n, 30))) for n in range(30 * 24)]
    sampled = frames[:: int(spacing * 30)]
    keys = follow(sampled, [Fraction(0)], Fraction(24), SIZE)
    assert share_inside(keys, frames, SIZE) >= 0.98


def test_the_crop_rests_while_the_face_sways():
    sampled = [face(Fraction(n, 4), swaying(Fraction(n, 4))) for n in range(80)]
    keys = follow(sampled, [Fraction(0)], Fraction(20), SIZE)
    assert len({(k.x, k.y) for k in keys}) == 1


def test_the_crop_follows_a_face_that_moves_on_and_never_jumps():
    sampled = [face(Fraction(n, 4), 0.3 if n < 40 else 0.45) for n in range(80)]
    keys = follow(sampled, [Fraction(0)], Fraction(20), SIZE)
    assert [k.cut for k in keys] == [True, False, False]
    assert at(keys, Fraction(2))[0] == pytest.approx(0.3)
    assert at(keys, Fraction(18))[0] == pytest.approx(0.45)


@pytest.mark.parametrize("movement", [swaying, walking])
def test_pans_stay_below_the_speed_limit(movement):
    sampled = [face(Fraction(n, 4), movement(Fraction(n, 4))) for n in range(96)]
    keys = follow(sampled, [Fraction(0)], Fraction(24), SIZE)
    positions = [at(keys, Fraction(n, 30))[0] for n in range(30 * 24)]
    fastest = max(abs(b - a) * 30 / SIZE.width for a, b in pairwise(positions))
    assert fastest <= MAX_SPEED


def test_a_new_shot_is_met_with_a_cut_at_its_first_frame():
    shots = [Fraction(0), Fraction(10, 3)]
    sampled = [face(Fraction(n, 4), 0.25 if Fraction(n, 4) < shots[1] else 0.75) for n in range(28)]
    keys = follow(sampled, shots, Fraction(7), SIZE)
    assert [(k.time, k.cut) for k in keys] == [(Fraction(0), True), (shots[1], True)]
    assert at(keys, shots[1] - Fraction(1, 1000))[0] == pytest.approx(0.25)
    assert at(keys, shots[1])[0] == pytest.approx(0.75)


def test_a_face_is_looked_at_a_few_times_however_many_shots_there_are():
    asked: list[Fraction] = []

    class Asked(Face):
        def __getattribute__(self, name):
            if name == "time":
                asked.append(super().__getattribute__(name))
            return super().__getattribute__(name)

    faces = [
        Asked(time=Fraction(n, 4), x=0.3 if n // 4 % 2 else 0.6, y=0.4, width=0.1, height=0.2)
        for n in range(400)
    ]
    keys = follow(faces, [Fraction(n) for n in range(100)], Fraction(100), SIZE)
    assert [key.x for key in keys] == pytest.approx([0.6, 0.3] * 50)
    assert len(asked) < 10 * len(faces)


def test_somebody_else_on_the_other_side_is_cut_to_not_panned_to():
    sampled = [face(Fraction(n, 4), 0.2 if n % 8 < 4 else 0.8) for n in range(32)]
    keys = follow(sampled, [Fraction(0)], Fraction(8), SIZE)
    assert all(k.cut for k in keys)


def test_one_false_detection_moves_nothing():
    sampled = [face(Fraction(n, 4), 0.9 if n == 20 else 0.4) for n in range(40)]
    keys = follow(sampled, [Fraction(0)], Fraction(10), SIZE)
    assert {k.x for k in keys} == {0.4}


def test_a_shot_without_a_face_holds_the_last_place_and_a_video_without_one_the_centre():
    shots = [Fraction(0), Fraction(4)]
    sampled = [face(Fraction(n, 4), 0.3) for n in range(16)]
    keys = follow(sampled, shots, Fraction(8), SIZE)
    assert at(keys, Fraction(6))[0] == pytest.approx(0.3)
    assert [(k.x, k.y) for k in follow([], shots, Fraction(8), SIZE)] == [(0.5, 0.5)] * 2


def test_the_crop_never_leaves_the_picture():
    sampled = [face(Fraction(n, 4), 0.02 if n < 20 else 0.98) for n in range(40)]
    for key in follow(sampled, [Fraction(0)], Fraction(10), SIZE):
        assert SIZE.width / 2 <= key.x <= 1 - SIZE.width / 2
        assert key.y == 0.5


def test_the_face_gets_headroom_when_the_crop_is_lower_than_the_picture():
    tall = CropSize.of(source(width=1080, height=1920), Fraction(1))
    assert (tall.width, tall.height) == (1.0, pytest.approx(0.5625))
    _, y = tall.centre(face(0, 0.5, 0.5))
    assert 0.5 < y < 0.6  # the crop's centre is below the face's


@pytest.mark.parametrize(("shape", "canvas"), [("9:16", (1080, 1920)), ("1:1", (1080, 1080))])
async def test_the_canvas_has_the_shape_that_was_asked_for(shape, canvas):
    known = Known({}, faces=[face(0, 0.4)])
    [framed] = await reframe.apply(
        [timeline(source())], ReframeParams(aspect_ratio=shape), context(known)
    )
    assert (framed.width, framed.height) == canvas
    assert framed.framing.fit == "crop"
    assert framed.framing.tile == "node-1"
    assert framed.framing.paths["talk"][0].x == pytest.approx(0.4)


async def test_zooming_out_shows_the_whole_picture_and_looks_for_no_face():
    params = ReframeParams(aspect_ratio="9:16", zoom_out=True)
    [framed] = await reframe.apply([timeline(source())], params, context(Known({})))
    assert framed.framing.fit == "pad"
    assert framed.framing.paths == {}


async def test_where_no_face_is_shown_the_crop_stays_in_the_middle_and_that_is_told():
    talk = timeline(source(duration=Fraction(600)))
    # A face in a shot of which nothing is shown.
    known = Known({}, faces=[face(100, 0.2)], shots=[Fraction(0), Fraction(90), Fraction(110)])
    told: list[str] = []
    (out,) = await reframe.apply(
        [clipped(talk, (20, 30), (200, 210))], VERTICAL, context(known, warnings=told)
    )
    assert told == [
        "no face was found in talk: the crop stays in the middle; zoom_out=true shows the whole "
        "picture"
    ]
    assert out.framing is not None
    assert {(key.x, key.y) for key in out.framing.paths["talk"]} == {(0.5, 0.5)}


async def test_of_several_sources_the_one_without_a_face_is_named():
    both = timeline(source("one"), source("two"))
    told: list[str] = []

    class OneSpeaks(Near):
        async def faces(self, source, within=None):
            return await super().faces(source, within) if source.sha256 == "one" else ()

    known = OneSpeaks({}, faces=[face(1, 0.3)])
    await reframe.apply([both], VERTICAL, context(known, warnings=told))
    assert [text.partition(":")[0] for text in told] == [
        "no face was found in what one shows of two.mp4"
    ]


@pytest.mark.parametrize(
    ("picture", "params"),
    [
        (source(width=1080, height=1920), VERTICAL),
        (source(width=1366, height=768), ReframeParams(aspect_ratio="16:9")),
        (source(), ReframeParams(aspect_ratio="9:16", zoom_out=True)),
    ],
)
async def test_nothing_is_told_of_missing_faces_where_the_crop_leaves_nothing_out(picture, params):
    told: list[str] = []
    await reframe.apply([timeline(picture)], params, context(Known({}), warnings=told))
    assert told == []


async def test_nothing_is_told_of_missing_faces_where_a_shown_shot_has_one():
    told: list[str] = []
    talk = timeline(source(duration=Fraction(600)))
    known = Known({}, faces=[face(35, 0.3)], shots=[Fraction(0), Fraction(300)])
    (out,) = await reframe.apply([clipped(talk, (20, 30))], VERTICAL, context(known, warnings=told))
    assert told == []
    assert out.framing is not None
    assert at(out.framing.paths["talk"], Fraction(25))[0] == pytest.approx(0.3)


async def test_every_source_has_a_path_of_its_own():
    both = timeline(source("one"), source("two", width=1080, height=1920))
    [framed] = await reframe.apply([both], VERTICAL, context(Known({}, faces=[face(0, 0.3)])))
    one, two = framed.framing.paths["one"][0], framed.framing.paths["two"][0]
    assert (one.x, two.x) == (pytest.approx(0.3), 0.5)  # the second is vertical already


async def test_sound_alone_cannot_be_reframed():
    with pytest.raises(MediaError, match="no picture"):
        await reframe.apply(
            [timeline(source(width=0, height=0, kind="audio"))], VERTICAL, context(Known({}))
        )


async def test_faces_are_looked_for_only_in_what_is_shown_and_for_all_clips_in_one_go():
    talk = timeline(source(duration=Fraction(600)))
    known = Known({}, faces=[face(25, 0.3)])
    await reframe.apply(
        [clipped(talk, (20, 30)), clipped(talk, (400, 600))], VERTICAL, context(known)
    )
    first = known.looked_at[0]
    assert first is not None
    assert [(shown.start, shown.end) for shown in first] == [(19, 31), (399, 601)]


def clipped(talk: Timeline, *spans: tuple[int, int]) -> Timeline:
    """Parts of a talk of ten minutes."""
    clips = (
        talk.clips[0].model_copy(update={"start": Fraction(a), "end": Fraction(b)})
        for a, b in spans
    )
    return talk.model_copy(update={"clips": tuple(clips)})


async def test_what_other_clips_show_changes_nothing_in_the_path_of_one():
    talk = timeline(source(duration=Fraction(600)))
    one, other = clipped(talk, (20, 30)), clipped(talk, (400, 410))
    known = Near({}, faces=[face(n, 0.3) for n in range(20, 31)] + [face(405, 0.6)])
    (alone,) = await reframe.apply([one], VERTICAL, context(known))
    beside, _ = await reframe.apply([one, other], VERTICAL, context(known))
    assert beside == alone


async def test_behind_what_nobody_looked_at_the_crop_begins_anew():
    talk = timeline(source(duration=Fraction(600)))
    # So near that within a shot one place would do for both.
    known = Near({}, faces=[face(n, 0.5 if n < 100 else 0.55) for n in (22, 25, 402, 405)])
    (out,) = await reframe.apply([clipped(talk, (20, 30), (400, 410))], VERTICAL, context(known))
    assert out.framing is not None
    keys = out.framing.paths["talk"]
    assert (at(keys, Fraction(25))[0], at(keys, Fraction(405))[0]) == (0.5, 0.55)


class Near(Known):
    """Sees only what it is asked to look at."""

    async def faces(self, source, within=None):
        found = await super().faces(source, within)
        return tuple(f for f in found if any(w.start <= f.time < w.end for w in within or ()))
