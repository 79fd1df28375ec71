"""Having a text spoken by espeak-ng: the system's command, or the program beside this page."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import anyio
import pysubs2

from mosaic_mcp.contract.words import listed
from mosaic_mcp.errors import MosaicError, Unsupported
from mosaic_mcp.studio.children import environment

PROGRAM = Path(__file__).with_name("program.py")
INSTALL = (
    'Install the extra: pip install "mosaic-mcp[voice]" (or the system\'s espeak-ng, as '
    "`apt install espeak-ng`), or use the hosted engine (set MOSAIC_API_KEY)."
)
DEFAULT_VOICE = "en-us"
_MARKS = str.maketrans("", "", "{}<>\\")
"""Signs that an SRT's readers take for styling."""
MINUTES = 10
"""Longest time that speaking a script may take; it is some hundred times faster than talking."""
NAMES = {"female": "en-us+f3", "male": "en-us+m3", "british": "en-gb", "american": "en-us"}
"""What people say, and the voice of espeak-ng."""


def command() -> list[str] | None:
    """How espeak-ng is run here; None when it is not there."""
    if importlib.util.find_spec("espeakng_loader") is not None:
        return [sys.executable, "-I", str(PROGRAM)]
    found = shutil.which("espeak-ng")
    return [found] if found else None


def tells_words() -> bool:
    """True where the voice tells when it says each word; the system's command does not."""
    return len(command() or ()) > 1


async def voice_named(name: str | None) -> str:
    """espeak-ng's voice for a wish: a language ("de"), "female", or one of its own names.

    Raises Unsupported with some of the voices that there are, and without espeak-ng.
    """
    if command() is None:
        raise missing()
    if not name:
        return DEFAULT_VOICE
    wish = name.strip().lower()
    if wish in NAMES:
        return NAMES[wish]
    known = await _voices()
    base, _, variant = wish.partition("+")
    for language, own in known:
        if base in (language.lower(), own.lower(), own.lower().replace("_", " ")):
            return (
                f"{language}+{variant}" if re.fullmatch(r"[a-z0-9_]{1,20}", variant) else language
            )
    some = listed(sorted({language for language, _ in known}), 40)
    raise Unsupported(
        f"The local voice espeak-ng has no voice {name!r}.",
        remedy=f"Give female, male, or a language: {some}.",
    )


async def speak(text: str, voice: str, rate: int, out: Path) -> str:
    """Speak a text, at `rate` words a minute, into the WAV file `out`.

    Answers its words as SRT, a cue for each; nothing where the system's command speaks, which does
    not tell when. Raises Unsupported without espeak-ng.
    """
    program = command()
    if program is None:
        raise missing()
    if not tells_words():
        await _run([*program, "-v", voice, "-s", str(rate), "-w", str(out), "--stdin"], text)
        return ""
    return subtitles(text, await _run([*program, voice, str(rate), str(out)], text))


def subtitles(text: str, told: str) -> str:
    """SRT of a spoken text from what `program.py` tells: when each word begins, or a phrase ends.

    Small words that are spoken as one ("of the") share a cue. Of a number or an address espeak-ng
    tells several beginnings, also of parts before that: they are one word here, as written. Signs
    that are no word ("***") have no cue; nothing but such is no SRT.
    """
    written = list(re.finditer(r"\S+", text))
    ends = [match.end() for match in written]
    events = [(int(at), int(place)) for at, place in map(str.split, told.splitlines())]
    cues: list[tuple[int, int, int]] = []
    """When each begins and ends, in milliseconds, and its first word."""
    for (start, place), (end, _) in pairwise([*events, *events[-1:]]):
        word = bisect_right(ends, place - 1)  # the place may be that of the space before
        if place and cues and word <= cues[-1][2]:
            cues[-1] = (cues[-1][0], max(end, cues[-1][1]), cues[-1][2])
        elif place and word < len(written) and end > start:
            cues.append((start, end, word))
    subs = pysubs2.SSAFile()
    for (start, end, first), (_, _, stop) in pairwise([*cues, (0, 0, len(written))]):
        said = " ".join(match[0] for match in written[first:stop]).translate(_MARKS)
        if any(letter.isalnum() for letter in said):
            subs.events.append(pysubs2.SSAEvent(start=start, end=end, text=said))
    return subs.to_string("srt") if subs.events else ""


def missing() -> Unsupported:
    """For a machine without espeak-ng."""
    return Unsupported("No local voice is installed: espeak-ng is missing.", remedy=INSTALL)


async def _voices() -> list[tuple[str, str]]:
    """(language, name) of each."""
    program = command()
    if program is None:
        raise missing()
    if not tells_words():
        lines = (await _run([*program, "--voices"])).splitlines()[1:]
        columns = [line.split() for line in lines]
        return [(c[1], c[3]) for c in columns if len(c) > 3]
    pairs = (line.partition(" ") for line in (await _run([*program, "--list"])).splitlines())
    return [(language, name) for language, _, name in pairs if language]


async def _run(arguments: Sequence[str], text: str = "") -> str:
    """Its output; killed when we are cancelled."""
    try:
        with anyio.fail_after(60 * MINUTES):
            done = await anyio.run_process(
                arguments, input=text.encode(), check=False, env=environment()
            )
    except TimeoutError as error:
        raise MosaicError(
            f"Speaking took more than {MINUTES} minutes.", remedy="Give a shorter script."
        ) from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise MosaicError(
            f"espeak-ng failed: {said[-1] if said else f'code {done.returncode}'}.",
            remedy="Try another voice, or the voice in plain words.",
        )
    return done.stdout.decode("utf-8", "replace")
