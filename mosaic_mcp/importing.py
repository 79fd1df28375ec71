"""Importing much at once, for programs that start."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def all_at_once() -> Generator[None]:
    """Without garbage collection: imports make objects, and all of them stay.

    Collecting while they are made finds next to nothing; frozen, they are not looked at in later
    collections either.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
