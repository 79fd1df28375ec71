"""Out of credits in a chat, and on again: a real MCP client, on a studio with a quota."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from mcp import Client, StdioServerParameters

from tests.acceptance.tools import answer, to_the_end
from tests.support.media import video
from tests.support.studio_process import KEYS, RunningStudio, running_studio

CREDITS = 0.2
# 8 seconds come into the tile, videos of 2 and 6 seconds come out; a credit is a minute, rounded
# up to thousandths.
TILE, SHORT, LONG = 0.134, 0.034, 0.1


@pytest.fixture(scope="module")
def metered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    home = tmp_path_factory.mktemp("home")
    said = {"MOSAIC_STUDIO_KEYS": KEYS, "MOSAIC_STUDIO_CREDITS": str(CREDITS)}
    with running_studio(home, **said) as running:
        yield running


def seconds_played(path: str) -> float:
    """Decode every frame; the length in seconds."""
    with av.open(path) as file:
        [stream] = file.streams.video
        assert stream.average_rate is not None
        return float(sum(1 for _ in file.decode(stream)) / stream.average_rate)


@pytest.mark.long
@pytest.mark.short
async def test_a_run_without_credits_tells_what_to_do_and_goes_on_after_it(
    metered: RunningStudio, tmp_path: Path
):
    talk = video(tmp_path / "talk.mp4", seconds=7)
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "mosaic_mcp"],
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("MOSAIC_")},
            "MOSAIC_HOME": str(tmp_path / "client"),
            "MOSAIC_ALLOWED_DIRS": str(tmp_path),
            "MOSAIC_API_KEY": "mk_anna",
            "MOSAIC_API_URL": metered.discovery.url,
            "MOSAIC_TOOLSETS": "account,billing",
        },
    )
    async with Client(server) as client:
        await answer(client, "build_agent", name="Logo", tiles=["Watermark"])
        videos = [{"source": str(talk), "clip": f"0:00-0:0{end}"} for end in (2, 6)]
        run = await answer(client, "run_agent", agent="Logo", videos=videos, quality="draft")
        run = await to_the_end(client, run)

        # It stopped for want of credits, delivered what it could, and says what to do.
        assert (run["status"], run["needs_credits"]) == ("partial_complete", True)
        assert "wait for credits" in run["summary"]
        [kept] = run["outputs"]
        left = round(CREDITS - TILE - SHORT, 3)
        assert run["errors"] == [
            {
                "node": "Watermark",
                "messages": [f"talk needs {LONG} credits, and {left} are left."],
            }
        ]
        [advice] = [w for w in run["warnings"] if "is taken as" not in w]
        assert advice.startswith(f"{left} credits are left, and no plan is active.")
        assert "upgrade_plan(plan='creator')" in advice
        assert f"resume_run(run_id='{run['run_id']}')" in run["next"]

        # What it names works.
        upgraded = await answer(client, "upgrade_plan", plan="creator")
        assert upgraded["status"] == "done"
        resumed = await answer(client, "resume_run", run_id=run["run_id"])
        done = await to_the_end(client, resumed)
        assert (done["status"], done["run_id"]) == ("completed", run["run_id"])
        assert "needs_credits" not in done
        assert kept["output_id"] in {line["output_id"] for line in done["outputs"]}

        # Every video plays, and nothing was paid twice.
        listed = await answer(
            client, "list_outputs", run_id=run["run_id"], save_to=str(tmp_path / "out")
        )
        lengths = sorted(seconds_played(line["saved_to"]) for line in listed["outputs"])
        assert lengths == pytest.approx([2, 6], abs=0.05)
        account = await answer(client, "get_account")
        assert account["balance"] == round(CREDITS + 2500 - TILE - SHORT - LONG, 3)
        assert account["plan"] == "creator"
