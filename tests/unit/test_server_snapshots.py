"""The tools as listed, kept in tests/snapshots and reviewed like an API.

After a change that is meant, with UPDATE_SNAPSHOTS=1 in the environment:
`uv run pytest tests/unit/test_server_snapshots.py`.
"""

import json
import os
from pathlib import Path

import pytest
from jsonschema import validate
from mcp import Client

from mosaic_mcp.server import build_server, failures
from mosaic_mcp.settings import Settings

KEPT = Path(__file__).parents[1] / "snapshots"


async def test_every_tool_is_listed_as_its_snapshot_says(tmp_path: Path):
    async with Client(build_server(Settings(home=tmp_path))) as client:
        tools = (await client.list_tools()).tools
    listed = {
        f"{t.name}.json": t.model_dump(mode="json", by_alias=True, exclude_none=True) for t in tools
    }
    if os.environ.get("UPDATE_SNAPSHOTS"):
        for path in KEPT.glob("*.json"):
            path.unlink()
        for name, tool in listed.items():
            text = json.dumps(tool, indent=2, ensure_ascii=False)
            (KEPT / name).write_text(text + "\n", "utf-8")
    kept = {path.name: json.loads(path.read_text("utf-8")) for path in KEPT.glob("*.json")}
    assert listed == kept, "a change that is meant is kept by UPDATE_SNAPSHOTS=1"


@pytest.mark.parametrize("path", sorted(KEPT.glob("*.json")), ids=lambda p: p.stem)
def test_a_failure_fits_the_published_schema_too(path: Path):
    schema = json.loads(path.read_text("utf-8")).get("outputSchema", {})
    validate(failures.crashed(path.stem).structured_content, schema)
