"""Credits of runs that are moved by hand, in a real database: what is set aside, paid and free."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import pytest
import sqlalchemy as sa

from mosaic_mcp.contract.runs import NodeStatus
from mosaic_mcp.errors import Conflict
from mosaic_mcp.studio.runs.charging import claim_node, claim_render
from mosaic_mcp.studio.runs.node_changes import finish_node
from mosaic_mcp.studio.runs.states import Fence
from mosaic_mcp.studio.store import credits as ledger
from mosaic_mcp.studio.store.database import Store
from mosaic_mcp.studio.store.tables import credit_accounts, credit_entries, run_nodes
from tests.support.run_states import OWNER, MovedRun
from tests.support.schemas import at_revision

LINE = {"in": "Video Input", "logo": "Watermark", "out": "Destination"}
TWO = {
    "in": "Video Input",
    "a": "Watermark",
    "after": "Reframe",
    "b": "Watermark",
    "out": "Destination",
}
PATHS = "in>a a>after after>out in>b b>out"


class Metered(MovedRun):
    """A run whose owner has `starting` units; each job costs what it is told to cost."""

    starting = 1000

    def pay(self, fence: Fence, units: int = 100) -> bool:
        return self._do(lambda c: claim_node(c, fence, units, self.starting))

    def pay_render(self, fence: Fence, units: int = 100) -> bool:
        return self._do(lambda c: claim_render(c, fence, units, self.starting))

    def begin(self, node: str, units: int = 100) -> Fence:
        """A node's work begun, and paid for if it can be."""
        fence = self.start(node)
        assert fence is not None
        self.pay(fence, units)
        return fence

    def work(self, node: str, *recipes: str, units: int = 100) -> None:
        """A node decided, with its renders queued."""
        fence = self.begin(node, units)
        self.decide(fence, len(recipes))
        self.plan(fence, *recipes)

    def render(self, node: str, index: int, units: int = 100) -> bool:
        """A render begun, and finished if it can be paid for."""
        fence = self.start_render(self.renders(node)[index])
        assert fence is not None
        if paid := self.pay_render(fence, units):
            self.finish_render(fence)
        return paid

    def deliver_partly(self) -> None:
        """The Destination after a part of what it waited for."""
        fence = self.start("out")
        assert fence is not None
        self._do(lambda c: finish_node(c, fence, NodeStatus.partial_complete))

    def left(self) -> int:
        return self._do(lambda c: ledger.balance(c, OWNER, self.starting))

    def entries(self) -> dict[str, tuple[int, bool]]:
        rows = self._do(lambda c: c.execute(sa.select(credit_entries)).all())
        return {row.key: (row.units, row.reserved) for row in rows}

    def account(self, **values: object) -> None:
        def change(connection: sa.Connection) -> None:
            ledger.locked_account(connection, OWNER)
            connection.execute(credit_accounts.update().values(**values))

        self._do(change)


def line(store: Store, starting: int = 1000) -> Metered:
    run = Metered(store, LINE)
    run.starting = starting
    run.do("in")
    return run


# Paying


def test_a_nodes_work_is_set_aside_and_then_spent(store: Store):
    run = line(store)
    fence = run.begin("logo")
    key = f"node:{run.row('logo').id}"
    assert run.entries() == {key: (-100, True)}
    run.decide(fence)
    assert run.entries() == {key: (-100, False)}
    assert run.left() == 900


def test_every_finished_video_is_paid_for_once(store: Store):
    run = line(store)
    run.work("logo", "a", "b")
    assert run.render("logo", 0, 30)
    assert run.render("logo", 1, 40)
    assert run.left() == 1000 - 100 - 30 - 40
    assert not any(reserved for _, reserved in run.entries().values())


def test_work_that_fails_costs_nothing(store: Store):
    run = line(store)
    run.finish(run.begin("logo"), "broken")
    assert (run.entries(), run.left()) == ({}, 1000)


def test_a_render_that_fails_costs_nothing_and_what_was_decided_stays_paid(store: Store):
    run = line(store)
    run.work("logo", "a")
    fence = run.start_render(run.renders("logo")[0])
    assert fence is not None
    run.pay_render(fence)
    run.finish_render(fence, "no")
    assert run.left() == 900


def test_a_job_that_died_and_begins_again_is_paid_for_once(store: Store):
    run = line(store)
    run.begin("logo")
    again = run.begin("logo")
    run.decide(again)
    run.plan(again, "a")
    first = run.start_render(run.renders("logo")[0])
    assert first is not None
    run.pay_render(first)
    assert run.render("logo", 0)
    assert run.left() == 800


