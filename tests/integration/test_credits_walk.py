"""The recovery path of the page Get Agent Run, walked by a plain HTTP client on a keyed studio."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client

from mosaic_mcp.errors import Forbidden
from mosaic_mcp.server import build_server
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.quota import Quota
from mosaic_mcp.studio.store.accounts import Accounts
from mosaic_mcp.studio.store.database import Store
from tests.acceptance.tools import answer
from tests.support.media import video
from tests.support.studio_process import KEYS, RunningStudio, running_studio
from tests.support.studio_runs import Studio

DOCS = Path(__file__).parents[1] / "golden" / "docs"
LINE = {"in": "Video Input", "logo": "Watermark", "out": "Destination"}
# 8 seconds come into the tile, videos of 2 and 6 seconds come out: in thousandths of a credit,
# rounded up.
TILE, SHORT, LONG = 134, 34, 100


@pytest.fixture(scope="module")
def metered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    home = tmp_path_factory.mktemp("home")
    with running_studio(home, MOSAIC_STUDIO_KEYS=KEYS, MOSAIC_STUDIO_CREDITS="0.2") as running:
        yield running


def upload(http: httpx.Client, path: Path) -> str:
    """A video, as a caller elsewhere sends it."""
    ticket = http.post("/uploads/video/get_upload_url").json()
    with path.open("rb") as content:
        sent = httpx.post(
            ticket["upload_url"], data=ticket["upload_fields"], files={"file": content}
        )
    assert sent.is_success, sent.text
    body = {"video_id": ticket["video_id"]}
    assert http.post("/uploads/video/finalize_upload", json=body).is_success
    return ticket["video_id"]


def shape_of(page: str) -> set[str]:
    return set(json.loads((DOCS / f"{page}.json").read_text("utf-8")))


def thousandths(http: httpx.Client) -> tuple[int, int]:
    """What is left and what was used."""
    credits = http.get("/plan").json()["credits"]
    assert http.get("/credits").json()["balance"] == credits["balance"]
    return round(credits["balance"] * 1000), round(credits["usage"] * 1000)


def test_a_run_out_of_credits_is_brought_to_its_end_by_a_plan(
    metered: RunningStudio, tmp_path: Path
):
    with metered.client("mk_anna") as http, metered.client("mk_ben") as ben:
        studio = Studio(http, metered.home)
        agent, node = studio.agent(LINE, "in>logo logo>out")
        source = upload(http, video(tmp_path / "talk.mp4", seconds=7))
        clips = [{"id": source, "input_clip_end_ms": end} for end in (2000, 6000)]
        run_id = studio.run(agent, {"video_id_inputs": clips})
        stopped = studio.end(run_id)

        # The run says so, keeps what is done, and its node says what is missing.
        assert (stopped["status"], stopped["needs_credits"]) == ("partial_complete", True)
        assert stopped["status_message"].startswith("Insufficient credits")
        [kept] = stopped["outputs"]
        [errors] = stopped["errors"]
        left = 200 - TILE - SHORT
        told = [f"talk needs 0.1 credits, and {left / 1000} are left."]
        assert errors == {"original_node_id": node["logo"], "messages": told}
        nodes = {n["original_node_id"]: n for n in _nodes(http, run_id)}
        waiting = nodes[node["logo"]]
        assert (waiting["status"], waiting["needs_credits"]) == ("partial_complete", True)
        assert (waiting["status_message"], waiting["errors"]) == ("Insufficient credits", told)
        assert not nodes[node["in"]]["needs_credits"]

        # What used them, by tile and day: as much as the plan's page counts.
        usage = http.get("/credits/usage").json()
        assert round(usage["total"] * 1000) == TILE + SHORT
        lines = [(line["kind"], line["tile"], line["credits"]) for line in usage["usage"]]
        assert lines == [("tile", "Watermark", TILE / 1000), ("output", "Watermark", SHORT / 1000)]
        assert {line["date"] for line in usage["usage"]} == {done_on(http, run_id)}

        # No plan, so that automatic top-ups are refused; a plan is chosen from the list.
        plan = http.get("/plan").json()
        assert plan.keys() == shape_of("plan")
        assert (plan["plan"], plan["credits"]["unlimited"]) == (None, False)
        assert thousandths(http) == (left, TILE + SHORT)
        topup = {"auto_topup": {"enabled": True, "threshold": 10, "quantity": 50}}
        refused = http.post("/credits/settings", json=topup)
        assert (refused.status_code, refused.json()["error"]) == (403, "forbidden")
        offers = http.get("/plan/list").json()["plans"]
        assert offers[0]["id"] == "creator"
        assert {o["price_usd"] for o in offers} == {0}, "this studio takes no money"
        upgraded = http.post("/plan/upgrade", json={"plan_id": "creator"}).json()
        assert (upgraded["success"], upgraded["requires_checkout"]) == (True, False)
        assert http.post("/credits/settings", json=topup).json() == topup
        credits = http.get("/credits").json()
        assert shape_of("credits") <= credits.keys()
        assert (credits["plan"], credits["balance"]) == ("creator", 2500 + left / 1000)
        assert credits["auto_topup"] == {"eligible": True, **topup["auto_topup"]}

        # The same run goes on, does only what waited, and pays only for that.
        resumed = studio.post(f"/agent_run/{run_id}/resume")
        assert (resumed["run_id"], resumed["requeued_nodes"]) == (run_id, 2)
        done = studio.end(run_id)
        assert (done["status"], done["needs_credits"]) == ("completed", False)
        assert (done["errors"], done["status_message"]) == ([], None)
        assert len(done["outputs"]) == 2
        assert kept["id"] in {o["id"] for o in done["outputs"]}
        assert thousandths(http) == (2_500_000 + left - LONG, LONG)  # of the plan's month
        assert http.post(f"/agent_run/{run_id}/resume").status_code == 409
        told = anyio.run(account_of, metered, tmp_path)
        assert told["used_by"] == [
            {
                "date": http.get("/credits/usage").json()["usage"][0]["date"],
                "tile": "Watermark",
                "kind": "output",
                "credits": LONG / 1000,
            }
        ]

        # Nobody else paid, or got anything.
        assert thousandths(ben) == (200, 0)
        assert ben.get("/credits/usage").json()["usage"] == []
        assert ben.get("/credits").json()["plan_id"] is None


async def account_of(studio: RunningStudio, home: Path) -> dict[str, Any]:
    """Anna's account as the tool tells it."""
    settings = Settings(
        home=home, api_key="mk_anna", api_url=studio.discovery.url, toolsets=("account",)
    )
    async with Client(build_server(settings)) as client:
        return await answer(client, "get_account")


