"""`Perception` on this machine: computed once per content, in child processes.

The answers are kept in the library, where every machine that shares it finds them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from fractions import Fraction
from pathlib import Path
from statistics import fmean
from typing import Any

import anyio

from mosaic_mcp.contract.extensions import BringTranscript
from mosaic_mcp.contract.languages import UNKNOWN, is_english
from mosaic_mcp.errors import MosaicError
from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.machine import cores
from mosaic_mcp.studio.models.store import Recogniser
from mosaic_mcp.studio.models.table import RELIABLE
from mosaic_mcp.studio.perception.calling import call_about
from mosaic_mcp.studio.perception.main_face import main_face
from mosaic_mcp.studio.perception.model import (
    Beats,
    Colours,
    Face,
    Interval,
    Moment,
    SpokenWord,
    Turn,
    Voices,
    Words,
)
from mosaic_mcp.studio.perception.seen import (
    Seen,
    joined,
    name_of,
    run_named,
    runs_of,
    span_of,
    steps_of,
)
from mosaic_mcp.studio.side_by_side import side_by_side
from mosaic_mcp.studio.timeline.model import Source

VERSION = 5
"""Part of every cache name: a better algorithm does not read an older one's answers."""

BRING = (
    "Bring an SRT with the video to have captions, filler removal and ranking by words, or install "
    "a better recogniser (`mosaic-mcp models`)."
)

MISFIT = "So few fit the sound that they may be of another video."

MOST_AT_ONCE = 4
"""Pieces of a video that are looked at or listened to side by side: each takes some hundred
megabytes."""
SHARE_S = 20
"""Seconds of sound for which one more recogniser is worth its start."""

Files = Callable[[str], AbstractAsyncContextManager[Path]]
"""`sha256 -> file`: a source on this machine while the block runs."""
Transcripts = Callable[[str], Awaitable[BringTranscript | None]]


def _embedded() -> Recogniser:
    return Recogniser("pocketsphinx", "pocketsphinx", english_only=True)