def test_whoever_comes_late_sets_nothing_aside(store: Store):
    run = line(store)
    late = run.start("logo")
    assert run.start("logo") is not None
    assert late is not None
    assert not run.pay(late)
    assert run.entries() == {}
    assert run.statuses()["logo"] == "running"


def test_a_cancelled_run_gives_back_what_it_had_set_aside_and_pays_the_rest_once(store: Store):
    run = line(store)
    run.work("logo", "a", "b")
    assert run.render("logo", 0)
    fence = run.start_render(run.renders("logo")[1])
    assert fence is not None
    run.pay_render(fence)
    assert run.left() == 700
    run.cancel()
    assert run.left() == 800
    run.resume()
    run.work("logo", "a", "b")
    assert run.render("logo", 1)
    assert run.left() == 700


def test_a_video_that_equals_a_finished_one_costs_nothing(store: Store):
    first = line(store)
    first.work("logo", "a")
    assert first.render("logo", 0)
    second = line(store, starting=200)
    second.work("logo", "a", units=0)
    assert second.render("logo", 0)
    assert second.left() == 0


def test_of_equal_videos_that_are_made_at_once_one_is_paid(store: Store):
    runs = [line(store), line(store)]
    fences = []
    for run in runs:
        run.work("logo", "a", units=0)
        fence = run.start_render(run.renders("logo")[0])
        assert fence is not None
        assert run.pay_render(fence)
        fences.append(fence)
    assert runs[0].left() == 800
    for run, fence in zip(runs, fences, strict=True):
        run.finish_render(fence)
    assert runs[0].left() == 900


def test_runs_that_race_for_the_last_credits_do_not_overspend(store: Store):
    runs = [line(store, starting=250) for _ in range(6)]
    fences = [run.start("logo") for run in runs]
    together = Barrier(len(runs))

    def race(run: Metered, fence: Fence) -> bool:
        together.wait()
        return run.pay(fence)

    with ThreadPoolExecutor(len(runs)) as pool:
        won = list(pool.map(race, runs, fences))
    assert sum(won) == 2
    assert runs[0].left() == 50
    assert [run.run.status for run in runs].count("failed") == 4


# Stopping for want of credits, and going on


def test_a_node_that_cannot_be_paid_stops_and_says_what_is_missing(store: Store):
    run = line(store, starting=250)
    run.begin("logo", 1500)
    node = run.row("logo")
    assert (node.status, node.needs_credits) == ("blocked", True)
    assert node.status_message == "Insufficient credits"
    assert node.errors == ["This step needs 1.5 credits, and 0.25 are left."]
    assert run.statuses()["out"] == "blocked"
    assert not run.row("out").needs_credits
    assert run.run.status == "failed"
    assert run.run.status_message == ("Insufficient credits for Watermark; no outputs are ready.")
    assert run.left() == 250


def test_what_needs_no_more_credits_goes_on_and_is_delivered(store: Store):
    run = Metered(store, TWO, PATHS)
    run.do("in")
    run.begin("a", 5000)
    run.work("b", "x")
    assert run.render("b", 0)
    run.do("out")
    assert run.statuses() == {
        "in": "completed",
        "a": "blocked",
        "after": "blocked",
        "b": "completed",
        "out": "completed",
    }
    assert run.run.status == "partial_complete"
    assert run.run.status_message == "Insufficient credits for Watermark; 1 output is ready."


def test_clips_that_cannot_be_paid_leave_the_others_delivered(store: Store):
    run = line(store, starting=250)
    run.work("logo", "a", "b")
    assert run.render("logo", 0)
    assert not run.render("logo", 1)
    node = run.row("logo")
    assert (node.status, node.needs_credits) == ("partial_complete", True)
    assert node.errors == ["b needs 0.1 credits, and 0.05 are left."]
    assert [r.status for r in run.renders("logo")] == ["completed", "blocked"]


def test_a_node_whose_videos_all_wait_is_blocked(store: Store):
    run = line(store, starting=150)
    run.work("logo", "a", "b")
    assert not run.render("logo", 0)
    assert not run.render("logo", 1)
    assert run.statuses()["logo"] == "blocked"
    assert run.run.status == "failed"


