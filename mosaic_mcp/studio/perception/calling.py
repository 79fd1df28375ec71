"""Calling the helper program from the studio."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import Callable
from subprocess import PIPE
from typing import Any, cast

import anyio

from mosaic_mcp.errors import Interrupted, MediaError, MosaicError, Unsupported

TIMEOUT_S = 3 * 3600.0
_KILLED = (-signal.SIGTERM, -9)
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
    command = [
        *(sys.executable, "-m", "mosaic_mcp.studio.perception.helper"),
        *(verb, json.dumps(argument)),
    ]
    process = await anyio.open_process(
        command, stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True
    )
    out = bytearray()
    messages = bytearray()

    async def read(stream: Any, into: bytearray) -> None:
        async for chunk in stream:
            into.extend(chunk)
            if on_share and stream is process.stderr:
                told = re.findall(rb"^progress ([\d.]+)$", chunk, re.MULTILINE)
                if told:
                    on_share(float(told[-1]))

    try:
        with anyio.fail_after(TIMEOUT_S):
            async with anyio.create_task_group() as group:
                group.start_soon(read, process.stdout, out)
                group.start_soon(read, process.stderr, messages)
            await process.wait()
    finally:
        with anyio.CancelScope(shield=True):
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    if hasattr(os, "killpg"):
                        os.killpg(process.pid, signal.SIGKILL)
                    else:  # pragma: no cover - Windows
                        process.kill()
                await process.wait()
            await process.aclose()
    return _result(process.returncode, bytes(out), bytes(messages))


def _result(code: int | None, out: bytes, messages: bytes) -> Any:
    try:
        answer = json.loads(out)
    except ValueError as error:
        if code in _KILLED:
            raise Interrupted(
                "The program that reads media was killed.", remedy=Interrupted.advice
            ) from error
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