class LocalPerception:
    """Looks and listens to sources; two callers who want the same thing share one process."""

    def __init__(
        self,
        library: Library,
        files: Files,
        transcripts: Transcripts,
        recogniser: Callable[[], Recogniser] = _embedded,
        *,
        at_once: int | None = None,
    ) -> None:
        self._library = library
        self._files = files
        self._transcripts = transcripts
        self._recogniser = recogniser
        self._limit = anyio.CapacityLimiter(at_once or cores())
        self._locks: dict[str, anyio.Lock] = {}

    async def speech(self, source: Source) -> tuple[Interval, ...]:
        """Where somebody speaks; empty without sound."""
        if not source.audio_channels:
            return ()
        spans = await self._once(source, "speech", "speech")
        return tuple(Interval(start=_exact(a), end=_exact(b)) for a, b in spans)

    async def words(self, source: Source) -> Words:
        """The transcript: the user's when the source carries one, else the recogniser's."""
        if source.transcript is not None:
            brought = await self._transcripts(source.transcript)
            if brought is not None:
                return await self._brought(source, brought)
        if not source.audio_channels:
            return Words(origin="none", note="There is no sound.")
        return await self._heard(source, self._recogniser())

    async def _heard(self, source: Source, by: Recogniser) -> Words:
        heard = await self._known(source, _words_by(by), lambda: self._recognised(source, by))
        confidence, needed = float(heard["confidence"]), RELIABLE[by.engine]
        reliable = confidence >= needed and bool(heard["words"])
        note = f"Recognised on this machine ({by.name}{', English only' * by.english_only})"
        if not reliable:
            note += f", and too uncertain to build on: {confidence:.0%} confidence, {needed:.0%} "
            note += f"needed. {BRING}"
        return Words(
            origin=by.name,
            language=heard["language"],
            confidence=confidence,
            reliable=reliable,
            note=note if note.endswith(".") else f"{note}.",
            words=_words(heard["words"]),
        )

    async def _recognised(self, source: Source, by: Recogniser) -> dict[str, Any]:
        """What a recogniser hears. Where it works on one core, several hear a share each."""
        shares = 1
        if by.engine == "pocketsphinx":
            most = min(int(self._limit.total_tokens), MOST_AT_ONCE)
            shares = max(1, min(most, int(source.duration / SHARE_S)))
        found: list[dict[str, Any]] = []

        async def one(number: int) -> None:
            found.append(
                await self._asked(
                    source,
                    "recognise",
                    engine=by.engine,
                    weights=str(by.weights) if by.weights else None,
                    english_only=by.english_only,
                    share=(number, shares),
                )
            )

        async with side_by_side() as group:
            for number in range(shares):
                group.start_soon(one, number)
        words = sorted((w for part in found for w in part["words"]), key=lambda word: word["start"])
        confidence = fmean(word["confidence"] for word in words) if words else 0.0
        return {"words": words, "confidence": confidence, "language": found[0]["language"]}

    async def known_words(self, source: Source) -> Words | None:
        """As `words` where that is no work: they were brought or heard before. Else None.

        Who asks can do without: also None where nothing here can hear.
        """
        heard = source.transcript is not None or not source.audio_channels
        if not heard:
            try:
                name = f"{_words_by(self._recogniser())}-{VERSION}"
            except MosaicError:
                return None
            heard = await self._library.fact(source.sha256, name) is not None
        return await self.words(source) if heard else None

    async def _brought(self, source: Source, brought: BringTranscript) -> Words:
        digest = hashlib.sha256(brought.model_dump_json().encode()).hexdigest()[:16]
        found = await self._once(
            source,
            f"align-{digest}",
            "align",
            text=brought.text,
            format=brought.format,
            language=brought.language,
            # The script of a voice of ours, which told when it says each word.
            exact=source.origin == "studio",
        )
        said = _words(found["words"])
        words = Words(
            origin="user",
            language=found["language"],
            confidence=fmean(word.confidence for word in said) if said else 0.0,
            words=said,
        )
        return words.model_copy(update={"note": _note_on_brought(words)})

    async def voices(self, source: Source) -> Voices:
        """Who speaks when; empty for one voice, or for voices that are alike."""
        if not source.audio_channels:
            return Voices()
        found = await self._once(source, "speakers", "speakers")
        return Voices(
            turns=tuple(
                Turn(start=_exact(start), end=_exact(end), speaker=str(number + 1))
                for start, end, number in found["turns"]
            ),
            confidence=found["confidence"],
        )

    async def shots(
        self, source: Source, within: Sequence[Interval] | None = None
    ) -> tuple[Fraction, ...]:
        """Where each shot begins, the first at 0."""
        return (Fraction(0), *(await self._look(source, within)).shots)

    async def faces(
        self, source: Source, within: Sequence[Interval] | None = None
    ) -> tuple[Face, ...]:
        """The main face at each sampled moment; empty when there is none."""
        seen = await self._look(source, within)
        return main_face(seen.faces, seen.shots)

    async def colours(self, source: Source) -> Colours:
        """How dark, bright and coloured a picture or the key frames of a video are."""
        return Colours.model_validate(await self._once(source, "colours", "colours"))

    async def beats(self, source: Source) -> Beats:
        """The beats of the sound."""
        if not source.audio_channels:
            return Beats(tempo=0)
        found = await self._once(source, "beats", "beats")
        times = tuple(_exact(at) for at in found["beats"])
        return Beats(tempo=found["tempo"], times=times, confidence=found["confidence"])

    async def level(self, source: Source) -> float:
        """Integrated loudness of the sound on two channels, about LUFS; -120 for silence."""
        if not source.audio_channels:
            return -120.0
        return float((await self._once(source, "level", "level"))["lufs"])

    async def moments(self, source: Source) -> tuple[Moment, ...]:
        """How the picture moves and how sharp it is, some times a second; empty without one."""
        if source.kind == "audio":
            return ()
        found = await self._once(source, "moments", "moments")
        return tuple(Moment.model_validate(moment) for moment in found["moments"])

    async def _look(self, source: Source, within: Sequence[Interval] | None) -> Seen:
        if source.kind == "audio":
            return Seen()
        wanted = steps_of(source.duration, within)
        async with self._lock(source, "look"):
            known = await self._known_looks(source, wanted)
            missing = runs_of(wanted.difference(*known))
            looked = await self._look_at(source, missing) if missing else []
        return joined([*known.values(), *looked]).only(wanted)

    async def _known_looks(self, source: Source, wanted: set[int]) -> dict[range, Seen]:
        """The stretches kept of a source that have to do with what is wanted."""
        known: dict[range, Seen] = {}
        for name in await self._library.facts(source.sha256):
            run = run_named(name)
            if run and not wanted.isdisjoint(run):
                kept = await self._library.fact(source.sha256, name)
                if kept is not None:
                    known[run] = Seen.model_validate(kept)
        return known

    async def _look_at(self, source: Source, runs: Sequence[range]) -> list[Seen]:
        """Look at stretches that nobody looked at, and keep what each shows."""
        async with self._limit, self._files(source.sha256) as file:
            found = Seen.model_validate(
                await call_about(
                    source.name,
                    "look",
                    path=str(file),
                    rotation=source.rotation,
                    at_once=look_at_once(),
                    spans=[span_of(run) for run in runs],
                )
            )
        parts = [found.only(run) for run in runs]
        for run, part in zip(runs, parts, strict=True):
            kept = part.model_dump(mode="json")
            await self._library.keep_fact(source.sha256, name_of(run), kept)
        return parts

    def _lock(self, source: Source, name: str) -> anyio.Lock:
        return self._locks.setdefault(f"{source.sha256}/{name}", anyio.Lock())

    async def _once(self, source: Source, name: str, verb: str, **more: Any) -> Any:
        """The kept answer, or the helper's, then kept."""
        return await self._known(source, name, lambda: self._asked(source, verb, **more))

    async def _known(self, source: Source, name: str, find: Callable[[], Awaitable[Any]]) -> Any:
        """The kept answer, or the one that is found, then kept."""
        name = f"{name}-{VERSION}"
        async with self._lock(source, name):
            answer = await self._library.fact(source.sha256, name)
            if answer is None:
                answer = await find()
                await self._library.keep_fact(source.sha256, name, answer)
        return answer

    async def _asked(self, source: Source, verb: str, **more: Any) -> Any:
        async with self._limit, self._files(source.sha256) as file:
            return await call_about(source.name, verb, path=str(file), **more)


def look_at_once() -> int:
    """How many pieces of a video are looked at side by side on this machine."""
    return min(cores(), MOST_AT_ONCE)


def _words_by(by: Recogniser) -> str:
    """The name of a recogniser's transcript in the cache."""
    return f"words-{by.name}{f'-{by.digest}' * bool(by.digest)}"


def _note_on_brought(words: Words) -> str:
    told = "The user's own text"
    if is_english(words.language):
        told += (
            f"; {words.timed:.0%} of the words are timed by the sound, "
            "the others by their place in the subtitle."
        )
        return told if words.fits else f"{told} {MISFIT}"
    if words.language == UNKNOWN:
        told += ", in a language that it does not show (name the file for it: talk.de.srt)"
    return (
        f"{told}; its words are timed by their place in the subtitle, because only English is "
        "timed by the sound."
    )


def _words(raw: list[dict[str, Any]]) -> tuple[SpokenWord, ...]:
    return tuple(
        SpokenWord.model_validate(
            {**word, "start": _exact(word["start"]), "end": _exact(word["end"])}
        )
        for word in raw
    )


def _exact(seconds: float) -> Fraction:
    """Milliseconds are as exact as perception is."""
    return Fraction(round(seconds * 1000), 1000)
