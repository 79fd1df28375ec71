"""What is said where credits ran out: what is left, and the way to more on this engine."""

import json
from pathlib import Path
from typing import Any

import pytest

from mosaic_mcp.contract.credits import Plan, PlanList
from mosaic_mcp.contract.runs import AgentRun, RunOutput, RunStatus
from mosaic_mcp.server.recovery import amount, next_plan, way_out
from mosaic_mcp.server.views import RunState, next_call, summary

DOCS = Path(__file__).parents[1] / "golden" / "docs"
OFFERS = PlanList.model_validate_json((DOCS / "plan_list.json").read_text("utf-8")).plans


def account(plan_id: str | None = None, **use: Any) -> Plan:
    active = {"id": plan_id} if plan_id else None
    return Plan.model_validate({"organization_id": "o", "plan": active, "credits": use})


def test_without_a_plan_the_user_is_sent_to_the_dashboard_or_the_billing_tools():
    assert way_out(account(balance=0), OFFERS, studio=False, billing=False) == (
        "0 credits are left, and no plan is active. "
        "The next plan is creator (2,500 credits a month, $50 monthly). "
        "The user takes it in the Mosaic dashboard, "
        "or adds upgrade_plan with MOSAIC_TOOLSETS=billing."
    )


def test_with_the_billing_tools_the_call_is_named_for_when_the_user_agrees():
    told = way_out(account("creator", balance=3.5), OFFERS, studio=False, billing=True)
    assert told == (
        "3.5 credits are left, and the plan is creator. "
        "The next plan is professional (10,000 credits a month, $150 monthly). "
        "When the user agrees: upgrade_plan(plan='professional'). "
        "Automatic top-ups: set_credits."
    )


def test_a_studio_also_names_its_own_setting_and_no_dashboard():
    told = way_out(account(balance=0.25), (), studio=True, billing=False)
    assert told == (
        "0.25 credits are left, and no plan is active. "
        "Whoever runs this studio can raise MOSAIC_STUDIO_CREDITS."
    )
    assert "dashboard" not in way_out(account(balance=0), OFFERS, studio=True, billing=False)


def test_where_nothing_is_limited_any_more_the_run_can_just_be_resumed():
    told = way_out(account(unlimited=True), OFFERS, studio=True, billing=False)
    assert told == "Credits are not limited any more: resume the run."


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        (None, "creator"),
        ("creator_annual", "professional"),
        ("professional", None),
        ("enterprise", "creator"),
    ],
)
def test_the_next_plan_is_the_smallest_that_brings_more(present, expected):
    offer = next_plan(account(present), OFFERS)
    assert (offer and offer.id) == expected


def test_amounts_are_read_by_people():
    assert [amount(n) for n in (1840, 0.25, 10_000, 0, 1.6)] == [
        "1,840",
        "0.25",
        "10,000",
        "0",
        "1.6",
    ]


@pytest.mark.parametrize("status", ["failed", "partial_complete", "cancelled"])
def test_a_run_that_lacks_credits_goes_on_by_a_resume_whatever_its_end(status: str):
    done = (RunOutput(id="o", video_url="https://example.com/v"),)
    run = AgentRun.model_validate(
        json.loads((DOCS.parent / "get_agent_run" / "completed.json").read_text("utf-8"))
    ).model_copy(update={"status": RunStatus(status), "needs_credits": True, "outputs": done})
    state = RunState("r1", run)
    assert next_call(state) == ("top up credits as the warning says, then resume_run(run_id='r1')")
    if status == "partial_complete":
        assert summary(state) == (
            "Finished in part: 1 video ready, and some steps wait for credits."
        )
