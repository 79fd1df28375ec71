"""`mosaic-mcp demo`: a chat client in miniature.

It starts the MCP server over stdio as any client would, calls the tools, shows the progress that
the server reports, and prints what was made. It knows nothing that a chat assistant could not.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, cast

import anyio
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, ImageContent, TextContent

from mosaic_mcp.errors import EngineUnavailable, MediaError, MosaicError

AGENT = "Talking head to vertical clips"
BAR = 24
AGAIN = 3
"""How often a call that failed for a passing reason, such as a slow start, is made again."""
DONE = {"completed", "partial_complete", "failed", "cancelled"}


def run_demo(video: Path | None, *, transcript: Path | None, agent: str | None, out: Path) -> int:
    """Edit `video` (or the sample) and print what came out; returns the exit code."""
    video, transcript = material(video, transcript)
    if not video.is_file():
        raise MediaError(f"There is no file {video}.", remedy="Give the path of a video file.")
    refused: BaseException
    try:
        return anyio.run(_demo, video.resolve(), transcript, agent or AGENT, out)
    except* MosaicError as group:  # the client's task groups wrap what passes them
        refused = group
    while isinstance(refused, BaseExceptionGroup):
        refused = refused.exceptions[0]
    raise refused


def material(video: Path | None, transcript: Path | None) -> tuple[Path, Path | None]:
    """The video and its subtitles: what was named, the sample, or an SRT beside the video."""
    if video is None:
        sample = Path(str(resources.files("mosaic_mcp") / "sample"))
        print("No video given: using the sample, with its own subtitles as the user's transcript.")
        return sample / "talk.mp4", transcript or sample / "talk.srt"
    beside = video.with_suffix(".srt")
    if transcript is None and beside.is_file():
        print(f"Using the subtitles beside it: {beside.name}")
        return video, beside
    return video, transcript


async def _demo(video: Path, transcript: Path | None, agent: str, out: Path) -> int:
    out.mkdir(parents=True, exist_ok=True)
    folders = [str(video.parent), str(out.resolve())]
    folders += [str(transcript.resolve().parent)] if transcript else []
    env = {**os.environ, "MOSAIC_ALLOWED_DIRS": os.pathsep.join(folders)}
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "mosaic_mcp"], env=env, cwd=Path.cwd()
    )
    async with Client(server) as client:
        tools = _Tools(client)
        source: dict[str, Any] = {"source": str(video)}
        if transcript:
            source["transcript"] = str(transcript.resolve())
        request: dict[str, Any] = {"agent": agent, "videos": [source], "wait_s": 0}
        if not transcript:
            request |= await _without_transcript(tools, video)
        print(f"run_agent: {agent!r} on {video.name}")
        run = await tools.call("run_agent", request)
        run = await _follow(tools, run)
        return await _show(tools, run, out)


class _Tools:
    """Calls tools and shows progress."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.live = sys.stdout.isatty()
        self.said = ""

    async def raw(self, name: str, arguments: Mapping[str, Any]) -> CallToolResult:
        result = await self._once(name, arguments)
        for _ in range(AGAIN):
            if not (result.is_error and _passing(result)):
                break
            result = await self._once(name, arguments)
        if result.is_error:
            text = " ".join(b.text for b in result.content if isinstance(b, TextContent))
            raise EngineUnavailable(f"{name}: {text}")
        return result

    async def _once(self, name: str, arguments: Mapping[str, Any]) -> CallToolResult:
        return await self.client.call_tool(name, dict(arguments), progress_callback=self._progress)

    async def call(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        result = await self.raw(name, arguments)
        return cast(dict[str, Any], result.structured_content or {})

    async def _progress(self, progress: float, total: float | None, message: str | None) -> None:
        share = progress / total if total else 0.0
        filled = round(share * BAR)
        line = f"  [{'█' * filled}{'·' * (BAR - filled)}] {share:4.0%}  {message or ''}"
        if self.live:
            print(f"\r\x1b[K{line[:110]}", end="", flush=True)
        elif line != self.said:
            self.said = line
            print(line, flush=True)

    def end_line(self) -> None:
        if self.live:
            print("\r\x1b[K", end="")


def _passing(result: CallToolResult) -> bool:
    """True where the answer says that the same call may succeed."""
    error = cast(dict[str, Any], result.structured_content or {}).get("error")
    return isinstance(error, dict) and cast(dict[str, Any], error).get("retryable") is True


async def _without_transcript(tools: _Tools, video: Path) -> dict[str, Any]:
    """What a careful assistant does with a video of its own: ask how well it is understood."""
    print("read_transcript: is the speech understood well enough to build on?")
    words = await tools.call("read_transcript", {"video": str(video)})
    tools.end_line()
    print(f"  {words['source']}: confidence {words['confidence']:.0%}. {words.get('note', '')}")
    if words["reliable"]:
        return {}
    print("  Not well enough: captions and filler removal are left out. Bring an SRT to have them.")
    return {
        "skip": ["Captions"],
        "params": {"Silence Removal": {"remove_filler_words": False}},
    }


async def _follow(tools: _Tools, run: dict[str, Any]) -> dict[str, Any]:
    """Wait for the run as a chat client does: bounded calls, each naming the next."""
    seen: dict[str, str] = {}
    while True:
        for step in run.get("steps", []):
            state = step["status"]
            if seen.get(step["node"]) != state:
                seen[step["node"]] = state
                tools.end_line()
                print(f"  {_mark(state)} {step['node']:<20} {state}")
        if run["status"] in DONE:
            return run
        run = await tools.call(
            "get_run", {"run_id": run["run_id"], "wait_s": 20, "since": run["since"]}
        )


def _mark(status: str) -> str:
    return {"completed": "✓", "failed": "✗", "blocked": "✗", "running": "▶"}.get(status, "·")


async def _show(tools: _Tools, run: dict[str, Any], out: Path) -> int:
    print(f"\n{run['summary']}")
    for error in run.get("errors", []):
        print(f"  {error['node']}: {' '.join(error['messages'])}")
    listed = await tools.call(
        "list_outputs", {"run_id": run["run_id"], "save_to": str(out.resolve())}
    )
    tools.end_line()
    for output in listed.get("outputs", []):
        size = output.get("size_bytes", 0) / 1e6
        print(f"\n  {output.get('name', output['output_id'])}")
        print(
            f"    {output['duration_s']:.1f} s, {output['width']}x{output['height']}, {size:.1f} MB"
        )
        for label, key in (
            ("file", "saved_to"),
            ("subtitles", "subtitles"),
            ("missing", "missing_words"),
            ("timeline", "timeline_zip"),
            ("link", "url"),
        ):
            if key in output:
                print(f"    {label:<10}{output[key]}")
        sheet = await tools.raw("view_output", {"output_id": output["output_id"], "frames": 8})
        print(f"    {'sheet':<10}{_save_sheet(sheet, output, out)}")
    return 0 if run["status"] == "completed" else 1


def _save_sheet(result: CallToolResult, output: dict[str, Any], out: Path) -> Path:
    """Write the picture that the assistant sees as a PNG."""
    import base64
    import io

    from PIL import Image

    picture = next(b for b in result.content if isinstance(b, ImageContent))
    stem = Path(output["saved_to"]).stem if "saved_to" in output else output["output_id"]
    path = out / f"{stem}.sheet.png"
    Image.open(io.BytesIO(base64.b64decode(picture.data))).save(path)
    return path
