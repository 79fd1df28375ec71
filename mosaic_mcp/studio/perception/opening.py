"""Opening media with PyAV, safely: no playlists, no addresses, bounded sizes. Helper only."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from numpy.typing import NDArray

from mosaic_mcp.errors import MediaError
from mosaic_mcp.studio.reach import FORMATS, MAX_PIXELS, MAX_STREAMS, PROTOCOLS, told_format

KINDS = "MP4, MOV, MKV, WebM, AVI, MPEG-TS; MP3, WAV, M4A, FLAC, OGG; PNG, JPEG, WebP, GIF"


@contextmanager
def opened(path: str) -> Generator[InputContainer]:
    """An open container; raises MediaError with why it cannot be."""
    options = {
        "format_whitelist": FORMATS,
        "protocol_whitelist": PROTOCOLS,
        # Of the decoders that look at the first pictures while it is opened.
        "max_pixels": str(MAX_PIXELS),
    }
    try:
        # By its name alone "cache:x" would be a protocol.
        container = av.open(
            f"file:{path}",
            format=told_format(Path(path)),
            options=options,
            metadata_errors="ignore",
        )
    except (FFmpegError, OSError) as error:
        raise why_not(path, error) from error
    try:
        if len(container.streams) > MAX_STREAMS:
            raise MediaError(
                f"It has {len(container.streams)} streams; {MAX_STREAMS} are the most we read.",
                remedy="Export it with one video and one audio stream.",
            )
        for stream in container.streams.video:
            # A picture may grow after the first one.
            stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        yield container
    except FFmpegError as error:
        raise MediaError(
            f"It is damaged: {error.strerror}.", remedy="Copy or export the file again."
        ) from error
    finally:
        container.close()


def why_not(path: str, error: Exception) -> MediaError:
    """The sentence for a file that does not open."""
    try:
        with Path(path).open("rb") as file:
            head = file.read(4096)
    except OSError as failure:
        return MediaError(
            f"It cannot be read: {failure.strerror}.", remedy="Check the path and its permissions."
        )
    text = head.lstrip()[:400].lower()
    if text.startswith((b"#extm3u", b"ffconcat", b"v=0")) or b"<mpd" in text:
        return MediaError(
            "It is a playlist that points to other files, not a video.",
            remedy="Give the video file itself.",
        )
    if b"ftyp" in head[:64] and "moov" not in str(error).lower():
        return MediaError(
            "It is cut off: its index is missing.",
            remedy="The download or copy broke off; get the file again.",
        )
    if b"ftyp" in head[:64]:
        return MediaError(
            "It is cut off or was not finished: its index (moov) is missing.",
            remedy="The recording or copy broke off; get the file again.",
        )
    return MediaError("It is not a media file that we read.", remedy=f"We read {KINDS}.")


def start_of(container: InputContainer) -> Fraction:
    """Seconds at which the container's own clock starts; ours starts at 0 there."""
    return Fraction(container.start_time or 0, 1_000_000)


def samples(path: str, rate: int = 16_000) -> NDArray[np.int16]:
    """The first audio stream as mono samples, sample 0 at the source's time 0."""
    sound = bytearray()  # grows in place: parts, joined in the end, would take twice as much
    with opened(path) as container:
        if not container.streams.audio:
            return np.zeros(0, np.int16)
        stream = container.streams.audio[0]
        resampler = av.AudioResampler("s16", "mono", rate)
        lead: int | None = None
        for frame in container.decode(stream):
            if lead is None:
                begin = Fraction(frame.pts or 0) * (frame.time_base or 0) - start_of(container)
                lead = max(0, round(begin * rate))
                sound += bytes(2 * lead)
            for out in resampler.resample(frame):
                sound += out.to_ndarray().tobytes()
        for out in resampler.resample(None):
            sound += out.to_ndarray().tobytes()
    return np.frombuffer(sound, np.int16)
