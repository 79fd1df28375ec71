"""How runs, nodes and renders change state, in a real database and without the work."""

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


def test_a_changed_decision_replaces_its_render_only(store: Store):
    run = line(store)
    run.decide_and_plan("logo", "a", "b")
    kept = run.renders("logo")[0].id
    run.cancel()
    run.resume()
    run.decide_and_plan("logo", "a", "other")
    assert run.renders("logo")[0].id == kept
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


def test_a_tile_that_is_done_is_not_done_again_while_its_renders_are_at_work(store: Store):
    run = line(store)
    run.decide_and_plan("logo", "a")
    # The process died before DBOS had noted that the tile was done: it asks for it again.
    assert run.start("logo") is None
    render = run.start_render(run.renders("logo")[0])
    assert run.start("logo") is None
    assert render is not None
    run.finish_render(render)
    assert run.statuses()["logo"] == "completed"
    assert run.events().count("node.running") == 2


# Attempts


def test_who_stops_in_good_order_gives_the_attempt_back(store: Store):
    run = line(store)
    first = run.start("logo")
    assert first is not None
    run.release(first)
    assert (run.row("logo").status, run.row("logo").attempt) == ("queued", 0)
    run.finish(first, "late")  # it has let go
    assert run.statuses()["logo"] == "queued"
    again = run.decide_and_plan("logo", "a")
    assert again.attempt == 1
    render = run.start_render(run.renders("logo")[0])
    assert render is not None
    run.release_render(render, "trying again in 1 s")
    assert (run.renders("logo")[0].status, run.renders("logo")[0].attempt) == ("queued", 0)
    assert run.row("logo").step == "trying again in 1 s"
    run.do_renders("logo", None)
    assert run.statuses()["logo"] == "completed"


def test_who_lost_the_work_has_nothing_to_give_back(store: Store):
    run = line(store)
    first = run.start("logo")
    assert first is not None
    assert run.start("logo") is not None  # its process died
    run.release(first)
    assert (run.row("logo").status, run.row("logo").attempt) == ("running", 2)


def test_what_was_at_work_during_two_deaths_is_only_done_alone(store: Store):
    run = line(store)
    run.start("logo")
    assert run.start("logo", alone=False) is not None
    assert run.start("logo", alone=False) is None
    assert run.row("logo").attempt == 2
    assert run.start("logo", alone=True) is not None


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


def test_a_resume_leaves_a_node_that_delivered_in_part_as_it_is(store: Store):
    """The contract: only not_started, blocked, cancelled and failed nodes are queued again."""
    run = MovedRun(store, BRANCHES, PATHS)
    run.do("in")
    run.decide_and_plan("right", "a", "b")
    run.do_renders("right", None, "b: damaged.")
    run.start("left")
    run.cancel()
    answer = run.resume()
    assert (answer.nodes_considered, answer.requeued_nodes, answer.nodes_queued) == (5, 3, 1)
    assert run.statuses() == {
        "in": "completed",
        "left": "queued",
        "right": "partial_complete",
        "after": "not_started",
        "out": "not_started",
    }
    run.do("left")
    run.decide_and_plan("after", "a")
    run.do_renders("after", None)
    run.do("out")
    assert run.run.status == "partial_complete"
    assert run.run.status_message == "Watermark failed in part; 2 outputs are ready."
    assert run.row("right").errors == ["b: damaged."]


def test_a_destination_says_anew_what_it_got_when_a_resume_completed_the_rest(store: Store):
    nodes = {"in": "Video Input", "logo": "Watermark", "tall": "Reframe", "slow": "Reframe"}
    run = MovedRun(
        store,
        {**nodes, "out": "Destination", "late": "Destination"},
        "in>logo in>tall logo>out tall>out in>slow slow>late",
    )
    run.do("in")
    run.decide_and_plan("logo", "a")
    run.do_renders("logo", None)
    run.decide_and_plan("tall", "b")
    run.do_renders("tall", "b: FFmpeg was killed.")
    run.do_destination("out", "partial_complete")
    run.cancel()
    run.resume()
    assert run.statuses()["out"] == "partial_complete"
    for name in ("tall", "slow"):
        run.decide_and_plan(name, name)
        run.do_renders(name, None)
    run.do("late")
    assert (run.run.status, run.run.status_message) == ("completed", None)
    assert run.statuses()["out"] == "completed"


def test_a_run_can_be_cancelled_before_anything_began_and_resumed_at_once(store: Store):
    run = MovedRun(store, LINE)
    answer, stopped = run.cancel()
    assert (answer.tasks_cancelled, answer.nodes_reset, len(stopped)) == (1, 3, 1)
    late = run.start("in")  # DBOS had it on its way
    assert late is None
    resumed = run.resume()
    assert (resumed.nodes_queued, resumed.requeued_nodes) == (1, 3)
    assert run.jobs()[0].generation == 2


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
