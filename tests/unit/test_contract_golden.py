"""The pages' own JSON goes through our models and comes out as it was."""

import json
from pathlib import Path

import pytest

from mosaic_mcp.contract.account import WhoAmI
from mosaic_mcp.contract.agents import (
    AgentChanged,
    AgentDeleted,
    AgentDetail,
    AgentList,
    UpdateAgent,
)
from mosaic_mcp.contract.base import ErrorBody
from mosaic_mcp.contract.credits import (
    Credits,
    CreditSettings,
    Plan,
    PlanList,
    PlanUpgraded,
    UpgradePlan,
)
from mosaic_mcp.contract.node_types import NodeTypes
from mosaic_mcp.contract.params import check_params
from mosaic_mcp.contract.rules import parse_run
from mosaic_mcp.contract.runs import (
    AgentRun,
    RunCancelled,
    RunList,
    RunNodes,
    RunResumed,
    RunStarted,
)
from mosaic_mcp.contract.tiles.catalogue import tile_type
from mosaic_mcp.contract.uploads import FinalizeUpload, UploadTicket, ViewUrl

GOLDEN = Path(__file__).parents[1] / "golden"
RUN_REQUESTS = sorted((GOLDEN / "run_agent").glob("*.json"))

MODELS = {
    "run_agent_parts/response": RunStarted,
    "get_agent_run/completed": AgentRun,
    "docs/error": ErrorBody,
    "docs/agent": AgentDetail,
    "docs/agent_created": AgentChanged,
    "docs/agent_deleted": AgentDeleted,
    "docs/agents": AgentList,
    "docs/update_agent": UpdateAgent,
    "docs/node_types": NodeTypes,
    "docs/run_nodes": RunNodes,
    "docs/run_cancelled": RunCancelled,
    "docs/run_resumed": RunResumed,
    "docs/runs": RunList,
    "docs/upload_ticket_video": UploadTicket,
    "docs/upload_ticket_audio": UploadTicket,
    "docs/upload_finalized": FinalizeUpload,
    "docs/view_url": ViewUrl,
    "docs/whoami": WhoAmI,
    "docs/credits": Credits,
    "docs/credit_settings": CreditSettings,
    "docs/plan": Plan,
    "docs/plan_list": PlanList,
    "docs/plan_upgrade": UpgradePlan,
    "docs/plan_upgraded": PlanUpgraded,
    "docs/plan_checkout": PlanUpgraded,
}


@pytest.mark.parametrize("path", RUN_REQUESTS, ids=lambda p: p.stem)
def test_every_request_of_the_run_page_is_parsed_and_emitted_as_it_was(path: Path):
    assert parse_run(path.read_bytes()).body() == json.loads(path.read_text("utf-8"))


@pytest.mark.parametrize("name", MODELS)
def test_every_other_example_is_parsed_and_emitted_as_it_was(name: str):
    text = (GOLDEN / f"{name}.json").read_text("utf-8")
    model = MODELS[name].model_validate_json(text)
    emitted = model.model_dump(mode="json", exclude_unset=True)
    # Mosaic writes some moments with milliseconds.
    assert emitted == json.loads(text.replace(".000Z", "Z"))
    assert not model.model_extra, "every field of the example is a field of the model"


def test_no_example_is_left_out():
    named = {GOLDEN / f"{name}.json" for name in MODELS}
    there = set(GOLDEN.glob("*/*.json"))
    assert there - named - set(RUN_REQUESTS) == {GOLDEN / "run_agent_parts/update_params.json"}


def test_the_copied_params_of_the_dashboard_are_parameters_of_clips():
    copied = json.loads((GOLDEN / "run_agent_parts/update_params.json").read_text("utf-8"))
    [(node, params)] = copied.items()
    assert check_params(tile_type("Clips"), params, node) == []


@pytest.mark.parametrize(
    ("example", "tile"),
    [
        ("ai_avatar", "AI Avatar"),
        ("video_generation", "Video Generation"),
        ("audio_generation", "Audio Generation"),
        ("image_generation", "Image Generation"),
    ],
)
def test_the_generation_examples_fit_their_tiles(example: str, tile: str):
    body = json.loads((GOLDEN / f"run_agent/{example}.json").read_text("utf-8"))
    [(node, params)] = body["update_params"].items()
    assert check_params(tile_type(tile), params, node) == []


def test_a_later_field_of_a_response_is_kept():
    assert RunStarted.model_validate({"run_id": "r", "queue": 3}).model_dump() == {
        "run_id": "r",
        "queue": 3,
    }
