"""Whatever is said, in whatever rhythm: no tile cuts inside a word."""

from itertools import pairwise

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mosaic_mcp.contract.tiles.params import ClipsParams, RoughCutParams, SilenceRemovalParams
from mosaic_mcp.errors import MediaError, Unsupported
from mosaic_mcp.studio.tiles import clips, rough_cut, silence_removal
from tests.support.tiles import context, ranges, talk, torn, whole

word = st.sampled_from(["we", "look", "at", "telescopes", "mirrors.", "um", "uh", "light?", "and"])
pause = st.floats(0.01, 3).map(lambda s: f"({s:.3f})")
scripts = st.lists(st.one_of(word, word, word, pause), min_size=1, max_size=60).filter(
    lambda tokens: any(not t.startswith("(") for t in tokens)
)


@given(scripts)
@settings(max_examples=60, deadline=None)
def test_silence_removal_keeps_every_word_and_takes_every_filler(tokens):
    uncut, known = talk(" ".join(tokens))
    words = known.truth["talk"]
    spoken = [w for w in words if not w.filler]
    params = SilenceRemovalParams(remove_filler_words=True)

    async def cut():
        return await silence_removal.apply([uncut], params, context(known))

    if not spoken:
        with pytest.raises(Unsupported, match="Nothing of talk would be left"):
            anyio.run(cut)
        return
    [tight] = anyio.run(cut)
    assert whole(tight, spoken) == [w.text for w in spoken]
    for filler in (w for w in words if w.filler):
        heard = [
            min(b, filler.end) - max(a, filler.start)
            for a, b in ranges(tight)
            if a < filler.end and filler.start < b
        ]
        assert sum(heard) == 0


@given(scripts, st.integers(1, 6), st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_clips_never_tear_a_word_nor_overlap(tokens, count, target):
    uncut, known = talk(" ".join(tokens))

    async def cut():
        params = ClipsParams(num_clips=count, target_duration=target)
        return await clips.apply([uncut], params, context(known))

    try:
        found = anyio.run(cut)
    except MediaError:
        return  # nothing of that length is said
    assert len(found) <= count
    for clip in found:
        assert torn(clip, known.truth["talk"]) == []
    shown = sorted(r for clip in found for r in ranges(clip))
    assert all(a[1] <= b[0] for a, b in pairwise(shown))


@given(scripts)
@settings(max_examples=60, deadline=None)
def test_a_rough_cut_of_clips_of_a_tightened_talk_tears_no_word(tokens):
    uncut, known = talk(" ".join(tokens))

    async def cut():
        tight = await silence_removal.apply(
            [uncut], SilenceRemovalParams(remove_filler_words=False), context(known)
        )
        some = await clips.apply(tight, ClipsParams(num_clips=2, target_duration=4), context(known))
        return await rough_cut.apply(some, RoughCutParams(prompt="tighten"), context(known))

    try:
        cuts = anyio.run(cut)
    except (MediaError, Unsupported):
        return  # nothing of that length, or only fillers
    for rough in cuts:
        assert torn(rough, known.truth["talk"]) == []


@given(scripts, st.floats(0, 12), st.floats(0, 12), st.sampled_from(["keep only", "remove"]))
@settings(max_examples=60, deadline=None)
def test_a_rough_cut_by_times_tears_no_word_and_keeps_to_them(tokens, one, other, verb):
    start, end = sorted((round(one, 2), round(other, 2)))
    uncut, known = talk(" ".join(tokens))

    async def cut():
        prompt = f"{verb} from {start} to {end} seconds"
        return await rough_cut.apply([uncut], RoughCutParams(prompt=prompt), context(known))

    try:
        [rough] = anyio.run(cut)
    except Unsupported:
        return  # nothing is left
    words = known.truth["talk"]
    assert torn(rough, words) == []
    if start == end:
        return  # not a stretch, which is told
    for word in words:
        if any(a <= word.start and word.end <= b for a, b in ranges(rough)):
            inside = start <= (word.start + word.end) / 2 < end
            assert inside == (verb == "keep only")
