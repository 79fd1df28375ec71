"""Captions With Emojis: captions, and a picture above a word that has one."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache

from mosaic_mcp.contract.languages import in_words, is_english
from mosaic_mcp.contract.tiles.params import NoParams
from mosaic_mcp.studio.render.emojis import WORDS
from mosaic_mcp.studio.tiles.captions import words_to_show
from mosaic_mcp.studio.tiles.speech.relevance import stems
from mosaic_mcp.studio.tiles.tile import TileContext, each_of
from mosaic_mcp.studio.timeline.model import Captions, CaptionStyle, CaptionWord, Timeline

NOTE = (
    "An emoji pops up above an English word that has one in our table of some 800 words, seldom "
    "enough not to tire; other languages get captions alone, in Latin, Cyrillic and Greek letters: "
    "other scripts are refused, and emojis of the subtitles left out. Hesitations are left out. "
    "The artwork is Twemoji's; Mosaic's look is not public."
)

LOOK = CaptionStyle(
    style="scaling",
    base_color="#FFFFFF",
    highlight_color="#FFD84D",
    font_weight="900",
    min_words=1,
    max_words=3,
)
APART = Fraction(12, 10)
"""Seconds from one emoji to the next."""
AGAIN = Fraction(10)
"""Seconds after which the same emoji may come again."""


async def apply(
    inputs: Sequence[Timeline],
    params: NoParams,  # noqa: ARG001 - it has none
    context: TileContext,
) -> list[Timeline]:
    """Caption every input; captions that are already there are replaced."""
    return [await _captioned(timeline, part) for timeline, part in each_of(inputs, context)]


async def _captioned(timeline: Timeline, context: TileContext) -> Timeline:
    words, language = await words_to_show(
        timeline, "Captions With Emojis", context, families=[LOOK.font], fillers=False
    )
    if is_english(language):
        words = with_emojis(words)
    else:
        await context.warn(f"no emojis for {in_words(language)}")
    captions = Captions(tile=context.node, words=tuple(words), look=LOOK)
    return timeline.model_copy(update={"captions": captions})


def with_emojis(words: Sequence[CaptionWord]) -> list[CaptionWord]:
    """The words, in order, some with an emoji."""
    marked: list[CaptionWord] = []
    last: dict[str, Fraction] = {}
    latest: tuple[str, Fraction] | None = None
    for word in words:
        emoji = emoji_of(word.text)
        near = latest is not None and latest[0] == word.source and word.start - latest[1] < APART
        seen = last.get(emoji)
        if emoji and not near and (seen is None or word.start - seen >= AGAIN):
            latest, last[emoji] = (word.source, word.start), word.start
            word = word.model_copy(update={"emoji": emoji})  # noqa: PLW2901
        marked.append(word)
    return marked


def emoji_of(word: str) -> str:
    """The emoji that stands for an English word; empty when there is none."""
    return next((e for s in stems(word, "en") if (e := _table().get(s))), "")


@cache
def _table() -> dict[str, str]:
    """Emojis by the stems of their words; the first that has a word keeps it."""
    table: dict[str, str] = {}
    for line in WORDS.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            emoji, *words = line.split()
            for word in words:
                for stem in stems(word, "en"):
                    table.setdefault(stem, emoji)
    return table