def test_a_resume_queues_exactly_what_waited_and_pays_only_that(store: Store):
    run = line(store, starting=250)
    run.work("logo", "a", "b")
    assert run.render("logo", 0)
    assert not run.render("logo", 1)
    run.deliver_partly()
    assert run.run.status == "partial_complete"
    run.starting = 400
    kept = run.renders("logo")[0]
    answer = run.resume()
    assert answer.requeued_nodes == 2
    assert run.statuses() == {"in": "completed", "logo": "queued", "out": "not_started"}
    assert not run.row("logo").needs_credits
    run.work("logo", "a", "b")
    assert run.renders("logo")[0] == kept
    assert run.render("logo", 1)
    run.do("out")
    assert (run.run.status, run.statuses()["out"]) == ("completed", "completed")
    assert run.left() == 400 - 100 - 100 - 100


def test_without_a_top_up_a_resume_stops_at_the_same_place(store: Store):
    run = line(store, starting=50)
    run.begin("logo")
    assert run.resume().nodes_queued == 1
    run.begin("logo")
    assert run.statuses()["logo"] == "blocked"
    assert run.row("logo").needs_credits


def test_a_partly_finished_run_that_lacks_no_credits_is_not_resumed(store: Store):
    run = line(store)
    run.work("logo", "a", "b")
    assert run.render("logo", 0)
    fence = run.start_render(run.renders("logo")[1])
    assert fence is not None
    run.finish_render(fence, "broken")
    run.do("out")
    assert run.run.status == "partial_complete"
    with pytest.raises(Conflict, match="for want of credits"):
        run.resume()


def test_a_run_that_lacks_credits_is_not_resumed_while_it_goes_on(store: Store):
    run = Metered(store, TWO, PATHS)
    run.do("in")
    run.begin("a", 5000)
    with pytest.raises(Conflict, match="is running"):
        run.resume()


# What is given


def test_a_plan_brings_its_credits_once_a_month(store: Store):
    run = line(store)
    run.account(plan_id="creator_annual", plan_since="2026-01-31T12:00:00+00:00")

    def look(*moment: int) -> None:
        run._do(lambda c: ledger.locked_account(c, OWNER, datetime(*moment, tzinfo=UTC)))

    look(2026, 1, 31, 12)
    look(2026, 2, 27)
    assert run.left() == 1000 + 2_500_000
    look(2026, 2, 28, 12)
    look(2026, 3, 1)
    assert run.left() == 1000 + 2 * 2_500_000
    assert set(run.entries()) == {"plan:creator:2026-01-31", "plan:creator:2026-02-28"}


def test_automatic_top_ups_keep_the_balance_at_the_threshold(store: Store):
    run = line(store, starting=0)
    run.account(
        plan_id="creator",
        plan_since="2020-01-01T00:00:00+00:00",
        topup_enabled=True,
        topup_threshold=10,
        topup_quantity=40,
    )
    run.begin("logo", 2_500_000 + 35_000)  # more than the month's 2500
    assert run.statuses()["logo"] == "running"
    # 35 below nothing, so that 45 are missing to the threshold: two times 40.
    assert run.left() == 45_000


@pytest.mark.parametrize(
    "account",
    [
        {"topup_enabled": True, "topup_quantity": 50},  # no plan
        {"plan_id": "creator", "topup_enabled": False, "topup_quantity": 50},
        {"plan_id": "creator", "topup_enabled": True, "topup_quantity": 0},
    ],
)
def test_nothing_is_topped_up_without_a_plan_a_wish_and_an_amount(store: Store, account):
    run = line(store, starting=0)
    run.account(plan_since="2020-01-01T00:00:00+00:00", **account)
    run.begin("logo", 2_500_001)
    assert run.statuses()["logo"] == "blocked"


# Databases from before there were credits


def test_nodes_of_an_older_database_are_kept_and_wait_for_no_credits(tmp_path: Path):
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'studio.db'}")
    at_revision(engine, "0002")
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "insert into run_nodes (id, owner, run_id, node_id, node_type_id, params, needs,"
                " position, renders_outputs, status, errors, generation, attempt, progress, step)"
                " values ('n', 'anna', 'r', 't', 'x', '{}', '[]', 0, false, 'failed', '[]',"
                " 1, 0, 0, '')"
            )
        )
    engine.dispose()
    store = Store(tmp_path / "studio.db")
    with store.engine.begin() as connection:
        [node] = connection.execute(sa.select(run_nodes)).all()
    assert (node.status, node.needs_credits) == ("failed", False)
    store.close()
