"""Run an agent on a file and save what it makes.

For example:

    uv run python examples/scripts/edit_file.py my.mp4 --transcript my.srt
    uv run python examples/scripts/edit_file.py my.mp4 --build examples/agents/clean_and_brand.json
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

from mosaic_client import mosaic, video_argument


async def main() -> None:
    parser = argparse.ArgumentParser(description="Run an agent on a file and save what it makes.")
    parser.add_argument("video", type=Path)
    parser.add_argument("--transcript", type=Path, help="its SRT or VTT")
    parser.add_argument("--agent", default="Caption and reframe", help="name or id")
    parser.add_argument("--build", type=Path, help="a file of examples/agents to build and run")
    parser.add_argument("--clip", help="part of the video, as 'first 2 minutes'")
    parser.add_argument("--quality", default="standard", choices=["draft", "standard", "best"])
    parser.add_argument("--out", type=Path, default=Path("edited"))
    args = parser.parse_args()

    async with mosaic() as tools:
        agent = args.agent
        if args.build:
            built = await tools.call("build_agent", **json.loads(args.build.read_text("utf-8")))
            agent = built["agent_id"]
        run = await tools.call(
            "run_agent",
            agent=agent,
            videos=[video_argument(args.video, args.transcript)],
            clip=args.clip,
            quality=args.quality,
        )
        run = await tools.finish(run)
        for path in await tools.save(run, args.out):
            print(path)


if __name__ == "__main__":
    asyncio.run(main())
