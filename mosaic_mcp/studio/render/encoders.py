"""What encodes pictures: x264, or a hardware encoder where `choosing.py` finds it better.

The hardware's settings are its makers' advice: written without any of it at hand, and tried out on
each machine before they are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Quality = Literal["draft", "standard", "best"]

X264: Mapping[Quality, Mapping[str, str]] = {
    "draft": {"preset": "ultrafast", "crf": "28"},
    "standard": {"preset": "veryfast", "crf": "20"},
    "best": {"preset": "medium", "crf": "18"},
}
SOFTWARE = "libx264"


@dataclass(frozen=True, slots=True)
class Encoder:
    """An encoder of FFmpeg, and what a command needs for it."""

    name: str
    options: tuple[str, ...] = ()
    device: tuple[str, ...] = ()
    """Options before the inputs."""
    upload: str = ""
    """Filters that end a graph instead of `format=yuv420p`."""


def x264(quality: Quality) -> Encoder:
    """The encoder that is always there."""
    options = (word for name, value in X264[quality].items() for word in (f"-{name}", value))
    return Encoder(SOFTWARE, tuple(options))


HARDWARE: Mapping[str, Encoder] = {
    encoder.name: encoder
    for encoder in (
        Encoder("h264_videotoolbox", ("-q:v", "65", "-profile:v", "high"), upload="format=nv12"),
        Encoder("h264_nvenc", ("-preset", "p5", "-rc", "vbr", "-cq", "21", "-b:v", "0")),
        Encoder("h264_qsv", ("-preset", "medium", "-global_quality", "20"), upload="format=nv12"),
        Encoder(
            "h264_vaapi",
            ("-qp", "20"),
            ("-vaapi_device", "/dev/dri/renderD128"),
            "format=nv12,hwupload",
        ),
    )
}
"""All that we know how to use, those first that are better where both are there."""