def done_on(http: httpx.Client, run_id: str) -> str:
    """The day of the run, in UTC."""
    return http.get(f"/agent_run/{run_id}").json()["started_at"][:10]


def _nodes(http: httpx.Client, run_id: str) -> list[dict[str, Any]]:
    return http.get(f"/agent_run/{run_id}/nodes").json()["nodes"]


def test_a_plan_that_is_not_offered_is_refused_with_those_that_are(metered: RunningStudio):
    with metered.client("mk_ben") as ben:
        refused = ben.post("/plan/upgrade", json={"plan_id": "gold"})
        assert refused.status_code == 400
        assert "Use creator, creator_annual, professional" in refused.json()["detail"]


def test_plans_only_go_up_and_bring_a_month_once(metered: RunningStudio):
    with metered.client() as http:
        for plan in ("creator", "creator", "creator_annual", "pro"):
            assert http.post("/plan/upgrade", json={"plan_id": plan}).is_success
        assert thousandths(http)[0] == 200 + 2_500_000 + 10_000_000
        down = http.post("/plan/upgrade", json={"plan_id": "creator"})
        assert (down.status_code, down.json()["error"]) == (409, "conflict")
        assert http.get("/plan").json()["plan"]["id"] == "professional"


@pytest.mark.parametrize(
    ("wish", "where"),
    [
        ({"enabled": True, "threshold": 1}, "auto_topup.quantity: is required"),
        ({"enabled": True, "threshold": -1, "quantity": 1}, "auto_topup.threshold"),
        ({"enabled": True, "threshold": 1, "quantity": 1_000_001}, "auto_topup.quantity"),
        ({"enabled": "yes", "threshold": 1, "quantity": 1}, "auto_topup.enabled"),
        ({"enabled": True, "threshold": 1, "quantity": 1, "when": 1}, "auto_topup.when"),
    ],
)
def test_settings_that_do_not_fit_are_refused(metered: RunningStudio, wish, where):
    with metered.client("mk_ben") as ben:
        refused = ben.post("/credits/settings", json={"auto_topup": wish})
        assert refused.status_code == 400
        assert where in refused.json()["detail"]


def test_without_a_quota_everything_says_that_nothing_is_limited(anna: httpx.Client):
    plan = anna.get("/plan").json()
    assert plan["plan"] is None
    assert plan["credits"] == {
        "balance": None,
        "usage": None,
        "included_usage": None,
        "unlimited": True,
    }
    credits = anna.get("/credits").json()
    assert (credits["balance"], credits["unlimited"]) == (None, True)
    usage = anna.get("/credits/usage").json()
    assert (usage["total"], usage["usage"], usage["unlimited"]) == (None, [], True)
    assert anna.get("/plan/list").json() == {"plans": []}
    assert anna.post("/plan/upgrade", json={"plan_id": "creator"}).status_code == 409
    topup = {"auto_topup": {"enabled": True, "threshold": 1, "quantity": 1}}
    assert anna.post("/credits/settings", json=topup).status_code == 403


async def test_a_studio_that_offers_no_plans_says_who_can_help(tmp_path: Path):
    store = Store(tmp_path / "studio.db")
    accounts = Accounts(store, Quota.of([("1", "")], ["none"]))
    with pytest.raises(Forbidden, match="Ask whoever runs it"):
        await accounts.upgrade("anna", "creator")
    store.close()
