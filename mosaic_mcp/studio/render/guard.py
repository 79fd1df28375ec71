"""Runs one program and makes sure that it never outlives us, nor leaves half a file.

    python -I -S guard.py '{"memory": bytes, "file": bytes, "part": path, "final": path}' program…

Started with a pipe as standard input by whoever wants the work done. When that pipe closes,
because its holder ended or was killed, the whole process group is killed. When the program ends
well, the finished file gets its final name. Standard library only, so that it starts in a blink.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any


def main() -> int:
    """Run the program under its limits; its exit code, or 125 when the file could not be named."""
    options = json.loads(sys.argv[1])
    limit(options)
    # The program gets no input: FFmpeg would read keys from it.
    child = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL)
    threading.Thread(target=watch, args=(child,), daemon=True).start()
    code = child.wait()
    if code == 0 and options.get("final"):
        try:
            Path(options["part"]).replace(options["final"])
        except OSError as error:
            print(f"cannot name the finished file: {error.strerror}", file=sys.stderr)
            return 125
    return code if code >= 0 else 128 - code


def limit(options: dict[str, Any]) -> None:
    """Bound memory and file size, where the system can."""
    with contextlib.suppress(ImportError):
        import resource

        for kind, most in (("RLIMIT_AS", "memory"), ("RLIMIT_FSIZE", "file")):
            if options.get(most):
                resource.setrlimit(getattr(resource, kind), (options[most], options[most]))


def watch(child: subprocess.Popen[bytes]) -> None:
    """Wait for the pipe to close, then end everything."""
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    child.kill()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
