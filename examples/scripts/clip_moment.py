"""Find what is said in a video, and make one vertical clip of the first sentence that fits.

For example:

    uv run python examples/scripts/clip_moment.py my.mp4 "quiet room" --transcript my.srt
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from mosaic_client import Refused, mosaic, video_argument

AROUND_S = 0.25
"""Seconds kept before and after the sentence, so that no breath is cut."""


async def main() -> None:
    parser = argparse.ArgumentParser(description="Make one vertical clip of what is said.")
    parser.add_argument("video", type=Path)
    parser.add_argument("words", help="words of the sentence")
    parser.add_argument("--transcript", type=Path, help="SRT or VTT, for the captions")
    parser.add_argument("--quality", default="standard", choices=["draft", "standard", "best"])
    parser.add_argument("--out", type=Path, default=Path("edited"))
    args = parser.parse_args()

    async with mosaic() as tools:
        video = str(args.video.absolute())
        said = await tools.call("read_transcript", video=video, query=args.words)
        if not said.get("sentences"):
            raise Refused(f"Nobody says {args.words!r} there. {said.get('note', '')}")
        moment = said["sentences"][0]
        start, end = max(0, moment["start_s"] - AROUND_S), moment["end_s"] + AROUND_S
        print(f"{start:.1f} s to {end:.1f} s: {moment['text']}")

        captions = args.transcript is not None or said["reliable"]
        run = await tools.call(
            "run_agent",
            agent="Caption and reframe",
            videos=[video_argument(args.video, args.transcript)],
            clip=f"{start:.2f}-{end:.2f}",
            skip=[] if captions else ["Captions"],
            quality=args.quality,
        )
        run = await tools.finish(run)
        for path in await tools.save(run, args.out):
            print(path)


if __name__ == "__main__":
    asyncio.run(main())
