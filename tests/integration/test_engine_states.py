"""How runs, nodes and renders change state, in a real database and without the work."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mosaic_mcp.errors import Conflict, NotFound
from mosaic_mcp.studio.store.database import Store
from tests.support.run_states import MovedRun

LINE = {"in": "Video Input", "logo": "Watermark", "out": "Destination"}
BRANCHES = {
    "in": "Video Input",
    "left": "Watermark",
    "after": "Reframe",
    "right": "Watermark",
    "out": "Destination",
}
PATHS = "in>left left>after after>out in>right right>out"


POSTGRESQL = pytest.param("postgresql", marks=[pytest.mark.cluster, pytest.mark.short])


@pytest.fixture(params=["sqlite", POSTGRESQL])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "sqlite":
        store = Store(tmp_path / "studio.db")
    else:
        store = Store(request.getfixturevalue("postgres").create())
    yield store
    store.close()


def line(store: Store) -> MovedRun:
    run = MovedRun(store, LINE)
    run.do("in")
    return run


# From node to node


def test_a_new_run_has_its_first_nodes_queued(store: Store):
    run = MovedRun(store, BRANCHES, PATHS)
    assert run.run.status == "running"
    assert run.statuses() == {
        "in": "queued",
        "left": "not_started",
        "after": "not_started",
        "right": "not_started",
        "out": "not_started",
    }


def test_what_a_node_decided_lets_all_branches_begin(store: Store):
    run = MovedRun(store, BRANCHES, PATHS)
    fence = run.start("in")
    assert fence is not None
    run.decide(fence)
    assert run.statuses()["left"] == run.statuses()["right"] == "queued"
    assert run.statuses()["after"] == "not_started"


def test_a_tile_behind_an_output_does_not_wait_for_its_renders(store: Store):
    run = MovedRun(
        store,
        {"in": "Video Input", "logo": "Watermark", "tall": "Reframe", "out": "Destination"},
        "in>logo logo>out logo>tall tall>out",
    )
    run.do("in")
    run.decide_and_plan("logo", "a")
    assert run.statuses()["tall"] == "queued"
    assert run.statuses()["out"] == "not_started"


def test_an_output_node_stays_running_until_its_last_render_is_published(store: Store):
    run = line(store)
    run.decide_and_plan("logo", "a", "b")
    first, second = run.renders("logo")
    one, two = run.start_render(first), run.start_render(second)
    assert one is not None
    assert two is not None
    run.finish_render(one)
    assert run.statuses()["logo"] == "running"
    assert run.row("logo").step == "rendering 2 of 2"
    run.finish_render(two)
    assert run.statuses() == {"in": "completed", "logo": "completed", "out": "queued"}
    run.do("out")
    assert (run.run.status, run.run.status_message) == ("completed", None)


def test_progress_of_an_output_node_rises_with_its_renders(store: Store):
    run = line(store)
    run.decide_and_plan("logo", "a", "b")
    fence = run.start_render(run.renders("logo")[0])
    assert fence is not None
    seen = []
    for share in (0.1, 0.5, 0.2):
        run.progress_render(fence, share)
        seen.append(run.row("logo").progress)
    # A fifth is the tile's, the rest is shared by two renders; what goes back is not told.
    assert seen == pytest.approx([0.24, 0.4, 0.4])
    assert run.row("logo").rate == 1.5


def test_each_change_of_progress_has_a_higher_number_and_only_the_newest_is_kept(store: Store):
    run = line(store)
    run.decide_and_plan("logo", "a")
    fence = run.start_render(run.renders("logo")[0])
    assert fence is not None
    numbers = []
    for share in (0.1, 0.2, 0.3):
        run.progress_render(fence, share)
        numbers.append(run.last_seq())
    assert numbers == sorted(set(numbers))
    assert run.events().count("node.progress") == 1


def test_one_failing_clip_leaves_the_others_delivered(store: Store):
    run = line(store)
    run.decide_and_plan("logo", "a", "b", "c")
    run.do_renders("logo", None, "b: no space.", None)
    assert run.statuses()["logo"] == "partial_complete"
    assert run.row("logo").errors == ["b: no space."]
    run.do("out")
    assert run.run.status == "partial_complete"
    assert run.run.status_message == "Watermark failed in part; 2 outputs are ready."


def test_a_failing_branch_blocks_only_what_is_behind_it(store: Store):
    run = MovedRun(store, BRANCHES, PATHS)
    run.do("in")
    fence = run.start("left")
    assert fence is not None
    run.finish(fence, "There is no such picture.")
    assert run.statuses()["after"] == "blocked"
    run.decide_and_plan("right", "a")
    run.do_renders("right", None)
    run.do("out")
    assert run.run.status == "partial_complete"
    assert run.run.status_message == "Watermark failed; 1 output is ready."


def test_a_run_without_any_output_failed(store: Store):
    run = line(store)
    run.decide_and_plan("logo", "a")
    run.do_renders("logo", "a: damaged.")
    assert run.statuses() == {"in": "completed", "logo": "failed", "out": "blocked"}
    assert run.run.status == "failed"
    assert run.run.status_message == "Watermark failed; no outputs are ready."


# Whoever comes late


def test_a_worker_of_an_earlier_attempt_writes_nothing(store: Store):
    run = line(store)
    late, fence = run.start("logo"), run.start("logo")
    assert late is not None
    assert fence is not None
    run.finish(late, "late")
    assert run.decide(late) is False
    assert run.statuses()["logo"] == "running"
    assert run.decide(fence) is True


def test_a_worker_of_an_earlier_generation_writes_nothing(store: Store):
    run = line(store)
    late = run.start("logo")
    assert late is not None
    run.cancel()
    run.resume()
    run.finish(late)
    assert run.statuses()["logo"] == "queued"


def test_what_was_cancelled_cannot_begin(store: Store):
    run = line(store)
    run.decide_and_plan("logo", "a")
    (render,) = run.renders("logo")
    run.cancel()
    assert run.start_render(render) is None
    assert run.start("logo") is None


# Repeated planning


def test_a_node_that_is_done_again_keeps_the_renders_that_it_had_planned(store: Store):
    run = line(store)
    run.decide_and_plan("logo", "a", "b", "c")
    first, second, third = run.renders("logo")
    done = run.start_render(first)
    assert done is not None
    run.finish_render(done)
    run.start_render(second)
    run.decide_and_plan("logo", "a", "b", "c")
    again = run.renders("logo")
    assert [r.id for r in again] == [first.id, second.id, third.id]
    assert [r.status for r in again] == ["completed", "running", "queued"]


def test_a_changed_decision_replaces_its_render_only(store: Store):
    run = line(store)
    run.decide_and_plan("logo", "a", "b")
    run.decide_and_plan("logo", "a", "other")
    assert [r.recipe_hash for r in run.renders("logo")] == ["a", "other"]


def test_a_node_whose_renders_were_all_finished_before_ends_at_once(store: Store):
    run = line(store)
    run.decide_and_plan("logo", "a", "b")
    fence = run.start_render(run.renders("logo")[0])
    assert fence is not None
    run.finish_render(fence)
    run.cancel()
    run.resume()
    run.decide_and_plan("logo", "a")
    assert run.statuses()["logo"] == "completed"


def test_renders_that_end_while_their_node_is_done_again_end_it(store: Store):
    run = line(store)
    run.decide_and_plan("logo", "a")
    render = run.start_render(run.renders("logo")[0])
    again = run.start("logo")  # the process died before it had noted that the tile was done
    assert render is not None
    assert again is not None
    run.finish_render(render)
    assert run.statuses()["logo"] == "completed"
    assert run.decide(again) is False


# Cancel and resume


def test_cancel_counts_what_it_stopped_and_a_second_one_counts_nothing(store: Store):
    run = line(store)
    run.decide_and_plan("logo", "a", "b")
    answer, stopped = run.cancel()
    assert (answer.tasks_cancelled, answer.nodes_reset) == (2, 2)
    assert [job.kind for job in stopped] == ["render", "render"]
    assert run.statuses() == {"in": "completed", "logo": "cancelled", "out": "cancelled"}
    again, stopped = run.cancel()
    assert (again.tasks_cancelled, again.nodes_reset, stopped) == (0, 0, [])
    assert run.run.status == "cancelled"


def test_another_owners_run_does_not_exist(store: Store):
    run = line(store)
    with pytest.raises(NotFound):
        run.cancel("ben")
    assert run.run.status == "running"


def test_resume_queues_what_did_not_finish_and_keeps_what_did(store: Store):
    run = line(store)
    run.decide_and_plan("logo", "a", "b")
    first, second = run.renders("logo")
    done = run.start_render(first)
    assert done is not None
    run.finish_render(done)
    run.cancel()
    answer = run.resume()
    assert (answer.nodes_considered, answer.requeued_nodes, answer.nodes_queued) == (3, 2, 1)
    assert run.statuses() == {"in": "completed", "logo": "queued", "out": "not_started"}
    run.decide_and_plan("logo", "a", "b")
    assert [(r.id, r.status) for r in run.renders("logo")] == [
        (first.id, "completed"),
        (second.id, "queued"),
    ]
    fence = run.start_render(run.renders("logo")[1])
    assert fence is not None
    run.finish_render(fence)
    run.do("out")
    assert run.run.status == "completed"


def test_a_failed_run_can_be_resumed_and_its_errors_are_gone(store: Store):
    run = line(store)
    fence = run.start("logo")
    assert fence is not None
    run.finish(fence, "The disk is full.")
    assert run.run.status == "failed"
    run.resume()
    assert run.run.status_message is None
    assert run.row("logo").errors == []
    assert run.row("out").status_message is None
    run.decide_and_plan("logo", "a")
    run.do_renders("logo", None)
    run.do("out")
    assert run.run.status == "completed"


def test_only_failed_and_cancelled_runs_can_be_resumed(store: Store):
    run = line(store)
    with pytest.raises(Conflict, match="running"):
        run.resume()
    run.decide_and_plan("logo", "a")
    run.do_renders("logo", None)
    run.do("out")
    with pytest.raises(Conflict, match="completed"):
        run.resume()


# Jobs


def test_a_node_that_waits_for_its_renders_is_nobodys_job(store: Store):
    run = line(store)
    run.decide_and_plan("logo", "a")
    assert [job.kind for job in run.jobs()] == ["render"]
    run.do_renders("logo", None)
    assert [job.row_id for job in run.jobs()] == [run.row("out").id]


def test_lost_work_fails_with_a_sentence_and_can_be_resumed(store: Store):
    run = line(store)
    run.start("logo")
    run.give_up(run.jobs()[0])
    assert run.run.status == "failed"
    assert "Resume the run." in run.row("logo").errors[0]
    run.resume()
    assert run.statuses()["logo"] == "queued"


def test_a_lost_render_fails_its_node_in_part(store: Store):
    run = line(store)
    run.decide_and_plan("logo", "a", "b")
    lost, other = run.renders("logo")
    fence = run.start_render(other)
    assert fence is not None
    run.finish_render(fence)
    run.give_up(run.jobs()[0])
    assert run.statuses()["logo"] == "partial_complete"
    assert run.renders("logo")[0].status == "failed"
    assert run.renders("logo")[0].id == lost.id


# The same key


def test_the_same_key_and_request_is_the_same_run(store: Store):
    run = MovedRun(store, LINE)
    first = run.create("key")
    assert run.create("key") == first
    assert run.create("other key") != first
    assert run.create() != run.create()


def test_the_same_key_with_another_request_is_a_conflict(store: Store):
    run = MovedRun(store, LINE)
    run.create("key", video="v")
    with pytest.raises(Conflict, match="key"):
        run.create("key", video="w")
