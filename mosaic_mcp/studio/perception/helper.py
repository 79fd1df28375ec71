"""The one program that opens media with libraries: PyAV, OpenCV, pocketsphinx, Whisper's engines.

    python -m mosaic_mcp.studio.perception.helper VERB SECONDS

It reads one line of JSON, {"path": …}, from its standard input, and ends when that closes. It runs
as a child of the studio, so that a decoder's crash or a bomb ends this process and not the studio,
and so that those libraries' licences stay out of it. One JSON object comes out: the result, or
{"error": code, "message": …, "remedy": …}.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from mosaic_mcp.errors import MediaError, MosaicError
from mosaic_mcp.importing import all_at_once
from mosaic_mcp.studio.render.guard import limit

MEMORY_BYTES = 6 * 1024**3
FILE_BYTES = 64 * 1024**2
"""It writes no files of its own but pieces of music and colour tables; libraries may."""
VERBS = {
    "probe": "perception.facts:examine",
    "speech": "perception.speech:speech",
    "look": "perception.looking:look",
    "colours": "perception.colours:colours",
    "beats": "perception.beats:beats",
    "level": "perception.level:level",
    "moments": "perception.moments:moments",
    "tags": "perception.tags:tags",
    "recognise": "perception.recognising:recognise",
    "speakers": "perception.speakers:speakers",
    "align": "perception.aligning:align",
    "smart_cut": "render.copying:smart_cut",
    "table": "perception.tables:plain_table",
    "compose": "composing.composing:compose",
}
"""What it can do: module and function below `mosaic_mcp.studio`."""
CUT_BYTES = 40 * 1024**3
"""But the picture that `smart_cut` writes, which may be as large as any that FFmpeg renders."""


def main() -> int:
    """Do one thing and print its result."""
    verb, seconds = sys.argv[1], float(sys.argv[2])
    argument = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cpu = int(seconds * (os.cpu_count() or 1)) + 1
    largest = CUT_BYTES if verb == "smart_cut" else FILE_BYTES
    limit({"memory": MEMORY_BYTES, "file": largest, "cpu": cpu})
    # Libraries print on their own; only our JSON may reach the pipe.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        answer = _verb(verb)(argument)
    except MosaicError as error:
        answer = {"error": error.code, "message": error.message, "remedy": error.remedy}
    except MemoryError:
        bomb = MediaError("It needs more memory than a video may.", remedy="Use another file.")
        answer = {"error": bomb.code, "message": bomb.message, "remedy": bomb.remedy}
    json.dump(answer, out)
    out.close()
    return 0


def _verb(name: str) -> Callable[[dict[str, Any]], Any]:
    """The function behind a verb; only its module is imported, with what that needs."""
    if name not in VERBS:
        raise SystemExit(f"unknown verb {name}")
    module, _, function = VERBS[name].partition(":")
    with all_at_once():
        return getattr(importlib.import_module(f"mosaic_mcp.studio.{module}"), function)


def _end_with_parent() -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
