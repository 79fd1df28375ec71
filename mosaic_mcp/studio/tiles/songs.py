"""Which song of the user's music folder is played: by words and mood, then by tempo."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from math import inf, log2

from mosaic_mcp.contract.tiles.sound import MusicParams
from mosaic_mcp.errors import MediaError, TooLarge
from mosaic_mcp.studio.composing.moods import DEFAULT, TEMPO, Mood, moods_in
from mosaic_mcp.studio.tiles.speech.relevance import stems
from mosaic_mcp.studio.tiles.tile import Song, TileContext
from mosaic_mcp.studio.timeline.model import Source

NEAR_TEMPO = 0.06
"""How far, as a share, a song's tempo may be from the one asked for; twice and half count."""
ANY_MUSIC = {"music", "song", "track", "background", "mp3"}
"""Words (stems) that say nothing of what music is wanted."""
MEASURED = 24
"""Songs whose tempo is measured for one video, at most: about a second each, once per song."""
Heard = tuple[Song, Source, float]
"""A song that can be played, with its tempo; 0 without a beat."""


class Shelf:
    """The user's music folder, each song of it heard once for all videos of a tile."""

    def __init__(self) -> None:
        self._songs: list[Song] | None = None
        self._heard: dict[Song, Heard | None] = {}

    async def song_for(
        self,
        params: MusicParams,
        mood: Mood | None,
        said_bpm: int | None,
        context: TileContext,
    ) -> Source | None:
        """The song that fits best, of several that nearest in tempo; None: none fits.

        `mood` is what the words or the video ask for, `said_bpm` the tempo in the words: songs of
        about that are before all others. The parameter's tempo a song must have.
        """
        if self._songs is None:
            self._songs = await context.sounds.songs()
        groups = _fitting(self._songs, params, mood)
        if self._songs and not groups:
            await context.warn("no song of the music folder fits the words, so music is composed")
        left, asked = MEASURED, params.bpm or said_bpm
        bpm = asked or (mood or DEFAULT).bpm
        others: list[Heard] = []
        for group in groups:
            some = _spread(group, left)
            left -= len(some)
            heard = [each for song in some if (each := await self._hear(song, context))]
            near = [each for each in heard if asked is None or _near(each[2], asked)]
            if near:
                return await _played(near, bpm, context)
            others = others or heard
        if others and params.bpm is None:
            await context.warn(f"no fitting song of the music folder has {bpm} beats a minute")
            return await _played(others, bpm, context)
        if groups and params.bpm is not None:
            told = f"no fitting song of the music folder has {params.bpm:g} beats a minute"
            await context.warn(f"{told}, so music is composed")
        return None

    async def _hear(self, song: Song, context: TileContext) -> Heard | None:
        """The song with its tempo; None for one that cannot be played, which is said."""
        if song not in self._heard:
            await context.report(0.2, f"measuring the tempo of {song.path.name}")
            self._heard[song] = None
            try:
                source = await context.sounds.song(song)
                beats = await context.perception.beats(source)
                self._heard[song] = (song, source, beats.tempo)
            except (MediaError, TooLarge) as error:
                left_out = f"{song.path.name} of the music folder is left out."
                await context.warn(f"{left_out} {error.message}")
        return self._heard[song]


async def _played(songs: Sequence[Heard], bpm: float, context: TileContext) -> Source:
    """The song that is nearest in tempo, which is said."""
    song, source, tempo = min(songs, key=lambda each: _distance(each[2], bpm))
    beat = f"{tempo:.0f} beats a minute" if tempo else "without a beat"
    await context.report(0.2, f"playing {song.path.name} of the music folder, {beat}")
    return source


def _fitting(songs: Sequence[Song], params: MusicParams, mood: Mood | None) -> list[list[Song]]:
    """The songs that may play, in groups that fit equally well, the best first.

    Where no word says what is wanted, any may: first those of the mood that would be composed.
    """
    said = filter(None, (params.genre, params.mood, params.style, params.prompt))
    wanted = _words(TEMPO.sub(" ", " ".join(said)))
    if not wanted:
        mood = mood or DEFAULT

    def fit(song: Song) -> int:
        return len(wanted & _words(song.words)) + (mood in moods_in(song.words))

    ranked = sorted(songs, key=fit, reverse=True)
    groups = [(score, list(group)) for score, group in groupby(ranked, fit)]
    return [group for score, group in groups if score or not wanted]


def _words(text: str) -> set[str]:
    return set(stems(text, "en")) - ANY_MUSIC


def _spread(songs: Sequence[Song], most: int) -> Sequence[Song]:
    """No more of them than `most`, from all over the folder."""
    if len(songs) <= most:
        return songs
    return [songs[number * len(songs) // most] for number in range(most)]


def _near(tempo: float, bpm: float) -> bool:
    return any(abs(tempo / bpm * factor - 1) <= NEAR_TEMPO for factor in (0.5, 1.0, 2.0))


def _distance(tempo: float, bpm: float) -> tuple[bool, float]:
    """By what songs of one group are ordered: what is near in some octave is before the rest."""
    return not _near(tempo, bpm), abs(log2(tempo / bpm)) if tempo else inf
