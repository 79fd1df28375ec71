"""Colour tables and what they make of colours, by numpy alone."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from tests.support.coded import ffmpeg

POINTS = 5
_AXES = np.meshgrid(*[np.linspace(0, 1, POINTS)] * 3, indexing="ij")
_BLUE, _GREEN, _RED = (axis.ravel() for axis in _AXES)
TURNED = np.stack([0.1 + 0.8 * _BLUE**2, 0.9 - 0.7 * _RED, 0.2 + 0.7 * _GREEN * _BLUE], axis=1)
"""The entries of a 3D table after which no colour is what it was."""
ROWS, COLUMNS, SIDE = 4, 7, 44


def written(entries: np.ndarray, end: str = "\n") -> str:
    """The entries as lines."""
    return end.join(f"{red:.6f} {green:.6f} {blue:.6f}" for red, green, blue in entries)


def looked_up(entries: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Colours 0..1 in a table: 1D between two levels, 3D between the corners of a tetrahedron."""
    points = len(entries) if len(entries) < 8 else round(len(entries) ** (1 / 3))
    places = np.clip(at, 0, 1) * (points - 1)
    if points == len(entries):
        steps = np.arange(points)
        return np.stack([np.interp(places[:, n], steps, entries[:, n]) for n in range(3)], axis=1)
    corner = np.minimum(places.astype(int), points - 2)
    rest, every = places - corner, np.arange(len(at))
    # From the lowest corner to the highest, along the axes in the order of how far it is.
    found, left = np.zeros_like(at), np.ones(len(at))
    for axis in np.argsort(-rest, axis=1, kind="stable").T:
        share = rest[every, axis]
        found += (left - share)[:, None] * entries[corner @ (1, points, points**2)]
        corner[every, axis] += 1
        left = share
    return found + left[:, None] * entries[corner @ (1, points, points**2)]


def fields(path: Path, frames: int = 10) -> Path:
    """A video of ROWS times COLUMNS fields of one colour each."""
    colours = np.random.default_rng(7).integers(0, 256, (ROWS, COLUMNS, 3), np.uint8)
    raw = path.with_suffix(".raw")
    raw.write_bytes(colours.repeat(SIDE, 0).repeat(SIDE, 1).tobytes())
    size = f"{COLUMNS * SIDE}x{ROWS * SIDE}"
    ffmpeg(
        "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", "30", "-i", raw,
        "-vf", f"loop={frames}:1,scale=out_color_matrix=bt709:out_range=tv,format=yuv420p",
        "-colorspace", "bt709", "-color_range", "tv", "-preset", "ultrafast", "-crf", "4", path,
    )  # fmt: skip
    return path


def shown(path: Path) -> np.ndarray:
    """The colour of each field of the fifth picture, red, green and blue of 0..255."""
    with av.open(path) as file:
        frame = [frame for frame, _ in zip(file.decode(video=0), range(5), strict=False)][-1]
        picture = frame.reformat(format="rgb24", src_colorspace="ITU709").to_ndarray()
    middles = np.arange(SIDE // 4, SIDE * 3 // 4)
    rows = (np.arange(ROWS)[:, None] * SIDE + middles).ravel()
    columns = (np.arange(COLUMNS)[:, None] * SIDE + middles).ravel()
    inside = picture[rows][:, columns].reshape(ROWS, len(middles), COLUMNS, len(middles), 3)
    return inside.mean(axis=(1, 3)).reshape(-1, 3)
