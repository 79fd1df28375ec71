"""Having a text spoken by espeak-ng: the system's command, or the program beside this page."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import anyio

from mosaic_mcp.contract.words import listed
from mosaic_mcp.errors import MosaicError, Unsupported
from mosaic_mcp.studio.children import environment

PROGRAM = Path(__file__).with_name("program.py")
INSTALL = (
    'Install the extra: pip install "mosaic-mcp[voice]" (or the system\'s espeak-ng, as '
    "`apt install espeak-ng`), or use the hosted engine (set MOSAIC_API_KEY)."
)
DEFAULT_VOICE = "en-us"
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


async def speak(text: str, voice: str, rate: int, out: Path) -> None:
    """Speak a text, at `rate` words a minute, into the WAV file `out`.

    Raises Unsupported without espeak-ng.
    """
    program = command()
    if program is None:
        raise missing()
    if len(program) == 1:
        arguments = ["-v", voice, "-s", str(rate), "-w", str(out), "--stdin"]
    else:
        arguments = [voice, str(rate), str(out)]
    await _run([*program, *arguments], text)


def missing() -> Unsupported:
    """For a machine without espeak-ng."""
    return Unsupported("No local voice is installed: espeak-ng is missing.", remedy=INSTALL)


async def _voices() -> list[tuple[str, str]]:
    """(language, name) of each."""
    program = command()
    if program is None:
        raise missing()
    if len(program) == 1:
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
