"""The studio's answers have every field that the pages of docs.mosaic.so show, with their types."""

import json
from pathlib import Path

import httpx
import pytest

from tests.support.media import picture

DOCS = Path(__file__).parent.parent / "golden" / "docs"


def golden(name: str):
    return json.loads((DOCS / f"{name}.json").read_text("utf-8"))


def covers(answer: object, page: object, where: str = "$") -> None:
    """Every field of the page is in the answer; a null on either side stands for any type."""
    if page is None or answer is None:
        return
    assert type(answer) is type(page), where
    if isinstance(page, dict):
        assert page.keys() <= answer.keys(), where
        for key in page:
            covers(answer[key], page[key], f"{where}.{key}")
    elif isinstance(page, list) and page and answer:
        covers(answer[0], page[0], f"{where}[0]")


@pytest.fixture(scope="module")
def answers(studio, tmp_path_factory) -> dict[str, httpx.Response]:
    """An answer of the studio for each page."""
    with studio.client("mk_anna") as client:
        made = client.post("/agent/create", json={"name": "Podcast clips"})
        agent = f"/agent/{made.json()['agent_id']}"
        updated = client.post(f"{agent}/update", json=golden("update_agent"))
        assert updated.status_code == 200, updated.text
        ticket = client.post("/uploads/image/get_upload_url").json()
        content = picture(tmp_path_factory.mktemp("media") / "a.png").read_bytes()
        client.post(ticket["upload_url"], data=ticket["upload_fields"], files={"file": content})
        image = {"image_id": ticket["image_id"]}
        assert client.post("/uploads/image/finalize_upload", json=image).json() == image
        view = {"asset_type": "image", "asset_id": ticket["image_id"]}
        return {
            "agent_created": made,
            "agent": client.get(agent),
            "agents": client.get("/agents"),
            "agent_deleted": client.post(f"{agent}/delete"),
            "node_types": client.get("/node_types"),
            "upload_ticket_video": client.post("/uploads/video/get_upload_url"),
            "upload_ticket_audio": client.post("/uploads/audio/get_upload_url"),
            "view_url": client.post("/uploads/get_view_url", json=view),
            "whoami": client.get("/whoami"),
            "error": client.get("/agent/nope"),
        }


@pytest.mark.parametrize(
    "page",
    [
        "agent_created",
        "agent",
        "agents",
        "agent_deleted",
        "node_types",
        "view_url",
        "whoami",
        "error",
    ],
)
def test_an_answer_has_the_fields_of_its_page(answers, page):
    covers(answers[page].json(), golden(page))


@pytest.mark.parametrize("kind", ["video", "audio"])
def test_a_ticket_has_the_fields_of_its_page_with_a_policy_of_ours(answers, kind):
    page, ticket = golden(f"upload_ticket_{kind}"), answers[f"upload_ticket_{kind}"].json()
    assert ticket.keys() == page.keys()
    assert ticket["max_file_size_bytes"] == page["max_file_size_bytes"]
    assert {"key", "policy"} <= ticket["upload_fields"].keys()


def test_an_agent_made_from_the_page_reads_as_the_page(answers):
    page, agent = golden("agent"), answers["agent"].json()
    names = [n["node_type"]["node_type_name"] for n in page["agent_nodes"]]
    assert [n["node_type"]["node_type_name"] for n in agent["agent_nodes"]] == names
    assert [n["params_used"] for n in agent["agent_nodes"]] == [
        n["params_used"] for n in page["agent_nodes"]
    ]
    assert len(agent["connections"]) == len(page["connections"])
