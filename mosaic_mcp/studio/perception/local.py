"""`Perception` on this machine: computed once per content, cached as JSON, in child processes."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Awaitable, Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from mosaic_mcp.contract.extensions import BringTranscript
from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.perception.calling import call_about
from mosaic_mcp.studio.perception.model import Colours, Face, Interval, SpokenWord, Words
from mosaic_mcp.studio.timeline.model import Source

VERSION = 1
"""Part of every cache name: a better algorithm does not read an older one's answers."""

RELIABLE = 0.85
"""Mean word confidence from which a recognised transcript is built upon. Below it, on the voices
that we measured, more than one word in five is wrong."""

BRING = "Bring an SRT with the video to have captions, filler removal and ranking by words."

Files = Callable[[str], Path]
Transcripts = Callable[[str], Awaitable[BringTranscript | None]]


class LocalPerception:
    """Looks and listens to sources; two callers who want the same thing share one process."""

    def __init__(
        self,
        library: Library,
        files: Files,
        transcripts: Transcripts,
        *,
        at_once: int | None = None,
    ) -> None:
        self._library = library
        self._files = files
        self._transcripts = transcripts
        self._limit = anyio.CapacityLimiter(at_once or max(1, (os.cpu_count() or 2) - 1))
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
        heard = await self._once(source, "words", "recognise")
        confidence = float(heard["confidence"])
        reliable = confidence >= RELIABLE and bool(heard["words"])
        note = (
            "Recognised on this machine (pocketsphinx, English only)."
            if reliable
            else "Recognised on this machine (pocketsphinx, English only), and too uncertain to "
            f"build on: {confidence:.0%} confidence, {RELIABLE:.0%} needed. {BRING}"
        )
        return Words(
            origin="pocketsphinx",
            confidence=confidence,
            reliable=reliable,
            note=note,
            words=_words(heard["words"]),
        )

    async def _brought(self, source: Source, brought: BringTranscript) -> Words:
        digest = hashlib.sha256(brought.model_dump_json().encode()).hexdigest()[:16]
        found = await self._once(
            source,
            f"align-{digest}",
            "align",
            text=brought.text,
            format=brought.format,
            language=brought.language,
        )
        share = float(found["aligned"])
        return Words(
            origin="user",
            language=brought.language,
            confidence=1.0,
            note=f"The user's own text; {share:.0%} of the words are timed by the sound, "
            "the others by their place in the subtitle.",
            words=_words(found["words"]),
        )

    async def shots(self, source: Source) -> tuple[Fraction, ...]:
        """Where each shot begins, the first at 0."""
        return tuple(Fraction(at) for at in (await self._look(source))["shots"])

    async def faces(self, source: Source) -> tuple[Face, ...]:
        """The main face at each sampled moment; empty when there is none."""
        return tuple(Face.model_validate(face) for face in (await self._look(source))["faces"])

    async def colours(self, source: Source) -> Colours:
        """How dark, bright and coloured a picture or the key frames of a video are."""
        return Colours.model_validate(await self._once(source, "colours", "colours"))

    async def _look(self, source: Source) -> dict[str, Any]:
        if source.kind == "audio":
            return {"shots": ["0"], "faces": []}
        return await self._once(source, "look", "look", rotation=source.rotation)

    async def _once(self, source: Source, name: str, verb: str, **more: Any) -> Any:
        """The cached answer, or the helper's, then cached."""
        folder = self._library.perception(source.sha256)
        path = folder / f"{name}-{VERSION}.json"
        async with self._locks.setdefault(str(path), anyio.Lock()):
            answer = await anyio.to_thread.run_sync(_read, path)
            if answer is None:
                async with self._limit:
                    file = self._files(source.sha256)
                    answer = await call_about(source.name, verb, path=str(file), **more)
                await anyio.to_thread.run_sync(_write, path, answer)
        return answer


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


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None


def _write(path: Path, answer: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        part.write_text(json.dumps(answer), "utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
