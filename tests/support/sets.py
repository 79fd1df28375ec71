"""What stands behind and between the presenter: two painted rooms, and two shots without a face."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.data import brick, coffee

Picture = NDArray[np.uint8]
WIDTH, HEIGHT = 1280, 720
_AMBER = (70, 160, 240)


@cache
def study() -> Picture:
    """A dark blue room with shelves of books and a lamp, out of focus (BGR)."""
    random = np.random.default_rng(3)
    picture = _gradient((62, 44, 30), (38, 26, 18))
    for shelf in (150, 330, 510, 690):
        x = 700
        while x < WIDTH:
            width, height = int(random.integers(16, 42)), int(random.integers(80, 135))
            colour = [int(c) for c in random.integers(30, 80) + random.integers(0, 45, 3)]
            cv2.rectangle(picture, (x, shelf - height), (x + width, shelf), colour, -1)
            x += width + int(random.choice([2, 3, 30], p=[0.5, 0.4, 0.1]))
        cv2.rectangle(picture, (680, shelf), (WIDTH, shelf + 14), (40, 62, 84), -1)
    cv2.rectangle(picture, (90, 90), (330, 300), (96, 82, 66), -1)
    cv2.rectangle(picture, (110, 110), (310, 280), (150, 136, 118), -1)
    picture = cv2.GaussianBlur(picture, (0, 0), 9)
    return _lit(picture, (560, 170), 420)


@cache
def cellar() -> Picture:
    """A brick wall in warm light."""
    laid = np.ascontiguousarray(np.rot90(brick()))
    wall = cv2.resize(laid, (WIDTH, WIDTH), interpolation=cv2.INTER_CUBIC)[:HEIGHT]
    tinted = wall[..., None] / 255 * np.array([72, 92, 128])
    picture = cv2.GaussianBlur(tinted.astype(np.uint8), (0, 0), 4)
    return _lit(picture, (1010, 140), 520)


@cache
def _desk() -> Picture:
    picture = _gradient((58, 36, 34), (24, 15, 14))
    cv2.ellipse(picture, (250, 300), (74, 110), 0, 0, 360, (120, 112, 108), -1)
    for y in range(205, 400, 16):
        half = int(74 * (1 - ((y - 300) / 110) ** 2) ** 0.5)
        cv2.line(picture, (250 - half, y), (250 + half, y), (84, 76, 74), 3)
    cv2.rectangle(picture, (174, 386), (326, 420), (70, 62, 60), -1)
    cv2.rectangle(picture, (238, 420), (262, 660), (78, 70, 68), -1)
    cv2.ellipse(picture, (250, 664), (120, 22), 0, 0, 360, (88, 80, 78), -1)
    return cv2.GaussianBlur(picture, (0, 0), 1.2)


def levels(heights: NDArray[Any]) -> Picture:
    """A microphone, and the sound as bars: `heights` (0 to 1) from left to right."""
    picture = _desk().copy()
    step = (WIDTH - 480) // len(heights)
    for number, height in enumerate(heights):
        x, half = 420 + number * step, int(6 + 190 * min(float(height), 1.0))
        share = number / len(heights)
        colour = [int(a + (b - a) * share) for a, b in zip((214, 148, 60), _AMBER, strict=True)]
        cv2.rectangle(picture, (x, 340 - half), (x + step - 7, 340 + half), colour, -1)
    return picture


def cup(share: float) -> Picture:
    """A cup of coffee, coming nearer as `share` goes from 0 to 1."""
    # A little soft: its grain would take more bytes than all the rest of a shot.
    photo = cv2.GaussianBlur(cv2.cvtColor(coffee(), cv2.COLOR_RGB2BGR), (0, 0), 0.9)
    zoom = WIDTH / photo.shape[1] * (1.02 + 0.10 * share)
    left = (photo.shape[1] * zoom - WIDTH) / 2
    top = (photo.shape[0] * zoom - HEIGHT) / 2
    move = np.array([[zoom, 0, -left], [0, zoom, -top]], np.float32)
    return cv2.warpAffine(photo, move, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC)


def _gradient(top: tuple[int, int, int], bottom: tuple[int, int, int]) -> Picture:
    share = np.linspace(0, 1, HEIGHT)[:, None, None]
    rows = np.array(top) * (1 - share) + np.array(bottom) * share
    return np.repeat(rows, WIDTH, axis=1).astype(np.uint8)


def _lit(picture: Picture, at: tuple[int, int], reach: float) -> Picture:
    """A lamp's warm glow, and darker corners."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    glow = np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * (reach / 2) ** 2))[..., None]
    corners = 1 - 0.35 * (((x - 640) / 640) ** 2 + ((y - 360) / 360) ** 2)[..., None] / 2
    lit = (picture + glow * np.array([30, 62, 92])) * corners
    return np.clip(lit, 0, 255).astype(np.uint8)
