"""A talk with known words, and a perception that knows exactly what is in it."""

from collections.abc import Sequence
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Literal

from mosaic_mcp.errors import MosaicError, NotFound
from mosaic_mcp.studio.perception.model import (
    Beats,
    Colours,
    Face,
    Interval,
    Moment,
    SpokenWord,
    Voices,
    Words,
)
from mosaic_mcp.studio.providers.provider import PictureWish, Tell, Wish
from mosaic_mcp.studio.tiles.tile import Footage, Made, Make, Song, Sounds, TileContext
from mosaic_mcp.studio.timeline.model import Clip, Source, Timeline

FILLERS = {"um", "uh", "er"}


def speak(script: str) -> list[SpokenWord]:
    """Words with times from a script: "Good morning. (1.2) um (0.3) Welcome."

    A number in brackets is a pause in seconds. Times are exact and never on a frame.
    """
    words: list[SpokenWord] = []
    now = Fraction(1, 7)
    for token in script.split():
        if token.startswith("("):
            now += Fraction(token.strip("()"))
            continue
        length = Fraction(len(token), 17) + Fraction(1, 9)
        words.append(
            SpokenWord(
                text=token,
                start=now,
                end=now + length,
                filler=token.strip(".,").lower() in FILLERS,
            )
        )
        now += length + Fraction(1, 41)
    return words


def source(name: str = "talk", duration: Fraction = Fraction(60), **more) -> Source:
    facts = {
        "sha256": name,
        "name": f"{name}.mp4",
        "duration": duration,
        "width": 1920,
        "height": 1080,
        "frame_rate": Fraction(30),
        "audio_channels": 1,
        "audio_rate": 48000,
    }
    return Source(**(facts | more))


def timeline(*sources: Source) -> Timeline:
    """The sources one after the other, uncut."""
    return Timeline(
        name=sources[0].sha256,
        width=1920,
        height=1080,
        frame_rate=Fraction(30),
        sources={s.sha256: s for s in sources},
        clips=tuple(Clip(source=s.sha256, start=Fraction(0), end=s.duration) for s in sources),
    )


def talk(script: str, name: str = "talk", tail: Fraction = Fraction(1)) -> tuple[Timeline, "Known"]:
    """An uncut talk of `script` and the perception that knows it."""
    words = speak(script)
    # Whole frames, as of any file.
    duration = Fraction(int((words[-1].end + tail) * 30), 30)
    return timeline(source(name, duration)), Known({name: words})


class Known:
    """Perception from truth: speech is where words are, pauses under 0.2 s are not heard."""

    def __init__(
        self,
        words: dict[str, list[SpokenWord]],
        *,
        reliable: bool = True,
        language: str = "en",
        faces: Sequence[Face] = (),
        shots: Sequence[Fraction] = (Fraction(0),),
        colours: dict[str, Colours] | None = None,
        beats: Sequence[float] = (),
        level: float = -20.0,
        moments: dict[str, Sequence[Moment]] | None = None,
        transcripts: dict[str, Words | MosaicError] | None = None,
    ) -> None:
        self.truth = words
        self.reliable = reliable
        self.language = language
        self.known_faces = tuple(faces)
        self.known_shots = tuple(shots)
        self.known_colours = colours or {}
        self.known_beats = tuple(Fraction(at).limit_denominator(1000) for at in beats)
        self.known_level = level
        self.known_moments = moments or {}
        self.transcripts = transcripts or {}
        """Of sources that are heard otherwise than the rest; errors are raised."""
        self.looked_at: list[Sequence[Interval] | None] = []

    async def speech(self, source: Source) -> tuple[Interval, ...]:
        heard: list[Interval] = []
        for w in self.truth.get(source.sha256, []):
            start = w.start
            if heard and w.start - heard[-1].end < Fraction(1, 5):
                start = heard.pop().start
            heard.append(Interval(start=start, end=w.end))
        return tuple(heard)

    async def words(self, source: Source) -> Words:
        other = self.transcripts.get(source.sha256)
        if isinstance(other, MosaicError):
            raise other
        return other or Words(
            origin="user" if self.reliable else "pocketsphinx",
            language=self.language,
            confidence=1.0 if self.reliable else 0.31,
            reliable=self.reliable,
            words=tuple(self.truth.get(source.sha256, [])),
        )

    async def known_words(self, source: Source) -> Words | None:
        return await self.words(source)

    async def voices(self, source: Source) -> Voices:
        return Voices()

    async def shots(
        self, source: Source, within: Sequence[Interval] | None = None
    ) -> tuple[Fraction, ...]:
        self.looked_at.append(within)
        return self.known_shots

    async def faces(
        self, source: Source, within: Sequence[Interval] | None = None
    ) -> tuple[Face, ...]:
        self.looked_at.append(within)
        return self.known_faces

    async def colours(self, source: Source) -> Colours:
        return self.known_colours[source.sha256]

    async def beats(self, source: Source) -> Beats:
        known = self.known_beats
        gap = known[1] - known[0] if known else 0
        return Beats(tempo=float(60 / gap) if gap else 0, times=known)

    async def level(self, source: Source) -> float:
        return self.known_level if source.audio_channels else -120.0

    async def moments(self, source: Source) -> tuple[Moment, ...]:
        return tuple(self.known_moments.get(source.sha256, ()))


