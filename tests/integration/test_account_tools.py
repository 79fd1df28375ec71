"""The tools of the toolsets `account` and `billing`, on the hosted API's double and the studio."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp_types import CallToolResult, ElicitRequestParams, ElicitResult

from mosaic_mcp.contract.runs import RunStatus
from mosaic_mcp.server import build_server
from mosaic_mcp.settings import Settings
from tests.support.hosted_account import CHECKOUT
from tests.support.hosted_double import KEY
from tests.support.hosted_state import Ending

ERAS = ("legacy", "auto")
AGENT = "Talking head to vertical clips"


@pytest.fixture
def hosted(double, tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path,
        api_key=KEY,
        api_url=double.url,
        allowed_dirs=(tmp_path,),
        toolsets=("account", "billing"),
        ask_before_spending=False,
    )


async def call(
    settings: Settings,
    tool: str,
    /,
    era: str = "auto",
    person: Callable[[ElicitRequestParams], ElicitResult] | None = None,
    **arguments: Any,
) -> CallToolResult:
    async def ask(_context: Any, form: ElicitRequestParams) -> ElicitResult:
        assert person is not None
        return person(form)

    callback = ask if person else None
    async with Client(build_server(settings), mode=era, elicitation_callback=callback) as client:
        return await client.call_tool(tool, arguments)


async def told(settings: Settings, tool: str, /, **arguments: Any) -> dict[str, Any]:
    done = await call(settings, tool, **arguments)
    assert not done.is_error, done.content
    assert done.structured_content is not None
    return done.structured_content


async def test_the_account_is_told_with_the_plans_on_offer(double, hosted):
    double.account.balance, double.account.usage = 12, 8
    account = await told(hosted, "get_account")
    assert account["summary"] == "12 credits are left, and no plan is active. 8 are used."
    assert account["balance"] == 12
    assert [plan["plan"] for plan in account["plans"]][:2] == ["creator", "creator_annual"]
    assert account["next"] == "upgrade_plan(plan='creator') when the user wants more"


async def test_a_studio_without_a_quota_says_that_nothing_is_limited(studio, tmp_path: Path):
    settings = Settings(
        home=tmp_path, api_key="mk_anna", api_url=studio.discovery.url, toolsets=("billing",)
    )
    account = await told(settings, "get_account")
    assert account == {
        "summary": "Nothing is limited here: no credits are counted.",
        "unlimited": True,
    }
    refused = await call(settings, "upgrade_plan", plan="creator")
    assert refused.is_error
    assert "Credits are not limited here." in refused.content[0].text


@pytest.mark.parametrize("era", ERAS)
async def test_a_plan_is_changed_once_the_user_agreed_and_paid_at_the_checkout(double, hosted, era):
    forms: list[str] = []

    def person(form: ElicitRequestParams) -> ElicitResult:
        forms.append(form.message)
        return ElicitResult(action="accept", content={"agree": True})

    done = await call(hosted, "upgrade_plan", era=era, person=person, plan="creator")
    assert forms == [
        "Your Mosaic account: change to the plan creator (2,500 credits a month, $50 monthly). "
        "Now: 0 credits are left, and no plan is active."
    ]
    answer = done.structured_content
    assert (answer["status"], answer["checkout_url"]) == ("checkout", CHECKOUT)
    assert double.account.plan_id is None
    double.account.pay()
    assert (await told(hosted, "get_account"))["plan"] == "creator"


@pytest.mark.parametrize("reply", [{"agree": False}, "decline", "cancel"])
async def test_without_the_users_yes_nothing_is_bought(double, hosted, reply):
    def person(_form: ElicitRequestParams) -> ElicitResult:
        if isinstance(reply, str):
            return ElicitResult(action=reply)
        return ElicitResult(action="accept", content=reply)

    refused = await call(hosted, "upgrade_plan", person=person, plan="creator")
    assert refused.structured_content["error"]["code"] == "needs_confirmation"
    assert double.calls("POST", "/plan/upgrade") == 0


async def test_where_nobody_can_be_asked_the_confirm_of_a_dry_run_is_needed(double, hosted):
    double.account.paid = True
    refused = await call(hosted, "upgrade_plan", plan="creator")
    assert refused.structured_content["error"]["code"] == "needs_confirmation"
    assert "dry_run=true" in refused.content[0].text
    shown = await told(hosted, "upgrade_plan", plan="creator", dry_run=True)
    assert "creator (2,500 credits a month, $50 monthly)" in shown["summary"]
    other = await call(hosted, "upgrade_plan", plan="professional", confirm=shown["confirm"])
    assert "belongs to another change" in other.content[0].text
    assert double.calls("POST", "/plan/upgrade") == 0
    done = await told(hosted, "upgrade_plan", plan="creator", confirm=shown["confirm"])
    assert done["status"] == "done"
    assert done["summary"] == "2,500 credits are left, and the plan is creator."
    # The same yes does not buy a second time: the account is another now.
    again = await call(hosted, "upgrade_plan", plan="creator", confirm=shown["confirm"])
    assert again.is_error


async def test_a_plan_that_is_not_offered_is_refused_with_the_nearest(hosted):
    refused = await call(hosted, "upgrade_plan", plan="creater")
    assert "Did you mean 'creator'?" in refused.content[0].text
    assert "professional_annual" in refused.content[0].text


async def test_a_change_whose_answer_is_lost_is_looked_at_before_it_is_made_again(double, hosted):
    double.account.paid = True
    shown = await told(hosted, "upgrade_plan", plan="creator", dry_run=True)
    double.fail("lost", "/plan/upgrade$")
    lost = await call(hosted, "upgrade_plan", plan="creator", confirm=shown["confirm"])
    error = lost.structured_content["error"]
    assert (error["code"], error["next"]) == ("outcome_unknown", "get_account()")
    assert double.calls("POST", "/plan/upgrade") == 1


async def test_automatic_top_ups_need_a_plan_and_a_yes(double, hosted):
    wish = {"automatic_top_up": True, "threshold": 1000, "quantity": 5000}
    shown = await told(hosted, "set_credits", **wish, dry_run=True)
    assert "buy 5,000 credits whenever fewer than 1,000 are left" in shown["summary"]
    refused = await call(hosted, "set_credits", **wish, confirm=shown["confirm"])
    assert refused.structured_content["error"]["code"] == "forbidden"
    double.account.plan_id = "creator"
    await told(hosted, "set_credits", **wish, confirm=shown["confirm"])
    account = await told(hosted, "get_account")
    assert account["automatic_top_up"] == {"enabled": True, "below": 1000, "adds": 5000}
    await told(hosted, "set_credits", automatic_top_up=False)  # saves money: nobody is asked
    assert not double.account.topup.enabled


async def test_a_run_that_lacks_credits_names_the_way_out_of_this_account(double, hosted, tmp_path):
    talk = tmp_path / "talk.mp4"
    talk.write_bytes(b"a talk" * 1000)
    double.ending = Ending(
        RunStatus.failed, outputs=0, needs_credits=True, message="Insufficient credits"
    )
    started = await told(hosted, "run_agent", agent=AGENT, videos=[str(talk)], wait_s=5)
    assert started["needs_credits"]
    assert started["warnings"] == [
        "0 credits are left, and no plan is active. "
        "The next plan is creator (2,500 credits a month, $50 monthly). "
        "When the user agrees: upgrade_plan(plan='creator')."
    ]
    assert started["next"].endswith(f"resume_run(run_id='{started['run_id']}')")


async def test_a_run_is_told_also_where_the_account_does_not_answer(double, hosted, tmp_path):
    talk = tmp_path / "talk.mp4"
    talk.write_bytes(b"a talk" * 1000)
    double.ending = Ending(RunStatus.failed, outputs=0, needs_credits=True)
    double.fail("answer", "/plan$", status=403, body={"detail": "No"})
    started = await told(hosted, "run_agent", agent=AGENT, videos=[str(talk)], wait_s=5)
    assert "Mosaic dashboard" in started["warnings"][-1]
