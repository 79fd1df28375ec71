"""AI B-Roll: other pictures while somebody speaks, chosen by what is said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import anyio.to_thread

from mosaic_mcp.contract.tiles.generation import BRollParams
from mosaic_mcp.contract.words import a
from mosaic_mcp.errors import MediaError, Unsupported
from mosaic_mcp.studio.providers import Providers
from mosaic_mcp.studio.providers.provider import PictureWish, nearest_shape
from mosaic_mcp.studio.tiles.speech.heard import listen_to_all, require_words
from mosaic_mcp.studio.tiles.speech.moments import SHORTEST, Moment, apart, moments, span, spread
from mosaic_mcp.studio.tiles.speech.relevance import relevance, stems
from mosaic_mcp.studio.tiles.tile import Footage, TileContext, each_of
from mosaic_mcp.studio.timeline.model import Cutaway, Source, Timeline

NOTE = (
    "Shows your own videos and pictures: those of `clips`, else the folder b-roll in MOSAIC_HOME "
    "(not where several machines work on one MOSAIC_STUDIO_DATABASE). "
    "They are matched by words (stems, BM25): a file's name, its folders, the text beside it "
    "(pouring.txt of pouring.mp4) or `clip_tags`, against what is said; nothing looks at them. "
    "Scenes begin with a sentence or a phrase, last 2 to 5 s, and leave the first 3 s alone; "
    "pictures come slowly nearer. Without any such file, pictures are made by the image provider "
    "whose key is set, at most `max_generations` for each video, which costs money there; without "
    "that too, it is refused. It never makes videos."
)
PER_MINUTE = {"minimal": 2, "moderate": 5, "high": 8, "maximal": 12}
"""Scenes; moderate is Mosaic's "about 5 scenes a minute", the others are ours."""
RELEVANT = 0.3
"""Least relevance of a moment, as a share of the clip's best."""
AGAIN = 0.5
"""What a clip's relevance is multiplied by for each time that it was shown."""
SIZES = {"16:9": (1280, 720), "9:16": (720, 1280), "1:1": (1024, 1024)}


@dataclass(frozen=True, slots=True)
class Clip:
    """Something to show: what it is about, and how to get it."""

    name: str
    about: str
    bring: Callable[[], Awaitable[Source]]


@dataclass(frozen=True, slots=True)
class Scene:
    """A source over a moment."""

    moment: Moment
    source: Source
    start: Fraction = Fraction(0)
    clip: int = 0


async def apply(
    inputs: Sequence[Timeline], params: BRollParams, context: TileContext
) -> list[Timeline]:
    """Cut away to other pictures in every input; the sound goes on."""
    clips = await _own(params, context)
    if not clips and context.making.maker("image") is None:
        raise Unsupported(
            "There is nothing to show as b-roll: no clips are given, the folder b-roll in "
            "MOSAIC_HOME has none (or several machines work, and it is not looked at), and no "
            "provider of pictures is set.",
            remedy="Give the paths of your own videos or pictures as `clips`, put them into that "
            "folder under names that say what they show, or set a provider's key.",
        )
    covered = [await _covered(t, clips, params, part) for t, part in each_of(inputs, context)]
    if clips and inputs and covered == list(inputs):
        names = ", ".join(clip.name for clip in clips[:5])
        raise MediaError(
            f"Nothing that is said goes with any of the {len(clips)} clips by their words: "
            f"{names}.",
            remedy="Say what they show in `clip_tags`, in their names, or in a text file beside "
            "each (pouring.txt of pouring.mp4).",
        )
    return covered


def means(providers: Providers) -> str:
    """What it does without clips of the user's."""
    if providers.for_("image") is None:
        return (
            "Needs your own videos or pictures: `clips`, or files in the folder b-roll of "
            "MOSAIC_HOME; no provider of pictures is set."
        )
    return f"Where you have no clips for it: {providers.says('image')}"


async def _own(params: BRollParams, context: TileContext) -> list[Clip]:
    """What the user has: the given clips, else those of their folder."""
    from mosaic_mcp.studio.ingest.footage import words_of

    clips: list[Clip] = []
    for index, asset_id in enumerate(params.clips):
        source = await context.assets.source(asset_id)
        if source.kind not in ("video", "image"):
            raise MediaError(
                f"{source.name} ({asset_id}) is {a(source.kind)}, which cannot be seen.",
                remedy="Give videos and pictures as `clips`.",
            )
        tags = params.clip_tags[index] if index < len(params.clip_tags) else ""
        stem = source.name.rpartition(".")[0] or source.name

        async def given(source: Source = source) -> Source:
            return source

        clips.append(Clip(source.name, f"{words_of(stem)} {tags}", given))
    if params.clips:
        return clips
    for footage in await context.making.footage():

        async def taken(footage: Footage = footage) -> Source:
            return await context.making.take(footage)

        clips.append(Clip(footage.name, footage.about, taken))
    return clips


