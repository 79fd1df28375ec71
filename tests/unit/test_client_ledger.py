"""What the ledger remembers, over processes and crashes."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from mosaic_mcp.client import Ledger
from mosaic_mcp.client.ledger import request_hash
from mosaic_mcp.errors import Conflict, MosaicError
from tests.support.patience import Patience


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    return Ledger(tmp_path / "ledger.db")


def begin(ledger: Ledger, digest: str = "h", key: str | None = None, over: str | None = None):
    return ledger.begin("studio", digest, "agent", key=key, engine_time=5.0, over=over)


def test_equal_requests_have_equal_hashes_whatever_the_order_of_their_fields():
    one = request_hash("a", {"x": 1, "y": {"b": 2, "c": 3}}, None)
    assert one == request_hash("a", {"y": {"c": 3, "b": 2}, "x": 1}, None)
    others = [
        request_hash("b", {"x": 1, "y": {"b": 2, "c": 3}}, None),
        request_hash("a", {"x": 2, "y": {"b": 2, "c": 3}}, None),
        request_hash("a", {"x": 1, "y": {"b": 2, "c": 3}}, "draft"),
    ]
    assert one not in others


def test_a_request_is_on_disk_before_it_is_sent(tmp_path, ledger):
    entry, new = begin(ledger, key="k")
    assert new
    assert Ledger(tmp_path / "ledger.db").begin(
        "studio", "h", "agent", key="k", engine_time=9.0
    ) == (entry, False)


def test_a_key_used_with_another_request_is_a_conflict(ledger):
    begin(ledger, "one", key="k")
    with pytest.raises(Conflict, match="'k' was used with another request"):
        begin(ledger, "two", key="k")


def test_a_key_means_something_else_at_another_engine(ledger):
    begin(ledger, "one", key="k")
    _, new = ledger.begin("https://api#1", "two", "agent", key="k", engine_time=0.0)
    assert new


def test_requests_without_a_key_are_told_apart_by_their_content(ledger):
    first, _ = begin(ledger, "one")
    assert begin(ledger, "one") == (first, False)
    assert begin(ledger, "two")[1]


def test_a_request_without_a_key_is_never_taken_for_one_with_a_key(ledger):
    begin(ledger, "one", key="k")
    entry, new = begin(ledger, "one")
    assert new
    assert entry.key != "k"


def test_a_request_that_is_over_makes_room_for_exactly_one_new_one(ledger):
    first, _ = begin(ledger)
    second, new = begin(ledger, over=first.key)
    assert new
    # Another caller saw the same run end: it meets the new request, not the old one.
    assert begin(ledger, over=first.key) == (second, False)


def test_a_refused_request_never_happened(ledger):
    entry, _ = begin(ledger, key="k")
    ledger.refused(entry)
    assert begin(ledger, "other", key="k")[1]


def test_only_one_caller_takes_over_a_request_whose_answer_was_lost(ledger):
    entry, _ = begin(ledger)
    ledger.unknown(entry)
    lost, _ = begin(ledger)
    assert lost.state == "unknown"
    assert [ledger.claim(lost), ledger.claim(lost)] == [True, False]


def test_the_run_of_a_request_is_kept_with_it(ledger):
    entry, _ = begin(ledger)
    ledger.accepted(entry, "run-1")
    known, _ = begin(ledger)
    assert (known.run_id, known.state, known.delivered) == ("run-1", "accepted", False)
    ledger.delivered("run-1")
    assert begin(ledger)[0].delivered


def test_runs_of_other_requests_are_known(ledger):
    one, _ = begin(ledger, "one")
    ledger.accepted(one, "run-1")
    two, _ = begin(ledger, "two")
    ledger.accepted(two, "run-2")
    assert ledger.other_runs(two) == {"run-1"}


def test_the_age_of_a_request_is_counted_from_its_last_sending(tmp_path):
    time = Patience()
    ledger = Ledger(tmp_path / "ledger.db", now=time.clock)
    entry, _ = begin(ledger)
    time.now += 90
    assert ledger.age_s(entry) == 90
    assert ledger.claim(entry)
    assert ledger.age_s(begin(ledger)[0]) == 0


def test_uploads_are_remembered_by_engine_kind_and_content(ledger):
    ledger.uploaded("e", "video", "abc", "asset-1")
    assert ledger.upload("e", "video", "abc") == "asset-1"
    assert ledger.upload("e", "audio", "abc") is None
    assert ledger.upload("f", "video", "abc") is None
    ledger.uploaded("e", "video", "abc", "asset-2")
    assert ledger.upload("e", "video", "abc") == "asset-2"


def test_the_outputs_that_fed_a_run_are_kept_in_their_order_once(ledger):
    ledger.add_lineage("run", ["b", "a"])
    ledger.add_lineage("run", ["a", "c"])
    assert ledger.lineage("run") == ("b", "a", "c")
    assert ledger.lineage("other") == ()


def test_labels_of_an_agent_are_replaced_as_a_whole(ledger):
    ledger.set_labels("agent", {"n1": "Hook", "n2": "Body"})
    ledger.set_labels("agent", {"n2": "Main"})
    assert ledger.labels("agent") == {"n2": "Main"}
    assert ledger.labels("other") == {}


def test_what_a_task_needs_at_its_end_is_kept_and_the_newest_call_counts(tmp_path, ledger):
    assert ledger.task("r") == {}
    ledger.keep_task("r", {"warnings": ["w"], "detailed": False})
    ledger.keep_task("r", {"warnings": [], "detailed": True})
    assert Ledger(tmp_path / "ledger.db").task("r") == {"warnings": [], "detailed": True}


def test_many_callers_at_once_begin_one_request(tmp_path):
    def caller(_: int) -> bool:
        return begin(Ledger(tmp_path / "ledger.db"))[1]

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(caller, range(16))) == 1


def test_a_damaged_ledger_says_what_to_do(tmp_path):
    (tmp_path / "ledger.db").write_bytes(b"not a database" * 100)
    with pytest.raises(MosaicError, match=r"ledger\.db in MOSAIC_HOME") as caught:
        Ledger(tmp_path / "ledger.db")
    assert "move it away" in caught.value.remedy
    assert isinstance(caught.value.__cause__, sqlite3.DatabaseError)


def test_a_data_folder_that_cannot_be_made_says_what_to_do(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(MosaicError, match="cannot be used"):
        Ledger(tmp_path / "file" / "ledger.db")
