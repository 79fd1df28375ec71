"""A slow disk under an unchanged program: its writes to a folder really block, in the kernel.

    python -m tests.support.slow_disk FOLDER BYTES_PER_S program…

Neither root nor a module of the kernel is needed, unlike for dm-delay, FUSE or a cgroup's io.max:
Linux lets a process ask another for leave at every system call (seccomp's user notification, 5.5).
The program, and all that it starts, asks before each write to a file; leave is given when a disk of
that speed would be done.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import platform
import queue
import select
import socket
import struct
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

CALLS = {
    # write, pwrite64, writev, pwritev, fsync, fdatasync; seccomp itself
    "x86_64": (0xC000003E, (1, 18, 20, 296, 74, 75), 317),
    "aarch64": (0xC00000B7, (64, 68, 66, 70, 82, 83), 277),
}
FLUSH_S = 0.02
"""What making sure that all is on the disk takes."""
TURN_S = 0.05
ALLOW, NOTIFY = 0x7FFF0000, 0x7FC00000
NEW_LISTENER = 1 << 3
RECEIVE, SEND = 0xC0502100, 0xC0182101
GO_ON = 1


def possible() -> bool:
    """True where a program can be slowed down so."""
    if sys.platform != "linux" or platform.machine() not in CALLS:
        return False
    command = [sys.executable, "-m", "tests.support.slow_disk", "/nowhere", "1", "true"]
    return os.spawnv(os.P_WAIT, sys.executable, command) == 0


def listen() -> int:
    """Make this process, and what it becomes, ask before it writes; whom it asks."""
    architecture, calls, seccomp = CALLS[platform.machine()]
    program = [(0x20, 0, 0, 4), (0x15, 0, len(calls) + 1, architecture), (0x20, 0, 0, 0)]
    program += [(0x15, len(calls) - n, 0, call) for n, call in enumerate(calls)]
    program += [(0x06, 0, 0, ALLOW), (0x06, 0, 0, NOTIFY)]
    code = b"".join(struct.pack("=HBBI", *line) for line in program)
    buffer = ctypes.create_string_buffer(code)
    head = struct.pack("@HP", len(program), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(38, 1, 0, 0, 0):  # PR_SET_NO_NEW_PRIVS: the price of doing it without root
        raise OSError(ctypes.get_errno(), "prctl")
    listener = libc.syscall(seccomp, 1, NEW_LISTENER, ctypes.create_string_buffer(head))
    if listener < 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    return listener


class Disk:
    """Gives leave to write, as slowly as a disk of that speed; writers take turns, as on a disk."""

    def __init__(self, folder: Path, rate: float) -> None:
        self.folder = folder
        self.rate = rate
        self._writers: queue.SimpleQueue[tuple[int, float]] = queue.SimpleQueue()

    def answer(self, listener: int) -> None:
        """Answer until nobody is left to ask."""
        threading.Thread(target=self._write, args=(listener,), daemon=True).start()
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        while True:
            [(_, event)] = poll.poll()
            if not event & select.POLLIN:
                return
            asked = bytearray(80)
            try:
                fcntl.ioctl(listener, RECEIVE, asked)
            except OSError:  # who asked was killed
                continue
            number, pid = struct.unpack_from("=QI", asked)
            [call] = struct.unpack_from("=i", asked, 16)
            descriptor, _, size = struct.unpack_from("=QQQ", asked, 32)
            if not self._on_disk(pid, descriptor):  # a pipe does not wait for the disk
                _give_leave(listener, number)
            elif call in CALLS[platform.machine()][1][4:]:
                self._writers.put((number, FLUSH_S))
            else:  # of `writev` this is a count of buffers: few bytes
                self._writers.put((number, size / self.rate))

    def _write(self, listener: int) -> None:
        while True:
            number, left_s = self._writers.get()
            time.sleep(min(left_s, TURN_S))
            if left_s > TURN_S:
                self._writers.put((number, left_s - TURN_S))
            else:
                _give_leave(listener, number)

    def _on_disk(self, pid: int, descriptor: int) -> bool:
        try:
            return Path(f"/proc/{pid}/fd/{descriptor}").readlink().is_relative_to(self.folder)
        except OSError:
            return False


def _give_leave(listener: int, number: int) -> None:
    with suppress(OSError):  # killed while it waited
        fcntl.ioctl(listener, SEND, struct.pack("=QqiI", number, 0, 0, GO_ON))


def main() -> int:
    folder, rate, *command = sys.argv[1:]
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        listener = listen()
        socket.send_fds(theirs, [b"x"], [listener])
        os.close(listener)
        os.execvp(command[0], command)
    theirs.close()
    _, [listener], *_ = socket.recv_fds(ours, 1, 1)
    disk = Disk(Path(folder), float(rate))
    threading.Thread(target=disk.answer, args=(listener,), daemon=True).start()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    sys.exit(main())
