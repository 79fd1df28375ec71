"""Calling the helper program from the studio."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import sys
from collections.abc import Callable
from typing import Any, cast

import anyio
import anyio.abc

from mosaic_mcp.errors import Interrupted, MediaError, MosaicError, Unsupported
from mosaic_mcp.studio import children

TIMEOUT_S = 3 * 3600.0
_KILLED = (-signal.SIGTERM, -9)
PROBE_S = 900.0
"""Reading every packet of 5 GB from a slow disk takes minutes, not hours."""
MOST_ANSWER = 64 * 1024**2
"""Bytes of an answer: five hours of words are far less."""
_CPU_LIMIT = getattr(signal, "SIGXCPU", 0)
_CODES: dict[str, type[MosaicError]] = {"bad_media": MediaError, "unsupported": Unsupported}


async def call_about(
    name: str, verb: str, *, on_share: Callable[[float], None] | None = None, **argument: Any
) -> Any:
    """As `call`, for a file that the user calls `name`: a refusal begins with it."""
    try:
        return await call(verb, on_share=on_share, **argument)
    except MediaError as error:
        raise MediaError(f"{name} cannot be used. {error.message}", remedy=error.remedy) from error


async def call(
    verb: str, *, on_share: Callable[[float], None] | None = None, **argument: Any
) -> Any:
    """Run the helper and return its result; cancelling kills it.

    Raises what the helper raised, MediaError when it died on the file, Interrupted when it was
    killed from outside.
    """
    seconds = PROBE_S if verb == "probe" else TIMEOUT_S
    command = [sys.executable, "-m", "mosaic_mcp.studio.perception.helper", verb, str(seconds)]
    process = await children.start(command, env=children.environment())
    out = bytearray()
    messages = bytearray()

    async def read(stream: Any, into: bytearray) -> None:
        async for chunk in stream:
            if len(into) < MOST_ANSWER:
                into.extend(chunk)
            if on_share and stream is process.stderr:
                told = re.findall(rb"^progress ([\d.]+)$", chunk, re.MULTILINE)
                if told:
                    on_share(float(told[-1]))

    try:
        with anyio.fail_after(seconds):
            async with anyio.create_task_group() as group:
                group.start_soon(read, process.stdout, out)
                group.start_soon(read, process.stderr, messages)
                # Not on the command line, where a transcript has no room.
                await _send(process, argument)
            await process.wait()
    except TimeoutError as error:
        raise _too_long() from error
    finally:
        await children.end(process)
    return _result(process.returncode, bytes(out), bytes(messages))


async def _send(process: anyio.abc.Process, argument: dict[str, Any]) -> None:
    """Give the helper its argument; its end of the pipe stays open, as a sign that we live."""
    assert process.stdin is not None  # noqa: S101 - opened with a pipe
    with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
        await process.stdin.send(json.dumps(argument).encode() + b"\n")


def _too_long() -> MediaError:
    return MediaError(
        "Reading it took too long and was stopped.",
        remedy="Use a shorter file, or export it again.",
    )


def _result(code: int | None, out: bytes, messages: bytes) -> Any:
    try:
        answer = json.loads(out)
    except ValueError as error:
        if code in _KILLED:
            raise Interrupted(
                "The program that reads media was killed.", remedy=Interrupted.advice
            ) from error
        if code == -_CPU_LIMIT:
            raise _too_long() from error
        tail = messages.decode("utf-8", "replace").strip().splitlines()
        raise MediaError(
            f"The file could not be read: its decoder ended with code {code}"
            f"{' (' + tail[-1][:200] + ')' if tail else ''}.",
            remedy="The file is damaged or not what it says; copy or export it again.",
        ) from error
    if isinstance(answer, dict) and "error" in answer:
        fault = cast(dict[str, str], answer)
        raise _CODES.get(fault["error"], MosaicError)(fault["message"], remedy=fault["remedy"])
    return cast(Any, answer)
