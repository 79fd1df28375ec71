"""AI B-Roll: what is shown when, decided on timelines with known words."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from mosaic_mcp.contract.tiles.generation import BRollParams
from mosaic_mcp.errors import MediaError, Unsupported
from mosaic_mcp.studio.ingest.footage import found_in
from mosaic_mcp.studio.perception.model import Interval
from mosaic_mcp.studio.providers import Providers
from mosaic_mcp.studio.tiles import b_roll
from mosaic_mcp.studio.tiles.speech.moments import BETWEEN, LONGEST, OPENING, SHORTEST
from mosaic_mcp.studio.tiles.speech.spans import keep
from mosaic_mcp.studio.tiles.tile import Footage
from mosaic_mcp.studio.timeline.edit import shown, trim
from mosaic_mcp.studio.timeline.model import Track
from tests.support.tiles import Known, Makes, context, source, speak, talk, timeline

SCRIPT = (
    "Coffee is what I like in the morning. (2.0) Grind the beans just before you brew. (2.0) "
    "My mountain bike stands in the hall. (2.0) I ride up every steep hill before breakfast. (2.0) "
    "Then more coffee comes, hot and black, as it should be. (2.0) The bike waits for tomorrow."
)


def clips(**seconds: int):
    return {name: source(name, Fraction(length)) for name, length in seconds.items()}


def scenes(timeline):
    """`(start, end, source)` of every scene, in output time and order."""
    found = [
        (*place, cut.source) for cut in timeline.cutaways for place in shown(timeline, cut.over)
    ]
    return sorted(found)


def starts_of(words, *texts):
    return [w.start for w in words if w.text in texts]


async def rolled(script=SCRIPT, *, making=None, own=None, warnings=None, **params):
    uncut, known = talk(script)
    own = own or {}
    params.setdefault("coverage_level", "maximal")
    given = BRollParams(clips=list(own), **params)
    [made] = await b_roll.apply(
        [uncut], given, context(known, making=making, warnings=warnings, **own)
    )
    return made, known.truth["talk"]


async def test_a_clip_is_shown_where_its_name_is_said_and_the_sound_goes_on():
    made, words = await rolled(own=clips(mountain_bike=9, coffee=9))
    assert [s for *_, s in scenes(made)] == ["mountain_bike", "coffee", "mountain_bike"]
    starts = starts_of(words, "My", "Then", "The")
    assert [start for start, *_ in scenes(made)] == starts
    uncut, _ = talk(SCRIPT)
    assert made.clips == uncut.clips
    assert {c.tile for c in made.cutaways} == {"node-1"}


async def test_the_opening_stays_with_the_speaker():
    made, _ = await rolled(own=clips(coffee=9))
    assert all(start >= OPENING for start, *_ in scenes(made))


@pytest.mark.parametrize("level", ["minimal", "moderate", "high", "maximal"])
async def test_scenes_have_a_length_and_a_distance_and_are_no_more_than_the_level_says(level):
    made, _ = await rolled(
        SCRIPT + " (2.0) " + SCRIPT, own=clips(bike=60, coffee=60, hill=60), coverage_level=level
    )
    found = scenes(made)
    assert all(SHORTEST <= end - start <= LONGEST for start, end, _ in found)
    assert all(b[0] - a[1] >= BETWEEN for a, b in pairwise(found))
    most = max(1, round(made.duration * b_roll.PER_MINUTE[level] / 60))
    assert 1 <= len(found) <= most
    assert all(a[2] != b[2] for a, b in pairwise(found))


async def test_a_clip_that_is_shown_again_goes_on_where_it_was_left_off():
    made, _ = await rolled(own=clips(bike=9, coffee=9))
    first, second = sorted((c for c in made.cutaways if c.source == "bike"), key=lambda c: c.start)
    assert (first.start, second.start) == (0, first.over.end - first.over.start)


async def test_a_clip_that_is_shorter_than_a_scene_may_be_is_left_out_and_that_is_told():
    told: list[str] = []
    made, _ = await rolled(own=clips(bike=1, coffee=3), warnings=told)
    assert told == ["bike.mp4 is shorter than 2 s: left out"]
    assert {s for *_, s in scenes(made)} == {"coffee"}
    assert all(end - start <= 3 for start, end, _ in scenes(made))


async def test_tags_say_what_a_clip_shows():
    made, words = await rolled(own=clips(IMG_1234=9), clip_tags=["steep hill, forest"])
    [(start, end, _)] = scenes(made)
    assert "hill" in [w.text for w in words if start <= w.start < end]


async def test_a_picture_comes_slowly_nearer_in_the_size_of_the_video():
    own = {"bike": source("bike", Fraction(0), kind="image", width=400, height=300)}
    made, _ = await rolled(own=own)
    shown_as = made.sources["bike-zoom"]
    assert (shown_as.width, shown_as.height) == (made.width, made.height)
    assert {s for *_, s in scenes(made)} == {"bike-zoom"}


async def test_the_users_folder_serves_where_no_clips_are_given():
    found = [Footage("sport/bike.mp4", "sport bike", Path("/home/me/bike.mp4"))]
    made, _ = await rolled(making=Makes(footage=found, **clips(bike=9)))
    assert {s for *_, s in scenes(made)} == {"bike"}


async def test_words_that_go_with_no_clip_are_a_refusal_that_says_how():
    with pytest.raises(MediaError, match="whale") as refusal:
        await rolled(own=clips(whale=9))
    assert "clip_tags" in refusal.value.remedy


async def test_a_sound_is_no_clip():
    with pytest.raises(MediaError, match="is an audio, which cannot be seen"):
        await rolled(own={"bike": source("bike", kind="audio")})


async def test_without_clips_a_provider_makes_pictures_and_no_more_than_may_be_paid():
    making = Makes("image")
    made, _ = await rolled(making=making, max_generations=2, style_prompt="Watercolour.")
    assert len(making.wishes) == len(scenes(made)) == 2
    assert all(w.prompt.endswith("Watercolour.") for w in making.wishes)
    assert {(w.width, w.height) for w in making.wishes} == {(1280, 720)}
    assert all(a[1] < b[0] for a, b in pairwise(scenes(made)))


async def test_without_clips_and_provider_it_is_refused_with_what_to_do():
    with pytest.raises(Unsupported, match="nothing to show") as refusal:
        await rolled()
    assert "`clips`" in refusal.value.remedy
    assert "Needs your own" in b_roll.means(Providers())


async def test_words_that_cannot_be_relied_on_are_not_built_on():
    uncut, known = talk(SCRIPT)
    known.reliable = False
    own = clips(bike=9)
    with pytest.raises(Unsupported, match="B-roll cannot be placed"):
        await b_roll.apply([uncut], BRollParams(clips=["bike"]), context(known, **own))


async def test_a_scene_covers_the_jump_cuts_under_it():
    uncut, known = talk(SCRIPT)
    words = known.truth["talk"]
    ride = next(w for w in words if w.text == "ride")
    before = Interval(start=Fraction(0), end=ride.start)
    after = Interval(start=ride.end, end=uncut.duration)
    cut = keep(uncut, [before, after], "cut")
    params = BRollParams(clips=["hill"], coverage_level="maximal")
    [made] = await b_roll.apply([cut], params, context(known, **clips(hill=9)))
    [(start, end, _)] = scenes(made)
    seam = made.clips[0].duration
    assert start < seam < end


async def test_a_second_b_roll_leaves_the_scenes_of_the_first_alone():
    first, _ = await rolled(own=clips(bike=9), coverage_level="minimal")
    _, known = talk(SCRIPT)
    params = BRollParams(clips=["bike2"], clip_tags=["bike"], coverage_level="maximal")
    [both] = await b_roll.apply([first], params, context(known, **clips(bike2=9)))
    found = scenes(both)
    assert len(found) > len(first.cutaways)
    assert all(b[0] >= a[1] for a, b in pairwise(found))


async def test_scenes_lie_where_the_words_are_after_a_cut():
    uncut, known = talk(SCRIPT)
    start = starts_of(known.truth["talk"], "My")[0] - 4
    cut = trim(uncut, start, uncut.duration)
    params = BRollParams(clips=["mountain"], coverage_level="maximal")
    [made] = await b_roll.apply([cut], params, context(known, **clips(mountain=9)))
    [(at, _, _)] = scenes(made)
    assert at == 4


def test_a_folder_tells_by_names_folders_and_texts_what_is_in_it(tmp_path):
    folder = tmp_path / "b-roll"
    (folder / "coffee shop").mkdir(parents=True)
    (folder / ".cache").mkdir()
    for name in ("coffee shop/pouringMilk-02.mp4", "IMG_7.jpg", "notes.pdf", ".cache/old.mp4"):
        (folder / name).write_bytes(b"x")
    (folder / "IMG_7.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nA steep hill\n")
    (tmp_path / "secret.mp4").write_bytes(b"x")
    (folder / "link.mp4").symlink_to(tmp_path / "secret.mp4")
    found = {f.name: f.about.split() for f in found_in(folder)}
    assert found == {
        "coffee shop/pouringMilk-02.mp4": ["coffee", "shop", "pouring", "Milk"],
        "IMG_7.jpg": ["IMG", "A", "steep", "hill"],
    }
    assert found_in(tmp_path / "none") == []


async def test_a_voice_over_a_silent_video_calls_for_its_pictures():
    script = speak("(3) We stand in the kitchen now. (2) Then the coffee pours into a cup.")
    film = timeline(source("film", Fraction(20), audio_channels=0))
    voice = source("voice", Fraction(18), transcript="brought")
    narrated = film.model_copy(
        update={
            "sources": {**film.sources, "voice": voice},
            "tracks": (Track(source="voice", kind="voice"),),
        }
    )
    own = clips(coffee_pours=9)
    known = context(Known({"voice": script}), **own)
    params = BRollParams(clips=list(own), coverage_level="maximal")
    [made] = await b_roll.apply([narrated], params, known)
    [(start, _, shown_clip)] = scenes(made)
    assert (start, shown_clip) == (starts_of(script, "Then")[0], "coffee_pours")
