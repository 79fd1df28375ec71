"""Run the FFmpeg commands of a render again, from the log of its run, in a folder of your own.

For example, the first render of a run that get_run named:

    uv run python examples/scripts/repeat_render.py 7f8d9c2b-4a6e-4f0e-9d57-1c3b5a7e9f10
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

from mosaic_mcp.client import connect
from mosaic_mcp.contract.extensions import FfmpegCommand, JobLog
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.render.ffmpeg import find_ffmpeg


async def main() -> None:
    parser = argparse.ArgumentParser(description="Run a render's FFmpeg commands again.")
    parser.add_argument("run_id")
    parser.add_argument("--render", help="id of the render (default: the first of the run)")
    parser.add_argument("--out", type=Path, default=Path("repeated"), help="folder to work in")
    args = parser.parse_args()

    settings = Settings.from_env()
    async with await connect(settings) as client:
        studio = await client.studio()
        if studio is None:
            sys.exit("Only a studio of this machine has the files.")
        log = await studio.run_log(args.run_id, render_id=args.render, files=True)
    job = next((job for job in log.jobs if job.kind == "render" and job.files), None)
    if job is None:
        sys.exit("This run has logged no render that got as far as FFmpeg.")
    bring_files(job, args.out)
    repeat(job, find_ffmpeg(settings), args.out)


def repeat(job: JobLog, ffmpeg: Path, folder: Path) -> None:
    """Run the commands one after the other, those that have what they read."""
    for command in job.commands:
        if missing := missing_inputs(command, folder):
            print(f"left out: {command.line}\n  needs {missing}, which the studio makes itself")
            continue
        print(command.line)
        done = subprocess.run(
            [ffmpeg, *command.arguments],
            cwd=folder / command.folder,
            capture_output=True,
            check=False,
        )
        print(f"  ended with {done.returncode}, in the log {command.exit_code}")


def bring_files(job: JobLog, folder: Path) -> None:
    """Lay out what the commands read, as it lay in the job's folder."""
    for file in job.files:
        to = folder / file.name
        to.parent.mkdir(parents=True, exist_ok=True)
        if file.text is not None:
            to.write_text(file.text, "utf-8")
        elif file.path is not None:
            shutil.copyfile(file.path, to)
        else:
            sys.exit(f"The source {file.name} (sha256 {file.sha256}) is gone.")


def missing_inputs(command: FfmpegCommand, folder: Path) -> str:
    """Names of inputs that are not there: sound is cut by the studio, not by FFmpeg."""
    inputs = [value for option, value in pairwise(command.arguments) if option == "-i"]
    there = folder / command.folder
    return ", ".join(name for name in inputs if not (there / name).is_file())


if __name__ == "__main__":
    asyncio.run(main())