class Uploads:
    """Assets by id."""

    def __init__(self, **assets: Source) -> None:
        self.assets = assets

    async def source(self, asset_id: str) -> Source:
        if asset_id not in self.assets:
            raise NotFound(f"There is no asset {asset_id}.")
        return self.assets[asset_id]


class Sounding:
    """Makes nothing but sources of known lengths, and remembers the recipes."""

    def __init__(self, songs: dict[str, Source] | None = None, seconds: float = 10) -> None:
        self.library = songs or {}
        self.seconds = seconds
        self.recipes: list[str] = []

    async def made(self, recipe: str, name: str, make: Make) -> Source:
        self.recipes.append(recipe)
        return sound(sha256(recipe.encode()).hexdigest(), self.seconds, name)

    async def songs(self) -> list[Song]:
        return [Song(Path(f"{words}.mp3"), words) for words in self.library]

    async def song(self, song: Song) -> Source:
        return self.library[song.words]


def sound(sha: str, seconds: float, name: str = "sound.wav") -> Source:
    """A source without a picture."""
    length = Fraction(seconds).limit_denominator(1000)
    return Source(
        sha256=sha, name=name, kind="audio", duration=length, audio_channels=2, audio_rate=48000
    )


class Makes:
    """A workshop that draws nothing: what it is asked for is a source of the right kind."""

    def __init__(self, *kinds: str, footage: Sequence[Footage] = (), **taken: Source) -> None:
        self.kinds = kinds
        self.found = footage
        self.taken = taken
        self.wishes: list[Wish] = []
        self.dimensions: Literal[1, 3] = 3
        """Of tables."""

    def maker(self, kind: str) -> str | None:
        return "OpenAI" if kind in self.kinds else None

    async def make(self, wish: Wish, tell: Tell) -> Made:
        await tell(f"asking for a {wish.kind}")
        self.wishes.append(wish)
        name = f"made-{len(self.wishes)}"
        if isinstance(wish, PictureWish):
            made = source(name, Fraction(0), kind="image", width=wish.width, height=wish.height)
        else:
            made = source(name, Fraction(wish.seconds))
        return Made(made, f"asset-{name}", self.maker(wish.kind))

    async def still(
        self, picture: Source, seconds: Fraction, size: tuple[int, int], *, zoom: bool = False
    ) -> Source:
        name = f"{picture.sha256}-{'zoom' if zoom else 'still'}"
        return source(name, seconds, width=size[0], height=size[1], audio_channels=0)

    async def table(self, table: Source) -> tuple[Source, Literal[1, 3]]:
        return table, self.dimensions

    async def footage(self) -> Sequence[Footage]:
        return self.found

    async def take(self, footage: Footage) -> Source:
        return self.taken[footage.path.stem]


def context(
    perception: Known,
    steps: list[str] | None = None,
    warnings: list[str] | None = None,
    sounds: Sounds | None = None,
    making: Makes | None = None,
    **assets: Source,
) -> TileContext:
    async def report(progress: float, step: str) -> None:
        assert 0 <= progress <= 1
        if steps is not None:
            steps.append(step)

    async def warn(text: str) -> None:
        if warnings is not None:
            warnings.append(text)

    return TileContext(
        node="node-1",
        perception=perception,
        assets=Uploads(**assets),
        sounds=sounds or Sounding(),
        making=making or Makes(),
        report=report,
        warn=warn,
    )


def ranges(cut: Timeline, sha: str = "talk") -> list[tuple[Fraction, Fraction]]:
    """What the timeline shows of a source, in source time, touching clips joined."""
    shown: list[tuple[Fraction, Fraction]] = []
    for start, end in sorted((c.start, c.end) for c in cut.clips if c.source == sha):
        if shown and start <= shown[-1][1]:
            shown[-1] = (shown[-1][0], max(end, shown[-1][1]))
        else:
            shown.append((start, end))
    return shown


def whole(cut: Timeline, words: Sequence[SpokenWord], sha: str = "talk") -> list[str]:
    """The words that the timeline shows completely."""
    shown = ranges(cut, sha)
    return [w.text for w in words if any(a <= w.start and w.end <= b for a, b in shown)]


def torn(cut: Timeline, words: Sequence[SpokenWord], sha: str = "talk") -> list[str]:
    """The words that an edge of the timeline cuts into."""
    complete = whole(cut, words, sha)
    shown = ranges(cut, sha)
    return [
        w.text
        for w in words
        if w.text not in complete and any(a < w.end and w.start < b for a, b in shown)
    ]
