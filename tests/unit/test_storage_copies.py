"""Copies of a bucket's files on this machine."""

import os

import pytest

from mosaic_mcp.studio.storage.copies import Copies
from mosaic_mcp.studio.storage.folder import seal_of


@pytest.fixture
def copies(tmp_path) -> Copies:
    return Copies(tmp_path / "copies", tmp_path / "work", most_bytes=25)


def add(copies: Copies, tmp_path, key: str, content: bytes) -> None:
    file = tmp_path / "made"
    file.write_bytes(content)
    copies.add(key, file)
    file.unlink()


def used(copies: Copies, *keys: str) -> None:
    """Use them, one after the other, at times that a disk can tell apart."""
    for number, key in enumerate(keys):
        held = copies.hold(key)
        assert held is not None
        os.utime(held, ns=(1_000_000_000 * (number + 1), held.stat().st_mtime_ns))
        held.unlink()


def there(copies: Copies, key: str) -> bool:
    held = copies.hold(key)
    if held is not None:
        held.unlink()
    return held is not None


def test_a_copy_is_held_by_a_link_of_its_own_with_the_suffix_of_its_key(copies, tmp_path):
    add(copies, tmp_path, "assets/ab/abc.mp4", b"video")
    held = copies.hold("assets/ab/abc.mp4")
    assert held.read_bytes() == b"video"
    assert held.suffix == ".mp4"
    copies.drop("assets/ab/abc.mp4")
    assert held.read_bytes() == b"video"
    assert copies.hold("assets/ab/abc.mp4") is None


def test_a_copy_is_found_by_the_beginning_of_its_name(copies, tmp_path):
    add(copies, tmp_path, "assets/ab/abc.mov", b"video")
    assert copies.find("assets/ab/abc") == "assets/ab/abc.mov"
    assert copies.find("assets/ab/ab") is None


def test_a_copy_that_the_user_wrote_to_is_a_copy_no_more(copies, tmp_path):
    own = tmp_path / "talk.mp4"
    own.write_bytes(b"first")
    copies.add("a/b.mp4", own)
    assert there(copies, "a/b.mp4")
    own.write_bytes(b"other")
    os.utime(own, ns=(1, 1))
    assert not there(copies, "a/b.mp4")
    assert own.read_bytes() == b"other"


def test_a_file_that_changed_since_it_was_looked_at_is_not_taken(copies, tmp_path):
    own = tmp_path / "talk.mp4"
    own.write_bytes(b"first")
    seal = seal_of(own)
    own.write_bytes(b"second")
    copies.add("a/b.mp4", own, seal)
    assert not there(copies, "a/b.mp4")


def test_the_least_lately_used_go_when_there_are_too_many(copies, tmp_path):
    add(copies, tmp_path, "a/1", b"1234567890")
    add(copies, tmp_path, "a/2", b"1234567890")
    used(copies, "a/2", "a/1")
    add(copies, tmp_path, "a/3", b"1234567890")
    assert [there(copies, f"a/{n}") for n in (1, 2, 3)] == [True, False, True]


def test_what_a_job_holds_stays_whatever_the_limit(copies, tmp_path):
    add(copies, tmp_path, "a/1", b"1234567890")
    used(copies, "a/1")
    held = copies.hold("a/1")
    os.utime(held, ns=(1, held.stat().st_mtime_ns))
    add(copies, tmp_path, "a/2", b"1234567890")
    used(copies, "a/2")
    add(copies, tmp_path, "a/3", b"1234567890")
    assert [there(copies, f"a/{n}") for n in (1, 2, 3)] == [True, False, True]


def test_copies_leave_nothing_else_behind(copies, tmp_path):
    add(copies, tmp_path, "a/1", b"1")
    used(copies, "a/1")
    assert list((tmp_path / "work").iterdir()) == []
