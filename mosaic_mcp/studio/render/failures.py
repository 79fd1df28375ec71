"""FFmpeg's exit status and log, told as one sentence with what to do."""

from __future__ import annotations

import re
import signal

from mosaic_mcp.errors import MediaError, MosaicError, RenderFailed

LOG_END = 2000
"""Characters of the log that an error carries."""

_SIGNAL = 128
"""The guard reports a signal as 128 + its number."""


def explain(status: int, log: str, *, what: str = "the video") -> MosaicError:
    """The error for a run of FFmpeg that ended with `status`; `what` it was making."""
    end = log[-LOG_END:]
    if re.search(r"No space left on device|Disk quota exceeded", log):
        return RenderFailed(
            f"There is no space left on the disk for {what}.",
            remedy="Free some space, then resume the run.",
            log=end,
        )
    if status == _SIGNAL + getattr(signal, "SIGXFSZ", 25) or "File too large" in log:
        return RenderFailed(
            f"FFmpeg stopped: {what} grew over the size limit of a file.",
            remedy="Make a shorter video, or render it as a draft.",
            log=end,
        )
    if status == _SIGNAL + 9 or re.search(r"Cannot allocate memory|Out of memory", log):
        return RenderFailed(
            f"FFmpeg was stopped while making {what}: the memory did not suffice.",
            remedy="Close other programs or make a smaller video, then resume the run.",
            log=end,
        )
    if re.search(r"not on (whitelist|the whitelist)|not in allowed|Format not on whitelist", log):
        return MediaError(
            "A source is of a kind that is not read here (playlists and network streams are not).",
            remedy="Give a video file such as MP4, MOV, MKV or WebM.",
        )
    if re.search(r"moov atom not found|Invalid data found when processing input|EBML header", log):
        return MediaError(
            f"A source could not be read to make {what}: it is damaged or not a media file.",
            remedy="Play the file to the end to check it, and upload it anew.",
        )
    return RenderFailed(
        f"FFmpeg could not make {what} (exit status {status}): {_last_line(log)}",
        remedy="Resume the run; if it fails again, report it with the log.",
        log=end,
    )


def _last_line(log: str) -> str:
    """The last telling line, without FFmpeg's addresses of objects in memory."""
    lines = [re.sub(r"\s*@ 0x[0-9a-f]+", "", line).strip() for line in log.splitlines()]
    telling = [line for line in lines if line and not line.startswith("Conversion failed")]
    return telling[-1][:300] if telling else "no reason given."