async def _covered(
    timeline: Timeline, clips: Sequence[Clip], params: BRollParams, context: TileContext
) -> Timeline:
    heard = await listen_to_all(timeline, context)
    require_words(heard, "B-roll cannot be placed")
    found = await anyio.to_thread.run_sync(moments, timeline, heard)
    wanted = max(1, round(timeline.duration * PER_MINUTE[params.coverage_level] / 60))
    if clips:
        scenes = await _matched(timeline, found, clips, wanted, heard.language, context)
    else:
        scenes = await _generated(timeline, found, wanted, params, context)
    if not scenes:
        await context.warn(f"nothing that is said in {timeline.name} calls for b-roll")
        return timeline
    cutaways = [_cutaway(timeline, scene, context.node) for scene in scenes]
    sources = timeline.sources | {scene.source.sha256: scene.source for scene in scenes}
    return timeline.model_copy(
        update={"sources": sources, "cutaways": (*timeline.cutaways, *cutaways)}
    )


def _cutaway(timeline: Timeline, scene: Scene, node: str) -> Cutaway:
    return Cutaway(
        tile=node,
        source=scene.source.sha256,
        start=scene.start,
        over=span(timeline, scene.moment.start, scene.moment.end),
    )


async def _matched(
    timeline: Timeline,
    found: Sequence[Moment],
    clips: Sequence[Clip],
    wanted: int,
    language: str,
    context: TileContext,
) -> list[Scene]:
    """The clips at the moments whose words are most theirs, never the same twice in a row."""
    about = [stems(clip.about, language) for clip in clips]
    scores = [relevance(words, [moment.stems for moment in found]) for words in about]
    scenes: list[Scene] = []
    uses: Counter[int] = Counter()
    useless: set[int] = set()
    while len(scenes) < wanted:
        best = max(
            (
                (score * AGAIN ** uses[clip], -found[place].start, clip, place)
                for clip, row in enumerate(scores)
                for place, score in enumerate(row)
                if score >= RELEVANT and clip not in useless and _fits(found[place], clip, scenes)
            ),
            default=None,
        )
        if best is None:
            break
        *_, clip, place = best
        await context.report(len(scenes) / wanted, f"fetching {clips[clip].name}")
        source = await clips[clip].bring()
        scene = await _scene(timeline, found[place], source, clip, scenes, context)
        if scene is None:
            await context.warn(f"{source.name} is shorter than {SHORTEST} s: left out")
            useless.add(clip)
            continue
        uses[clip] += 1
        scenes.append(scene)
        scenes.sort(key=lambda s: s.moment.start)
    return scenes


def _fits(moment: Moment, clip: int, scenes: Sequence[Scene]) -> bool:
    """True when a moment is far enough from all scenes, and its neighbours show something else."""
    if not apart(moment, [scene.moment for scene in scenes]):
        return False
    before = [s.clip for s in scenes if s.moment.start < moment.start][-1:]
    after = [s.clip for s in scenes if s.moment.start > moment.start][:1]
    return clip not in (*before, *after)


async def _scene(
    timeline: Timeline,
    moment: Moment,
    source: Source,
    clip: int,
    scenes: Sequence[Scene],
    context: TileContext,
) -> Scene | None:
    """The clip over the moment, from where it was last left off; None when it is too short."""
    if source.kind == "image":
        return Scene(moment, await _nearing(timeline, moment, source, context), clip=clip)
    if source.kind != "video":
        return None
    ends = [s.start + s.moment.duration for s in scenes if s.clip == clip]
    start = max(ends, default=Fraction(0))
    start = start if source.duration - start >= SHORTEST else Fraction(0)
    length = min(moment.duration, source.duration - start)
    if length < SHORTEST:
        return None
    return Scene(Moment(moment.start, moment.start + length, moment.text), source, start, clip)


async def _nearing(
    timeline: Timeline, moment: Moment, picture: Source, context: TileContext
) -> Source:
    size = (timeline.width, timeline.height)
    return await context.making.still(picture, moment.duration, size, zoom=True)


async def _generated(
    timeline: Timeline,
    found: Sequence[Moment],
    wanted: int,
    params: BRollParams,
    context: TileContext,
) -> list[Scene]:
    """A new picture at each of some moments, evenly spread."""
    chosen = spread(found, min(wanted, params.max_generations))
    shape = params.aspect_ratio
    if shape == "auto":
        shape = nearest_shape(timeline.width, timeline.height, tuple(SIZES))
    scenes: list[Scene] = []
    for index, moment in enumerate(chosen):

        async def tell(step: str, done: float = index / len(chosen)) -> None:
            await context.report(done, step)

        wish = PictureWish(prompt_for(moment.text, params.style_prompt), *SIZES[shape])
        made = await context.making.make(wish, tell)
        scenes.append(Scene(moment, await _nearing(timeline, moment, made.source, context)))
    return scenes


def prompt_for(said: str, style: str) -> str:
    """What to ask for a picture that goes with these words."""
    words = f"A picture without any lettering, to be seen while somebody says: “{said}”"
    return f"{words} {style}".strip()
