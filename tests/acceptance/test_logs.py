"""Logs of a whole run: server and studio as processes, and everything secret that they handled."""

import json
import sys
from pathlib import Path

import httpx
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from mosaic_mcp.contract.extensions import Discovery
from mosaic_mcp.settings import Settings
from tests.acceptance.conftest import Talk, end_studio, environment
from tests.acceptance.tools import answer, to_the_end

KEY = "mk_somebodys_secret"

LIBRARY = """
import os, sys
print("a library greets")
os.write(1, b"from below Python\\n")
sys.__stdout__.write("on the real stdout\\n")
raise RuntimeError("this library is broken")
"""


@pytest.mark.long
@pytest.mark.short
async def test_the_logs_of_a_run_tell_it_and_keep_every_secret(
    talk: Talk, folder: Path, tmp_path: Path
):
    settings = Settings(home=tmp_path / "home", allowed_dirs=(folder,))
    told = tmp_path / "server.log"
    env = {
        **environment(settings),
        "MOSAIC_LOG_LEVEL": "debug",
        "MOSAIC_LOG_FORMAT": "json",
        "MOSAIC_LOG_FILE": str(told),
        "MOSAIC_STUDIO_KEYS": f"{KEY}=anna",
    }
    server = StdioServerParameters(command=sys.executable, args=["-m", "mosaic_mcp"], env=env)
    try:
        async with Client(server) as client:
            run = await answer(
                client,
                "run_agent",
                agent="Caption and reframe",
                videos=[talk.named],
                clip="first 2 seconds",
                quality="draft",
                wait_s=1,
            )
            run = await to_the_end(client, run)
            made = await answer(client, "list_outputs", run_id=run["run_id"])
        found = Discovery.model_validate_json(
            (settings.home / "studio" / "studio.json").read_bytes()
        )
        (link,) = [output["url"] for output in made["outputs"]]
        async with httpx.AsyncClient(trust_env=False) as http:
            assert (await http.get(link)).status_code == 200
            assert (await http.get(f"{link}x")).status_code == 403
            for key in (KEY, "mk_of_nobody_at_all"):
                await http.get(f"{found.url}/whoami", headers={"authorization": f"Bearer {key}"})
    finally:
        end_studio(settings.home)
    assert run["status"] == "completed"
    files = [told, *(settings.home / "studio" / "log").glob("*.log")]
    text = "".join(file.read_text() for file in files)
    signature = link.partition("sig=")[2].partition("&")[0]
    secret = (settings.home / "studio" / "secret.key").read_bytes().strip()
    hidden = (found.token, KEY, "mk_of_nobody", signature, secret.decode("latin-1"))
    said = ("quiet room", "furniture", "microphone")
    assert [word for word in (*hidden, *said) if word in text] == []

    kept = (settings.home / "studio" / "log" / "studio.log").read_text()
    lines = [json.loads(line) for line in kept.splitlines()]
    assert all({"time", "level", "logger", "message"} <= set(line) for line in lines)
    renders = [line for line in lines if line.get("render")]
    assert {line["run_id"] for line in renders} == {run["run_id"]}
    assert {"local"} == {line["owner"] for line in renders}
    requests = {line["request"] for line in lines if "request" in line}
    assert requests
    assert (settings.home / "studio/log/console.log").read_text() == ""


async def test_a_library_that_breaks_and_prints_spoils_nothing(tmp_path: Path):
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "httpx.py").write_text(LIBRARY)
    settings = Settings(home=tmp_path / "home")
    env = {**environment(settings), "PYTHONPATH": str(tmp_path / "modules")}
    server = StdioServerParameters(command=sys.executable, args=["-m", "mosaic_mcp"], env=env)
    with (tmp_path / "errors").open("w") as errors:
        async with Client(stdio_client(server, errlog=errors)) as client:
            result = await client.call_tool("list_runs", {})
            assert result.is_error
            # Spoilt, the stream would end here.
            assert (await client.list_tools()).tools
    logged = (tmp_path / "errors").read_text()
    assert "this library is broken" in logged
    assert "from below Python" in logged
