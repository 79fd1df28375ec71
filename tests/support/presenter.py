"""Somebody to film: a presenter cut out of NASA's portrait of Eileen Collins, who sways and talks.

The picture (public domain) comes with scikit-image. Nothing here is what she said or did.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.data import astronaut

Picture = NDArray[np.uint8]
FACE = (176, 60, 96, 118)
"""Brow to chin in the portrait: x, y, width, height in pixels of 512 x 512."""
_HAIR = ((226, 88), (74, 74))
_NECK = [(182, 120), (184, 205), (250, 205), (253, 172), (258, 150), (266, 126)]
_BODY = [
    (116, 195), (122, 176), (140, 158), (166, 149), (210, 185), (262, 178), (292, 212),
    (304, 240), (330, 254), (350, 284), (361, 346), (390, 344), (420, 348), (452, 364),
    (480, 394), (497, 436), (510, 470), (511, 511), (28, 511), (22, 440), (25, 372),
    (38, 312), (58, 272), (90, 232),
]  # fmt: skip
_BAND = 9
"""The outlines above are right to this many pixels; colours decide inside the band."""
_MOUTH_X, _MOUTH_Y, _MOUTH_HALF, _MOUTH_SAG = 225, 149, 20, 8
"""The lower edge of the upper teeth: a curve through its lowest point, and its half width."""
_CHIN_END = 196
_INSIDE = (38, 28, 66)
WIDEST_PX = 6
"""How far the mouth opens, pixels of the portrait."""


@cache
def cut_out() -> tuple[Picture, NDArray[np.float32]]:
    """The portrait (BGR) and how much of each pixel is the presenter, 0 to 1."""
    picture = cv2.cvtColor(astronaut(), cv2.COLOR_RGB2BGR)
    shape = np.zeros(picture.shape[:2], np.uint8)
    for outline in (_BODY, _NECK):
        cv2.fillPoly(shape, [np.array(outline, np.int32)], 255)
    cv2.ellipse(shape, *_HAIR, 0, 0, 360, 255, -1)
    kernel = np.ones((2 * _BAND + 1, 2 * _BAND + 1), np.uint8)
    sure, possible = cv2.erode(shape, kernel, borderValue=255), cv2.dilate(shape, kernel)
    mask = np.where(possible, np.where(shape, cv2.GC_PR_FGD, cv2.GC_PR_BGD), cv2.GC_BGD)
    mask = np.where(sure, cv2.GC_FGD, mask).astype(np.uint8)
    cv2.setRNGSeed(1)
    model: NDArray[Any] = np.zeros((1, 65))
    cv2.grabCut(picture, mask, None, model, model.copy(), 5, cv2.GC_INIT_WITH_MASK)
    alpha = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    alpha = cv2.morphologyEx(alpha, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    alpha = cv2.morphologyEx(alpha, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    # The rim has the colour of the old wall: half a pixel of it goes.
    alpha = cv2.erode(alpha, np.ones((3, 3), np.uint8)).astype(np.float32)
    return picture, cv2.GaussianBlur(alpha, (5, 5), 0)


def speaking(opened: float) -> Picture:
    """The portrait with the mouth `opened` (0 to 1): the jaw goes down, the upper lip stays."""
    picture, _ = cut_out()
    if opened < 0.05:
        return picture
    height, width = picture.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    across = (x - _MOUTH_X) / _MOUTH_HALF
    teeth = _MOUTH_Y - _MOUTH_SAG * across**2
    drop = opened * WIDEST_PX * np.clip(1 - across**2, 0, 1)
    below = y - teeth
    # What lies under the teeth moves down, less and less towards the end of the chin.
    fading = np.clip((_CHIN_END - y) / (_CHIN_END - teeth), 0, 1)
    source = np.where(below > 0, np.maximum(y - drop * fading, teeth), y).astype(np.float32)
    moved = cv2.remap(picture, x, source, cv2.INTER_CUBIC)
    gap = ((below > 0) & (below < drop) & (drop > 0.5)).astype(np.float32)
    gap = cv2.GaussianBlur(gap, (3, 3), 0)[..., None]
    return (moved * (1 - gap) + np.array(_INSIDE) * gap).astype(np.uint8)


def place(onto: Picture, opened: float, x: float, y: float, scale: float) -> None:
    """Put the presenter onto a picture, the portrait's upper left corner at (x, y)."""
    height, width = onto.shape[:2]
    move = np.array([[scale, 0, x], [0, scale, y]], np.float32)
    front = cv2.warpAffine(speaking(opened), move, (width, height), flags=cv2.INTER_CUBIC)
    alpha = cv2.warpAffine(cut_out()[1], move, (width, height), flags=cv2.INTER_LINEAR)[..., None]
    onto[:] = (front * alpha + onto * (1 - alpha)).astype(np.uint8)
