"""How dark, bright and coloured a picture is: levels of red, green and blue. Runs in the helper."""

from __future__ import annotations

from typing import Any

import numpy as np
from av import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorTrc
from numpy.typing import NDArray

from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.perception.opening import opened

SHARES = (2, 10, 30, 50, 70, 90, 98)
"""Percent of all pixels that are darker than each level."""
MOST = 40
"""Key frames that are looked at, spread over the video."""


def colours(argument: dict[str, Any]) -> dict[str, list[float]]:
    """`red`, `green` and `blue`: a level 0..1 for each of `SHARES`. For the file at `path`."""
    seen: list[NDArray[np.uint8]] = []
    with opened(argument["path"]) as container:
        stream = container.streams.video[0]
        stream.codec_context.skip_frame = "NONKEY"
        for frame in container.decode(stream):
            seen.append(_shown(frame))
            if len(seen) >= 2 * MOST:
                seen = seen[::2]
    if not seen:
        raise MediaError("Its picture cannot be decoded.", remedy="Export the file again.")
    pixels = np.concatenate([picture.reshape(-1, 3) for picture in seen])
    levels = np.percentile(pixels, SHARES, axis=0) / 255
    return {name: levels[:, i].tolist() for i, name in enumerate(("red", "green", "blue"))}


def _shown(frame: VideoFrame) -> NDArray[np.uint8]:
    """The picture 96 by 54 in red, green and blue as ordinary screens show it: HDR toned down."""
    target = (
        {"dst_color_trc": ColorTrc.BT709, "dst_color_primaries": ColorPrimaries.BT709}
        if frame.color_trc in (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67)
        else {}
    )
    return frame.reformat(96, 54, "rgb24", **target).to_ndarray().astype(np.uint8)
