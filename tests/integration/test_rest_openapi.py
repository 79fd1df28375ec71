"""The OpenAPI of the studio names every endpoint of the contract, with the right models."""

import httpx
import pytest

BODY = "application/json"

ENDPOINTS = [
    # method, path, model of the body, model of the answer
    ("GET", "/whoami", None, "WhoAmI"),
    ("GET", "/credits", None, "Credits"),
    ("GET", "/credits/usage", None, "CreditUsage"),
    ("POST", "/credits/settings", "CreditSettings", "CreditSettingsSaved"),
    ("GET", "/plan", None, "Plan"),
    ("GET", "/plan/list", None, "PlanList"),
    ("POST", "/plan/upgrade", "UpgradePlan", "PlanUpgraded"),
    ("POST", "/agent/create", "CreateAgent", "AgentChanged"),
    ("POST", "/agent/{agent_id}/update", "UpdateAgent", "AgentChanged"),
    ("PATCH", "/agent/{agent_id}/update", "UpdateAgent", "AgentChanged"),
    ("GET", "/agents", None, "AgentList"),
    ("GET", "/agent/{agent_id}", None, "AgentDetail"),
    ("POST", "/agent/{agent_id}/duplicate", "DuplicateAgent", "AgentDetail"),
    ("POST", "/agent/{agent_id}/delete", None, "AgentDeleted"),
    ("DELETE", "/agent/{agent_id}/delete", None, "AgentDeleted"),
    ("GET", "/node_types", None, "NodeTypes"),
    ("GET", "/node_type/{node_type_id}", None, "NodeTypeAnswer"),
    ("GET", "/agent_nodes/{agent_node_id}", None, "AgentNodeAnswer"),
    ("POST", "/agent/{agent_id}/run", "RunRequest", "RunStarted"),
    ("GET", "/agent_run/{run_id}", None, "AgentRun"),
    ("GET", "/agent_run/{run_id}/nodes", None, "RunNodes"),
    ("POST", "/agent_run/{run_id}/resume", None, "RunResumed"),
    ("POST", "/agent_run/{run_id}/cancel", None, "RunCancelled"),
    ("GET", "/agent_runs", None, "RunList"),
    ("GET", "/agent/{agent_id}/runs", None, "RunList"),
    ("GET", "/agent/{agent_id}/triggers", None, "Trigger"),
    (
        "POST",
        "/agent/{agent_id}/triggers/add_youtube_channels",
        "AddYoutubeChannels",
        "ChannelsChanged",
    ),
    (
        "POST",
        "/agent/{agent_id}/triggers/remove_youtube_channels",
        "RemoveYoutubeChannels",
        "ChannelsChanged",
    ),
    ("GET", "/trigger/{trigger_id}/runs", None, "RunList"),
    ("POST", "/uploads/{asset_type}/get_upload_url", None, "UploadTicket"),
    ("POST", "/uploads/{asset_type}/finalize_upload", "FinalizeUpload", "FinalizeUpload"),
    ("POST", "/uploads/get_view_url", "ViewUrlRequest", "ViewUrl"),
]


@pytest.fixture(scope="module")
def api(studio) -> dict:
    with studio.client() as client:
        return client.get("/openapi.json").json()


def models(content: dict) -> set[str]:
    """The models that a body or an answer refers to; optional ones stand beside null."""
    schema = content["content"][BODY]["schema"]
    return {
        part["$ref"].rpartition("/")[2]
        for part in (schema, schema.get("items", {}), *schema.get("anyOf", ()))
        if "$ref" in part
    }


@pytest.mark.parametrize(("method", "path", "body", "answer"), ENDPOINTS)
def test_an_endpoint_of_the_contract_has_its_models(api, method, path, body, answer):
    operation = api["paths"][path][method.lower()]
    assert models(operation["responses"]["200"]) == {answer}
    if body is None:
        assert "requestBody" not in operation
    else:
        assert body in {m.removesuffix("-Input") for m in models(operation["requestBody"])}
    assert operation["security"], "a key is asked for"
    assert operation["summary"]


def test_nothing_but_the_contract_and_our_namespace_is_served(api):
    known = {path for _, path, _, _ in ENDPOINTS}
    assert {p for p in api["paths"] if p not in known and not p.startswith("/studio/v1")} == set()


def test_the_kinds_of_uploads_are_those_of_the_contract(api):
    [kind] = api["paths"]["/uploads/{asset_type}/get_upload_url"]["post"]["parameters"]
    assert kind["schema"]["enum"] == ["video", "audio", "image"]


def test_a_request_is_closed_and_an_answer_open(api):
    schemas = api["components"]["schemas"]
    assert schemas["RunRequest"]["additionalProperties"] is False
    assert schemas["AgentRun"].get("additionalProperties", True) is not False


def test_a_run_request_has_every_field_of_the_page(api):
    fields = [
        "video_inputs",
        "video_ids",
        "node_render_ids",
        "video_urls",
        "input_clip_start_ms",
        "input_clip_end_ms",
        "video_id_inputs",
        "node_render_inputs",
        "video_url_inputs",
        "youtube_url_inputs",
        "mimir_assets",
        "callback_url",
        "update_params",
        "ignore_nodes",
    ]
    of_an_example = ["youtube_urls"]
    schemas = api["components"]["schemas"]
    assert set(schemas["RunRequest"]["properties"]) == {*fields, *of_an_example}
    assert set(schemas["VideoInputEntry"]["properties"]) == {
        "agent_node_id",
        *fields[1:11],
        *of_an_example,
    }


def test_a_run_has_every_field_of_the_page(api):
    schemas = api["components"]["schemas"]
    assert set(schemas["AgentRun"]["properties"]) == {
        "agent_id",
        "started_at",
        "status",
        "status_message",
        "needs_credits",
        "errors",
        "node_status_counts",
        "inputs",
        "outputs",
    }
    assert set(schemas["RunOutput"]["properties"]) == {
        "id",
        "video_url",
        "thumbnail_url",
        "premiere_prproj_url",
        "completed_at",
        "original_node_id",
        "files_deleted_at",  # ours
    }
    assert schemas["RunStatus"]["enum"] == [
        "running",
        "completed",
        "partial_complete",
        "failed",
        "cancelled",
    ]


def test_it_is_there_without_a_key_for_tools_that_read_it(studio):
    with studio.client("") as client:
        assert client.get("/openapi.json").status_code == httpx.codes.OK
