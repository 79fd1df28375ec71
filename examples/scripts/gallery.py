"""Run each agent of a folder on one video, and write a page with a contact sheet of every result.

For example, docs/gallery.md was made so:

    uv run python examples/scripts/gallery.py mosaic_mcp/sample/talk.mp4 docs/gallery.md \
        --transcript mosaic_mcp/sample/talk.srt --clip 0-20
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
from pathlib import Path
from typing import Any

from mosaic_client import Mosaic, mosaic, video_argument
from PIL import Image

AGENTS = Path(__file__).parents[1] / "agents"
WIDTH = 1200
"""Pixels of a sheet on the page."""
FRAMES = 8


async def main() -> None:
    parser = argparse.ArgumentParser(description="A page of what each agent makes of one video.")
    parser.add_argument("video", type=Path)
    parser.add_argument("page", type=Path, help="Markdown file to write; sheets go beside it")
    parser.add_argument("--transcript", type=Path, help="the video's SRT or VTT")
    parser.add_argument("--clip", help="part of the video, as 'first 2 minutes'")
    parser.add_argument("--quality", default="standard", choices=["draft", "standard", "best"])
    parser.add_argument("--agents", type=Path, default=AGENTS, help="folder of build_agent files")
    args = parser.parse_args()

    sheets = args.page.with_suffix("")
    sheets.mkdir(parents=True, exist_ok=True)
    parts = [
        "# Gallery",
        "What each agent of [examples/agents](../examples/agents) makes of the sample: contact "
        "sheets of the real outputs. Made by [gallery.py](../examples/scripts/gallery.py), which "
        "does the same with a video of yours.",
    ]
    async with mosaic() as tools:
        for path in sorted(args.agents.glob("*.json")):
            agent = json.loads(path.read_text("utf-8"))
            if "tiles" not in agent:  # a body for the REST API
                continue
            run = await _run(tools, agent, args)
            pictures = await _sheets(tools, run, sheets / path.stem)
            parts.append(_section(path, agent, run, pictures))
            print(f"{agent['name']}: {run['summary']}")
    args.page.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


async def _run(tools: Mosaic, agent: dict[str, Any], args: argparse.Namespace) -> dict[str, Any]:
    built = await tools.call("build_agent", **agent)
    return await tools.finish(
        await tools.call(
            "run_agent",
            agent=built["agent_id"],
            videos=[video_argument(args.video, args.transcript)] if built.get("inputs") else [],
            clip=args.clip if built.get("inputs") else None,
            quality=args.quality,
        )
    )


async def _sheets(tools: Mosaic, run: dict[str, Any], stem: Path) -> list[Path]:
    """A JPEG of every output."""
    listed = await tools.call("list_outputs", run_id=run["run_id"])
    made: list[Path] = []
    for number, output in enumerate(listed["outputs"], 1):
        data = await tools.picture("view_output", output_id=output["output_id"], frames=FRAMES)
        with Image.open(io.BytesIO(data)) as sheet:
            picture = sheet.convert("RGB")
        picture.thumbnail((WIDTH, WIDTH))
        made.append(stem.with_name(f"{stem.name}_{number}.jpg"))
        picture.save(made[-1], quality=80, optimize=True)
    return made


def _section(path: Path, agent: dict[str, Any], run: dict[str, Any], pictures: list[Path]) -> str:
    tiles = [t if isinstance(t, str) else t["tile"] for t in agent["tiles"]]
    lines = [
        f"## {agent['name']}",
        agent["description"],
        f"[{path.name}](../examples/agents/{path.name}): {' · '.join(tiles)}.",
    ]
    lines += [f"- {note}" for note in run.get("notes", [])]
    lines += [f"![Frames of {agent['name']}]({p.parent.name}/{p.name})" for p in pictures]
    return "\n\n".join(lines)


if __name__ == "__main__":
    asyncio.run(main())
