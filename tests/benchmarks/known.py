"""Talks whose truth is known, for the figures of quality."""

from __future__ import annotations

import json
import tempfile
from contextlib import nullcontext
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

from mosaic_mcp.contract.extensions import BringTranscript
from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.models.store import Recogniser
from mosaic_mcp.studio.perception.local import LocalPerception
from mosaic_mcp.studio.perception.model import SpokenWord
from mosaic_mcp.studio.perception.probe import probe
from mosaic_mcp.studio.timeline.edit import from_source
from mosaic_mcp.studio.timeline.model import Timeline
from tests.benchmarks.talk import SAMPLE
from tests.support.talking import talking_head

SCRIPT = (
    "(0.8) Welcome to our little garden show. (1.2) um (0.5) Today we look at a big telescope. "
    "(0.3) The mirror gathers light from the stars. (1.6) Now the budget is four million dollars. "
    "(0.9) Thank you for listening today. (0.8)"
)


@dataclass(frozen=True)
class Talk:
    """A video of somebody who talks, and the truth about it."""

    name: str
    path: Path
    words: list[SpokenWord]
    srt: str


@cache
def folder() -> Path:
    """Where this run keeps its files; gone with the process."""
    kept = tempfile.TemporaryDirectory()
    _KEPT.append(kept)
    return Path(kept.name)


_KEPT: list[tempfile.TemporaryDirectory[str]] = []


@cache
def sample() -> Talk:
    told = json.loads(SAMPLE.with_suffix(".truth.json").read_text("utf-8"))
    words = [
        SpokenWord(
            text=w["text"],
            start=Fraction(str(w["start"])),
            end=Fraction(str(w["end"])),
            filler=w["filler"],
        )
        for w in told["words"]
    ]
    return Talk("the sample", SAMPLE, words, SAMPLE.with_suffix(".srt").read_text("utf-8"))


@cache
def head() -> Talk:
    path = folder() / "head.mp4"
    truth = talking_head(path, SCRIPT, cut_at=6)
    return Talk("an espeak voice", path, truth.words, truth.srt())


def perception(talk: Talk, by: Recogniser | None = None) -> LocalPerception:
    async def brought(_id: str) -> BringTranscript:
        return BringTranscript(format="srt", text=talk.srt)

    home = Library(folder() / "home" / talk.path.stem)
    files = lambda _sha: nullcontext(talk.path)  # noqa: E731
    return (
        LocalPerception(home, files, brought, (lambda: by))
        if by
        else LocalPerception(home, files, brought)
    )


async def uncut(talk: Talk, *, brought: bool) -> Timeline:
    source = await probe(talk.path, name=talk.path.name)
    bare = from_source(source, tile="in")
    if not brought:
        return bare
    known = source.model_copy(update={"transcript": "t"})
    return bare.model_copy(update={"sources": {source.sha256: known}})
