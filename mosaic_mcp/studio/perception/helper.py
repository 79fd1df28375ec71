"""The one program that opens media with libraries: PyAV, OpenCV, pocketsphinx.

    python -m mosaic_mcp.studio.perception.helper VERB SECONDS

It reads one line of JSON, {"path": …}, from its standard input, and ends when that closes. It runs
as a child of the studio, so that a decoder's crash or a bomb ends this process and not the studio,
and so that those libraries' licences stay out of it. One JSON object comes out: the result, or
{"error": code, "message": …, "remedy": …}.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from mosaic_mcp.errors import MediaError, MosaicError
from mosaic_mcp.studio.render.guard import limit

MEMORY_BYTES = 6 * 1024**3
FILE_BYTES = 64 * 1024**2
"""It writes no files of its own; libraries may."""
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
    """The function behind a verb; each imports only what it needs."""
    match name:
        case "probe":
            from mosaic_mcp.studio.perception.facts import examine as function
        case "speech":
            from mosaic_mcp.studio.perception.speech import speech as function
        case "look":
            from mosaic_mcp.studio.perception.looking import look as function
        case "colours":
            from mosaic_mcp.studio.perception.colours import colours as function
        case "smart_cut":
            from mosaic_mcp.studio.render.copying import smart_cut as function
        case "recognise":
            from mosaic_mcp.studio.perception.recognising import recognise as function
        case "align":
            from mosaic_mcp.studio.perception.aligning import align as function
        case _:
            raise SystemExit(f"unknown verb {name}")
    return function


def _end_with_parent() -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
