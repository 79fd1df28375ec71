"""Runs one program, and makes sure that it never outlives who asked for it.

    python -I -S guard.py '{"argv": [...], "publish": ["x.part.mp4", "x.mp4"], "limits": {...}}'

The guard's standard input is a pipe that nobody writes to: when it closes, the asker is gone, and
the guard ends its whole process group (the asker starts it as the leader of one). The program
inherits standard output and error, reads nothing, and stays in that group, so one SIGKILL to the
group ends both at once. On Windows a job object does the same when the guard's handle closes.

When the program ends well, the guard renames the finished file to its final name itself: a file
under the final name is always whole, whoever dies when. Only the standard library is used, and
started with `-I -S`, so the guard costs about 15 ms.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any


def main(order: dict[str, Any]) -> int:
    """Run `argv`; returns its exit status, negative for a signal as in `subprocess`."""
    if sys.platform == "win32":
        _enter_job_object()
    else:
        _limit(order.get("limits", {}))
    # A list, so that the program is never looked up or split by a shell.
    program = subprocess.Popen(order["argv"], stdin=subprocess.DEVNULL)
    threading.Thread(target=_end_with_asker, args=(program,), daemon=True).start()
    status = program.wait()
    if status == 0 and (publish := order.get("publish")):
        _publish(Path(publish[0]), Path(publish[1]))
    return status


def _end_with_asker(program: subprocess.Popen[bytes]) -> None:
    """Wait for the end of standard input, then end everything here at once."""
    while os.read(0, 4096):
        pass
    if sys.platform == "win32":
        program.kill()
        os._exit(1)
    os.killpg(os.getpgid(0), signal.SIGKILL)


def _publish(part: Path, final: Path) -> None:
    """Rename, after the bytes are on the disk: what has a final name survives a power cut."""
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(final)


def _limit(limits: dict[str, int]) -> None:
    """Bound memory and file size in bytes; the program inherits the limits."""
    import resource  # not on Windows

    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_AS: limits.get("memory"),
        resource.RLIMIT_FSIZE: limits.get("file_size"),
    }
    for kind, value in wanted.items():
        if value is None:
            continue
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(kind, (value, hard))
        except (ValueError, OSError):
            # macOS refuses RLIMIT_AS; the other limits still hold.
            continue


def _enter_job_object() -> None:
    """Put this process and its children into a job that ends with this process' last handle."""
    import ctypes

    class Extended(ctypes.Structure):
        # JOBOBJECT_EXTENDED_LIMIT_INFORMATION: only LimitFlags, at byte 16, is set.
        _fields_ = (
            ("times", ctypes.c_int64 * 2),
            ("flags", ctypes.c_uint32),
            ("rest", ctypes.c_byte * (124 if ctypes.sizeof(ctypes.c_void_p) == 8 else 92)),
        )

    kernel: Any = ctypes.windll.kernel32  # type: ignore[attr-defined]
    kernel.CreateJobObjectW.restype = ctypes.c_void_p
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    job = ctypes.c_void_p(kernel.CreateJobObjectW(None, None))
    information = Extended(flags=0x2000)  # JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
    kernel.SetInformationJobObject(job, 9, ctypes.byref(information), ctypes.sizeof(information))
    # The handle is never closed: Windows does that when this process ends.
    kernel.AssignProcessToJobObject(job, ctypes.c_void_p(kernel.GetCurrentProcess()))


if __name__ == "__main__":
    ended = main(json.loads(sys.argv[1]))
    # A signal becomes 128 + its number, as in a shell; `ffmpeg.py` reads it back.
    sys.exit(128 - ended if ended < 0 else ended)
