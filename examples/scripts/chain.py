"""Run one agent on a video, and another on what the first made, with no re-encode in between.

For example:

    uv run python examples/scripts/chain.py my.mp4 "Clean up a talking head" "Caption and reframe"
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from mosaic_client import mosaic, video_argument


async def main() -> None:
    parser = argparse.ArgumentParser(description="Run one agent, and another on what it made.")
    parser.add_argument("video", type=Path)
    parser.add_argument("first", help="agent for the video")
    parser.add_argument("second", help="agent for what the first makes")
    parser.add_argument("--transcript", type=Path, help="the video's SRT or VTT")
    parser.add_argument("--clip", help="part of the video, as 'first 2 minutes'")
    parser.add_argument("--quality", default="standard", choices=["draft", "standard", "best"])
    parser.add_argument("--out", type=Path, default=Path("edited"))
    args = parser.parse_args()

    async with mosaic() as tools:
        first = await tools.call(
            "run_agent",
            agent=args.first,
            videos=[video_argument(args.video, args.transcript)],
            clip=args.clip,
            quality=args.quality,
        )
        first = await tools.finish(first)
        second = await tools.call(
            "chain_run", source=first["run_id"], agent=args.second, quality=args.quality
        )
        second = await tools.finish(second)
        print(f"made from {', '.join(second['from_outputs'])}")
        for path in await tools.save(second, args.out):
            print(path)


if __name__ == "__main__":
    asyncio.run(main())
