"""Runs one program and makes sure that it never outlives us, nor leaves half a file.

    python -I -S guard.py '{"memory": bytes, "data": bytes, "file": bytes, "cpu": seconds,
                            "part": path, "final": path}' program…

Started with a pipe as standard input by whoever wants the work done. When that pipe closes,
because its holder ended or was killed, the whole process group is killed. When the program ends
well, the finished file gets its final name. Little is imported, so that it starts in a blink:
without pathlib and typing, which take their part of a start.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

LIMITS = (
    ("RLIMIT_AS", "memory"),
    ("RLIMIT_DATA", "data"),
    ("RLIMIT_FSIZE", "file"),
    ("RLIMIT_CPU", "cpu"),
    ("RLIMIT_CORE", "core"),
)
"""Names of limits in the system and in the options. "memory" counts addresses, "data" what is
written to: JavaScript runtimes ask for many gigabytes of addresses that they never use."""


def main() -> int:
    """Run the program under its limits; its exit code, or 125 when the file could not be named."""
    options = json.loads(sys.argv[1])
    if sys.platform == "win32":
        enter_job_object()
    limit(options)
    child = subprocess.Popen(
        sys.argv[2:],
        stdin=subprocess.DEVNULL,  # FFmpeg would read keys from it
        preexec_fn=end_with_us(),  # noqa: PLW1509 - there are no threads yet
    )
    threading.Thread(target=watch, args=(child,), daemon=True).start()
    code = child.wait()
    if code == 0 and options.get("final"):
        try:
            publish(options["part"], options["final"])
        except OSError as error:
            print(f"cannot name the finished file: {error.strerror}", file=sys.stderr)
            return 125
    return code if code >= 0 else 128 - code


def publish(part: str, final: str) -> None:
    """Rename, after the bytes are on the disk: what has a final name survives a power cut."""
    with open(part, "rb+") as file:  # noqa: PTH123
        os.fsync(file.fileno())
    os.replace(part, final)  # noqa: PTH105


def limit(options: dict[str, Any]) -> None:
    """Bound memory, file size and processor time, where the system can; dump no core.

    A core would hold what the media held, and be as large as the memory. Should the machine run out
    of memory in spite of the limit, Linux ends this process before the studio. Windows has none of
    these limits in this form: only the wall clock of whoever asked, and the job object, hold there.
    """
    with contextlib.suppress(ImportError):
        import resource

        wanted = {**options, "core": 0}
        for kind, most in LIMITS:
            if most in wanted:
                # macOS refuses RLIMIT_AS, and a lower hard limit stands: then that one holds.
                with contextlib.suppress(ValueError, OSError):
                    number = getattr(resource, kind)
                    resource.setrlimit(number, (wanted[most], resource.getrlimit(number)[1]))
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123
        file.write("1000")


def end_with_us() -> Callable[[], object] | None:
    """What the program's process is to do first: ask Linux to be killed when this guard is.

    Elsewhere whoever started the guard sees its end and kills the group, unless it is gone too.
    """
    if sys.platform != "linux":
        return None
    import ctypes

    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def watch(child: subprocess.Popen[bytes]) -> None:
    """Wait for the pipe to close, then end everything."""
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    child.kill()
    os._exit(1)


def enter_job_object() -> None:
    """Windows: this process and its children end when this process' last handle closes."""
    import ctypes

    class Limits(ctypes.Structure):
        # JOBOBJECT_EXTENDED_LIMIT_INFORMATION, of which only LimitFlags, at byte 16, is set.
        _fields_ = (
            ("times", ctypes.c_int64 * 2),
            ("flags", ctypes.c_uint32),
            ("rest", ctypes.c_byte * (124 if ctypes.sizeof(ctypes.c_void_p) == 8 else 92)),
        )

    kernel: Any = vars(ctypes)["windll"].kernel32
    kernel.CreateJobObjectW.restype = ctypes.c_void_p
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    job = ctypes.c_void_p(kernel.CreateJobObjectW(None, None))
    limits = Limits(flags=0x2000)  # JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
    kernel.SetInformationJobObject(job, 9, ctypes.byref(limits), ctypes.sizeof(limits))
    # The handle is never closed: Windows does that when this process ends.
    kernel.AssignProcessToJobObject(job, ctypes.c_void_p(kernel.GetCurrentProcess()))


if __name__ == "__main__":
    sys.exit(main())
