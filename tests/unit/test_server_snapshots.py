"""The tools as listed, kept in tests/snapshots and reviewed like an API.

After a change that is meant, with UPDATE_SNAPSHOTS=1 in the environment:
`uv run pytest tests/unit/test_server_snapshots.py`.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from jsonschema import validate
from mcp import Client

from mosaic_mcp.errors import InvalidRequest
from mosaic_mcp.server import build_server, failures
from mosaic_mcp.settings import Settings

KEPT = Path(__file__).parents[1] / "snapshots"
ADDED = KEPT / "toolsets"
"""What MOSAIC_TOOLSETS adds."""


async def listed(home: Path, *toolsets: str) -> dict[str, dict[str, Any]]:
    async with Client(build_server(Settings(home=home, toolsets=toolsets))) as client:
        tools = (await client.list_tools()).tools
    return {
        f"{t.name}.json": t.model_dump(mode="json", by_alias=True, exclude_none=True) for t in tools
    }


def check(tools: dict[str, dict[str, Any]], folder: Path) -> None:
    if os.environ.get("UPDATE_SNAPSHOTS"):
        for path in folder.glob("*.json"):
            path.unlink()
        for name, tool in tools.items():
            text = json.dumps(tool, indent=2, ensure_ascii=False)
            (folder / name).write_text(text + "\n", "utf-8")
    kept = {path.name: json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")}
    assert tools == kept, "a change that is meant is kept by UPDATE_SNAPSHOTS=1"


async def test_every_tool_is_listed_as_its_snapshot_says(tmp_path: Path):
    check(await listed(tmp_path), KEPT)


async def test_tools_of_the_toolsets_are_listed_after_the_others_as_their_snapshots_say(
    tmp_path: Path,
):
    default, more = await listed(tmp_path), await listed(tmp_path, "account", "billing")
    added = [name for name in more if name not in default]
    assert [name for name in more if name in default] == list(default)
    check({name: more[name] for name in added}, ADDED)


async def test_nothing_that_moves_money_is_there_unless_it_is_named(tmp_path: Path):
    default = set(await listed(tmp_path))
    assert set(await listed(tmp_path, "account")) - default == {"get_account.json"}
    with_billing = set(await listed(tmp_path, "billing")) - default
    assert with_billing == {"get_account.json", "upgrade_plan.json", "set_credits.json"}


def test_a_toolset_that_does_not_exist_is_named_with_those_that_do(tmp_path: Path):
    with pytest.raises(InvalidRequest) as caught:
        build_server(Settings(home=tmp_path, toolsets=("acount", "x")))
    assert str(caught.value).splitlines() == [
        "MOSAIC_TOOLSETS: there is no toolset 'acount'. Did you mean 'account'? "
        "Toolsets: account, billing.",
        "MOSAIC_TOOLSETS: there is no toolset 'x'. Toolsets: account, billing.",
    ]


@pytest.mark.parametrize("path", sorted(KEPT.rglob("*.json")), ids=lambda p: p.stem)
def test_a_failure_fits_the_published_schema_too(path: Path):
    schema = json.loads(path.read_text("utf-8")).get("outputSchema", {})
    validate(failures.crashed(path.stem).structured_content, schema)
