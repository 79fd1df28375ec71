"""Claude Code itself, with a scripted model in place of the real one, uses our plugin."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

import mosaic_mcp
from tests.support.model_api import scripted_model
from tests.support.node import npm_program
from tests.support.ours import Ours
from tests.support.waiting import PROGRAM_S

pytestmark = [pytest.mark.hosts, pytest.mark.long]

PLUGIN = Path(__file__).parents[2] / "packaging" / "claude-code"
SAMPLE = Path(mosaic_mcp.__file__).parent / "sample" / "talk.mp4"


@pytest.fixture
def claude(stdio: Ours, tmp_path: Path):
    """Run Claude Code as a new user, with our plugin."""
    program = npm_program("@anthropic-ai/claude-code", "2.1.330")
    plain = {k: v for k, v in stdio.env.items() if not k.startswith(("ANTHROPIC_", "CLAUDE"))}
    allowed = {"MOSAIC_ALLOWED_DIRS": str(SAMPLE.parent), "HOME": str(tmp_path)}
    quiet = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}

    def run(*arguments: str, **env: str) -> str:
        done = subprocess.run(
            [program, "--plugin-dir", PLUGIN, *arguments],
            check=False,
            capture_output=True,
            text=True,
            timeout=PROGRAM_S,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            env=plain | allowed | quiet | env,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_claude_code_connects_to_the_server_of_the_plugin(claude):
    told = claude("mcp", "list")
    assert "plugin:mosaic:mosaic" in told
    assert "Connected" in told


def told_of(claude, tool: str, wish: dict[str, Any]) -> dict[str, Any]:
    """What the model is told of one call of a tool of ours."""
    name = f"mcp__plugin_mosaic_mosaic__{tool}"
    call = {"type": "tool_use", "id": "toolu_1", "name": name, "input": wish}
    with scripted_model(call, {"type": "text", "text": "So it is."}) as model:
        env = {"ANTHROPIC_BASE_URL": model.url, "ANTHROPIC_API_KEY": "none"}
        assert "So it is." in claude("-p", "Look", "--allowedTools", name, **env)
    # The server may still be connecting at the first request.
    loaded = {t["name"] for t in model.requests[-1]["tools"]}
    assert name in loaded, "without a search for tools"
    (seen,) = model.tool_results
    return seen


def test_the_model_in_claude_code_sees_the_facts_of_an_answer(claude):
    wish = {"agent": "Caption and reframe", "videos": [str(SAMPLE)], "dry_run": True}
    facts = json.loads(told_of(claude, "run_agent", wish)["content"])
    assert facts["status"] == "dry_run"
    assert facts["confirm"]


def test_the_model_in_claude_code_sees_what_to_do_about_a_failure(claude):
    seen = told_of(claude, "get_run", {"run_id": "no-such-run"})
    assert seen["is_error"]
    assert "list_runs" in seen["content"]
