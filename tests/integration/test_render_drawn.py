"""What libass draws, in pixels: emojis in colour, words that move, cards that cover the picture."""

from fractions import Fraction as F

import av
import numpy as np
import pytest

from mosaic_mcp.studio.render.rendering import render
from mosaic_mcp.studio.render.templates import TEMPLATES
from mosaic_mcp.studio.timeline.edit import from_source
from mosaic_mcp.studio.timeline.model import (
    Captions,
    CaptionStyle,
    CaptionWord,
    CinematicStyle,
    Graphic,
    Span,
)
from tests.support.coded import FFMPEG, source_of, write_video

RATE = F(25)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Two seconds of gray."""
    path = tmp_path_factory.mktemp("plain") / "in.mp4"
    write_video(path, [np.full((180, 320), 90, np.uint8)] * 50, rate=RATE)
    return path, source_of(path)


@pytest.fixture
def shown(tmp_path, plain):
    """Render a gray video with more in its timeline; answers its frames in RGB."""
    count = iter(range(100))

    async def make(of=plain, **more) -> np.ndarray:
        number = next(count)
        job, out = tmp_path / f"job{number}", tmp_path / f"{number}.mp4"
        job.mkdir()
        timeline = from_source(of[1], tile="in").model_copy(update=more)
        files = {of[1].sha256: of[0]}
        await render(timeline, files, out, job=job, ffmpeg=FFMPEG, quality="standard")
        with av.open(out) as file:
            return np.stack([f.to_ndarray(format="rgb24") for f in file.decode(video=0)]).astype(
                int
            )

    return make


def said(source, **more) -> CaptionWord:
    return CaptionWord(source=source.sha256, text="launch", start=F(2, 5), end=F(8, 5), **more)


async def test_an_emoji_is_drawn_in_its_own_colours_from_its_word_on(plain, shown):
    word = said(plain[1], emoji="🔥")
    look = CaptionStyle(base_color="#FFFFFF", highlight_color="#FFFFFF")
    frames = await shown(captions=Captions(words=(word,), look=look))
    orange = (frames[..., 0] > 200) & (abs(frames[..., 1] - 150) < 60) & (frames[..., 2] < 90)
    flames = orange.sum(axis=(1, 2))
    assert flames[:10].max() == 0
    assert flames[14:20].min() > 80
    assert flames[10] < flames[13], "it grows"
    rows = np.flatnonzero(orange[20].any(axis=1))
    white = np.flatnonzero((frames[20].min(axis=2) > 200).any(axis=1))
    assert rows.max() <= white.min() + 2, "it stands above the words"


async def test_words_come_as_their_animation_says(plain, shown):
    async def lit(animation: str) -> np.ndarray:
        look = CinematicStyle(animation=animation, shade_color="#5A5A5A")
        frames = await shown(captions=Captions(words=(said(plain[1]),), look=look))
        return (frames.min(axis=3) - 90).clip(0).sum(axis=(1, 2))

    typed, popped = await lit("typewriter"), await lit("pop")
    assert typed[:10].max() < 2000 < typed[22]
    steps = typed[11:21]
    assert len(set(steps // 500)) >= 4, "letter after letter"
    assert popped[13] > 1.1 * popped[22], "larger first, then settled"


async def test_a_card_covers_the_whole_picture_while_its_span_is_shown(plain, shown):
    over = Span(source=plain[1].sha256, start=F(2, 5), end=F(8, 5))
    card = Graphic(kind="title", texts=("Hello",), over=over, whole=True, color="#FF0000")
    frames = await shown(graphics=(card,))
    edges = np.concatenate([frames[:, :8].reshape(50, -1), frames[:, -8:].reshape(50, -1)], axis=1)
    assert abs(edges[5].mean() - 90) < 4
    assert edges[27].max() < 40
    assert abs(edges[45].mean() - 90) < 4
    assert (frames[27].min(axis=2) > 200).sum() > 200, "its title is there"
    sweep = (frames[12, ..., 0] > 180) & (frames[12, ..., 1] < 60)
    assert sweep.mean() > 0.1, "colour goes before it"


async def test_every_graphic_is_drawn_with_sharp_letters(tmp_path, shown):
    kinds = sorted(TEMPLATES)
    path = tmp_path / "long.mp4"
    write_video(path, [np.full((360, 640), 90, np.uint8)] * 10 * 2 * len(kinds), rate=F(10))
    source = source_of(path)
    spans = [
        Span(source=source.sha256, start=F(2 * n), end=F(2 * n + 2)) for n in range(len(kinds))
    ]
    texts = ("40% MORE LIGHT", "MORE LIGHT")
    graphics = (
        Graphic(kind=kind, texts=texts, over=over) for kind, over in zip(kinds, spans, strict=True)
    )
    frames = await shown(of=(path, source), graphics=tuple(graphics))
    for number, kind in enumerate(kinds):
        grey = frames[20 * number + 12].mean(axis=2)
        steps = np.abs(grey[:, 2:] - grey[:, :-2])
        assert (steps > 30).sum() > 500, kind
        # From ink to ground within two pixels; blurred by a pixel, hardly any edge is so steep.
        assert (steps > 130).sum() > 0.3 * (steps > 30).sum(), kind


async def test_a_progress_bar_grows_with_the_video(plain, shown):
    frames = await shown(graphics=(Graphic(kind="progress", color="#00FF00"),))
    green = (frames[:, -1, :, 1] > 150) & (frames[:, -1, :, 0] < 90)
    widths = green.sum(axis=1)
    assert (np.diff(widths) >= 0).all()
    assert [abs(widths[n] - 320 * n / 50) < 12 for n in (10, 25, 40)] == [True] * 3
